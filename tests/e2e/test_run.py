"""`nineconnect run` as a person uses it: one command, a first SMS, and nothing left behind."""

import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from urllib.request import urlopen

import psutil
import pytest

from cli.stack.ports import StackPorts, is_free
from tests.support.polling import eventually
from tests.support.ports import free_port
from tests.support.sandbox import Sandbox

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 120.0
RESTART_SECONDS = 30.0
STOP_SECONDS = 5.0
# the view's last redraw and the interpreter's own end, on a machine that is busy with other tests
STOP_MARGIN_SECONDS = 2.0
PORTS_OF_A_STACK = range(50, 94)
TOLD_ELSEWHERE = ("KAFKA_BOOTSTRAP_SERVERS", "REDIS_URL", "TWILIO_BASE_URL", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN")


def free_base() -> int:
    """A base with all its ports free."""

    def attempt() -> int:
        base = free_port()
        return base if all(is_free(base + offset) for offset in PORTS_OF_A_STACK) else 0

    return eventually(attempt)


class Run:
    """One `nineconnect run` whose output goes to a file."""

    def __init__(self, directory: Path, *, base: int, settings: Mapping[str, str] | None = None) -> None:
        self.base = base
        self.folder = directory / "run" / str(base)
        self._output = directory / f"output-{uuid.uuid4().hex[:8]}.txt"
        environment = {name: value for name, value in os.environ.items() if name not in TOLD_ELSEWHERE}
        environment |= {"PORT_BASE": str(base), "RUN_DIRECTORY": str(directory / "run"), "SAMPLES": "2"}
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "cli", "run"],
                cwd=ROOT,
                env=environment | dict(settings or {}),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def said(self) -> str:
        return self._output.read_text()

    def wait_for(self, words: str) -> None:
        def appeared() -> bool:
            assert words in self.said, self.said
            return True

        eventually(lambda: self.process.poll() is not None or appeared(), START_SECONDS, interval=0.1)
        assert words in self.said, self.said

    def descendants(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def child(self, words: str) -> psutil.Process:
        return next(child for child in self.descendants() if words in " ".join(child.cmdline()))

    def end(self) -> int:
        return self.process.wait(START_SECONDS)


def all_ended(processes: list[psutil.Process]) -> bool:
    return not [process for process in processes if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]


def carrier_messages(base: int) -> int:
    with urlopen(f"http://127.0.0.1:{StackPorts(base).sandbox}/_sandbox/stats", timeout=5) as answer:
        return int(json.load(answer)["messages"]["accepted"])


Runs = Callable[..., Run]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """Starts runs that share a directory; what a failed test leaves running is killed, and so are its parts."""
    directory = tmp_path_factory.mktemp("stack")
    started: list[Run] = []

    def start(base: int, **settings: str) -> Run:
        started.append(Run(directory, base=base, settings=settings))
        return started[-1]

    yield start
    for run in started:
        run.process.kill()
        run.process.wait()


@pytest.fixture(scope="module")
def base() -> int:
    return free_base()


@pytest.fixture
def carrier(tmp_path: Path) -> Iterator[Sandbox]:
    sandbox = Sandbox(tmp_path).start()
    yield sandbox
    sandbox.stop()


def test_from_nothing_to_a_stop_that_leaves_nothing(runs: Runs, base: int) -> None:
    run = runs(base)
    run.wait_for("First SMS in the carrier's book")
    ports = StackPorts(run.base)
    for port in (ports.sandbox, ports.notifier_http, ports.callback_http, ports.dialer_http, ports.dialer_grpc):
        assert f":{port}" in run.said
    assert re.search(r"First SMS in the carrier's book \d+\.\d s after the start", run.said)
    assert stat.S_IMODE((run.folder / "secrets.json").stat().st_mode) == 0o600

    beside = runs(base)
    assert beside.end() == 1
    assert "already runs" in beside.said
    assert "PORT_BASE=" in beside.said

    run.child("services.notifier").kill()
    run.wait_for("notifier is restarting ended with exit code -9")
    eventually(lambda: run.said.count("notifier is ready") == 2, RESTART_SECONDS)

    children = run.descendants()
    assert len(children) >= 6
    run.process.send_signal(signal.SIGINT)
    assert run.process.wait(STOP_SECONDS + STOP_MARGIN_SECONDS) == 0
    assert "Stopped in" in run.said
    assert all_ended(children)


def test_a_killed_run_takes_its_parts_with_it(runs: Runs, base: int) -> None:
    again = runs(base, SAMPLES="0")
    again.wait_for("SAMPLES=0")
    assert carrier_messages(base) >= 2, "what the first run sent stands in the book of the second"
    children = again.descendants()
    again.process.kill()
    again.process.wait()
    eventually(lambda: all_ended(children), 5)


def test_uses_what_runs_already(runs: Runs, carrier: Sandbox, kafka: str, redis_server: str) -> None:
    run = runs(
        free_base(),
        KAFKA_BOOTSTRAP_SERVERS=kafka,
        REDIS_URL=redis_server,
        TWILIO_BASE_URL=carrier.url,
        TWILIO_ACCOUNT_SID=carrier.account_sid,
        TWILIO_AUTH_TOKEN=carrier.auth_token,
        SAMPLES="0",
    )
    run.wait_for("SAMPLES=0")
    assert sorted(child.cmdline()[-1] for child in run.descendants()) == [
        "services.callback",
        "services.notifier",
        "services.outbound_dialer",
    ]
    assert carrier.auth_token not in run.said
    run.process.send_signal(signal.SIGTERM)
    assert run.end() == 0


def test_a_taken_port_is_named_with_a_remedy(runs: Runs) -> None:
    base = free_base()
    with socket.create_server(("127.0.0.1", StackPorts(base).redis)):
        run = runs(base)
        assert run.end() == 1
    assert f"{StackPorts(base).redis} (for Redis)" in run.said
    assert "PORT_BASE=" in run.said


@pytest.mark.parametrize(
    ("settings", "code", "named"),
    [
        ({"SAMPLES": "many"}, 2, "SAMPLES"),
        ({"TWILIO_BASE_URL": "https://api.example"}, 2, "TWILIO_ACCOUNT_SID"),
        ({"REDIS_URL": "redis://127.0.0.1:1/0"}, 1, "REDIS_URL"),
        ({"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}, 1, "KAFKA_BOOTSTRAP_SERVERS"),
    ],
)
def test_what_cannot_be_used_is_named(runs: Runs, settings: dict[str, str], code: int, named: str) -> None:
    run = runs(free_base(), **settings)
    assert run.end() == code
    assert named in run.said
