"""`nineconnect run`: the whole product on this machine, with a live view, until Ctrl-C."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import FrameType
from typing import NoReturn

import psutil
import typer
from dotenv import load_dotenv
from rich.console import Console

from cli.live.carrier_watch import CarrierWatch
from cli.live.ledger_tail import LedgerTail
from cli.live.sample_story import publish_samples
from cli.live.screen import Scene, screen_for
from cli.stack.boot import Boot
from cli.stack.errors import StackError
from cli.stack.plan import GENERATED_SECRETS, KAFKA, REDIS, ROOT, SANDBOX, StackPlan
from cli.stack.ports import StackPorts
from cli.stack.run_folder import RunFolder
from cli.stack.run_settings import RunSettings
from cli.stack.steps import Steps
from cli.stack.supervisor import Supervisor
from common.settings import InvalidSettings, load_settings

# Ctrl-C must be over within 5 s
STOP_GRACE = timedelta(seconds=4)
STOPPED_LAST = (KAFKA, REDIS, SANDBOX)
FAILED, MISUSED = 1, 2


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("run")(run_command)


def run_command() -> None:
    """Run the whole product on this machine, with a live view; Ctrl-C stops it. See .env.example for its settings."""
    raise typer.Exit(run())


def run() -> int:
    """Run until Ctrl-C, SIGTERM or SIGHUP; returns the exit code: 0 stopped, 1 could not start, 2 wrong settings."""
    load_dotenv(ROOT / ".env")
    console = Console()
    try:
        settings = load_settings(RunSettings)
    except InvalidSettings as error:
        console.print(f"Wrong settings:\n{error}", style="red", markup=False)
        return MISUSED
    folder = RunFolder(ROOT / settings.run_directory, settings.port_base)
    try:
        with _ended_by_signals(), folder.locked():
            plan = StackPlan(
                settings=settings,
                ports=StackPorts(settings.port_base),
                folder=folder,
                secrets=folder.secrets(GENERATED_SECRETS),
            )
            LocalRun(plan, console).until_stopped()
    except StackError as error:
        console.print(f"\n{error}", style="red", markup=False, highlight=False)
        return FAILED
    except KeyboardInterrupt:
        return 0
    return 0


class LocalRun:
    """One run of the local stack."""

    def __init__(self, plan: StackPlan, console: Console) -> None:
        self._plan = plan
        self._supervisor = Supervisor()
        self._steps = Steps()
        self._scene = Scene(self._steps, self._supervisor)
        self._scene.addresses = plan.addresses()
        self._screen = screen_for(self._scene, console)
        self._steps.watch(self._screen.step_changed)
        self._boot = Boot(plan=plan, supervisor=self._supervisor, steps=self._steps, refresh=self._screen.refresh)

    def until_stopped(self) -> None:
        """Start everything, publish samples, then supervise and show for ever.

        Raises:
            StackError: a part could not be started; what was started is stopped again.
            KeyboardInterrupt: the person had enough; everything is stopped.
        """
        try:
            self._boot.everything()
            with self._steps.step("ledger", "following it from its end"):
                self._watch()
            self._publish_samples()
            self._supervise()
        finally:
            self._stop()

    def _watch(self) -> None:
        if self._plan.sandbox_url:
            self._scene.carrier = CarrierWatch(self._plan.sandbox_book)
        ledger = LedgerTail(self._plan.bootstrap)
        ledger.start()
        while not ledger.is_positioned:
            self._boot.tick()
        self._scene.ledger = ledger

    def _publish_samples(self) -> None:
        count = self._plan.settings.samples
        if not count:
            self._screen.note("SAMPLES=0: nothing is published by itself; try `nineconnect publish`.")
            return
        self._boot.in_background(lambda: publish_samples(self._plan.bootstrap, count))
        self._screen.note(f"Published {count} sample customers and a failed payment of each.")

    def _supervise(self) -> NoReturn:
        told = False
        while True:
            self._boot.tick()
            carrier = self._scene.carrier
            if carrier and not told and carrier.figures().messages and carrier.first_message_at:
                seconds = carrier.first_message_at - process_began_at()
                self._screen.note(f"First SMS in the carrier's book {seconds:.1f} s after the start.")
                told = True

    def _stop(self) -> None:
        began = time.monotonic()
        self._screen.close()
        if self._scene.ledger:
            self._scene.ledger.stop()
        try:
            self._supervisor.stop_all(grace=STOP_GRACE, last=STOPPED_LAST)
        except KeyboardInterrupt:
            self._supervisor.kill_all()
        seconds = time.monotonic() - began
        print(f"Stopped in {seconds:.1f} s. Data are kept in {self._plan.folder.path}; `make clean` removes them.")


def process_began_at() -> float:
    """On the monotonic clock, so that the interpreter's start and the imports count too."""
    return time.monotonic() - (time.time() - psutil.Process().create_time())


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP end the run as Ctrl-C does."""

    def interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
