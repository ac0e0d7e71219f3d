"""The live view of a run: steps, parts, figures and the ledger; plain lines where there is no terminal."""

import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from cli.live.carrier_watch import CarrierWatch
from cli.live.ledger_tail import LedgerLine, LedgerTail
from cli.stack.steps import Step, Steps, StepState
from cli.stack.supervisor import PartState, SupervisedPart, Supervisor

REFRESH_SECONDS = 0.2
LINES_BESIDE_LEDGER = 18
FEWEST_LEDGER_LINES = 5
WIDE = 110
"""Columns from which on a ledger line has room for the id of what it is about."""

STEP_MARKS = {StepState.RUNNING: "…", StepState.DONE: "✓", StepState.FAILED: "✗"}
STYLES = {
    PartState.READY: "green",
    PartState.STARTING: "yellow",
    PartState.NOT_READY: "yellow",
    PartState.RESTARTING: "yellow",
    PartState.GIVEN_UP: "bold red",
    PartState.STOPPED: "dim",
}


class Screen(Protocol):
    """Shows a run to a person."""

    def step_changed(self, step: Step, /) -> None:
        """A step of the start began or ended."""

    def refresh(self) -> None:
        """Called often; draws when it is time to."""

    def note(self, text: str) -> None:
        """Something that happened once and stays to be read."""

    def close(self) -> None:
        """Leave what was shown last on the terminal."""


class Scene:
    """What there is to show; parts come in as the run goes on."""

    def __init__(self, steps: Steps, supervisor: Supervisor) -> None:
        self.steps = steps
        self.supervisor = supervisor
        self.addresses: dict[str, str] = {}
        self.ledger: LedgerTail | None = None
        self.carrier: CarrierWatch | None = None
        self.notes: list[str] = []


class LiveScreen:
    """Redraws in place on a terminal."""

    def __init__(self, scene: Scene, console: Console) -> None:
        self._scene = scene
        self._console = console
        self._drawn_at = 0.0
        self._live = Live(console=console, auto_refresh=False, vertical_overflow="crop")
        self._live.start()

    def step_changed(self, _step: Step, /) -> None:
        """See `Screen`."""
        self._draw()

    def refresh(self) -> None:
        """See `Screen`."""
        if time.monotonic() - self._drawn_at >= REFRESH_SECONDS:
            self._draw()

    def note(self, text: str) -> None:
        """See `Screen`."""
        self._scene.notes.append(text)
        self._draw()

    def close(self) -> None:
        """See `Screen`."""
        self._draw()
        self._live.stop()

    def _draw(self) -> None:
        self._drawn_at = time.monotonic()
        room = max(self._console.height - LINES_BESIDE_LEDGER, FEWEST_LEDGER_LINES)
        self._live.update(render(self._scene, room, wide=self._console.width >= WIDE), refresh=True)


def render(scene: Scene, ledger_lines: int, *, wide: bool = True) -> RenderableType:
    """The whole view; the steps give way to the ledger once the stack is up."""
    blocks: list[RenderableType] = []
    if scene.ledger is None:
        blocks.append(_steps_table(scene.steps))
    if scene.supervisor.parts:
        blocks.append(_parts_table(scene))
    blocks += [_last_words(part) for part in scene.supervisor.parts.values() if part.state is PartState.GIVEN_UP]
    if scene.ledger is not None:
        blocks += [ledger_table(scene.ledger.recent(ledger_lines), ledger_lines, wide=wide), figures(scene)]
    blocks += [Text(note, style="bold") for note in scene.notes]
    return Group(*blocks)


def _steps_table(steps: Steps) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 1))
    for step in steps.all:
        style = "red" if step.state is StepState.FAILED else ""
        table.add_row(STEP_MARKS[step.state], step.name, f"{steps.elapsed(step):.1f} s", step.detail, style=style)
    return table


def _parts_table(scene: Scene) -> Table:
    # one column takes what the others leave: without it all of them shrink on a narrow terminal
    table = Table(box=None, padding=(0, 1), header_style="dim", expand=True)
    for column in ("part", "state", "pid", "restarts", "where"):
        table.add_column(column, no_wrap=True, overflow="ellipsis", ratio=1 if column == "where" else None)
    for part in scene.supervisor.parts.values():
        state = Text(part.state.value, style=STYLES[part.state])
        pid = str(part.pid or "")
        shown = part.why if part.state is not PartState.READY and part.why else scene.addresses.get(part.name, "")
        table.add_row(part.name, state, pid, str(part.restarts or ""), shown)
    return table


def obituary(part: SupervisedPart) -> str:
    """Why a part is not started again."""
    times = "once" if part.deaths == 1 else f"{part.deaths} times within a minute"
    return f"{part.name} {part.why}, {times}, and stays stopped. It said last:"


def _last_words(part: SupervisedPart) -> RenderableType:
    head = Text(obituary(part), style="bold red")
    return Group(head, Text(part.last_words(), style="red", overflow="ellipsis", no_wrap=True))


def ledger_table(lines: Sequence[LedgerLine], count: int, *, wide: bool) -> Table:
    """The lines, and empty ones up to `count`, so that what stands below does not jump."""
    table = Table(box=None, padding=(0, 1), header_style="dim", expand=True)
    for column in ("time", "customer", "event", *(["of"] if wide else []), "what"):
        table.add_column(column, no_wrap=True, overflow="ellipsis", ratio=1 if column == "what" else None)
    for line in lines:
        event = line.type.rpartition(".v")[0]
        table.add_row(_clock(line.at), line.customer_id, event, *([line.item] if wide else []), line.what)
    for _ in range(count - len(lines)):
        table.add_row("")
    return table


def figures(scene: Scene) -> Text:
    """Counts of this run in one line."""
    said = []
    if scene.carrier:
        book = scene.carrier.figures()
        said.append(f"carrier's book: {book.messages} SMS ({book.messages_doubled} doubled)")
        said.append(f"{book.calls} calls ({book.calls_doubled} doubled)")
    if scene.ledger:
        counts = scene.ledger.counts()
        said.append(f"ledger: {counts.total()} events")
        said += [f"{count} {name}" for name, count in _outcomes(counts).items()]
    return Text("   ".join(said), style="cyan")


def _outcomes(counts: Counter[str]) -> dict[str, int]:
    shown = {"notification.delivered.v1": "delivered", "task.opened.v1": "tasks opened", "task.closed.v1": "closed"}
    return {name: counts[event] for event, name in shown.items() if counts[event]}


def _clock(moment: datetime) -> str:
    return moment.astimezone().strftime("%H:%M:%S")


class PlainScreen:
    """One line for each thing that happens."""

    def __init__(self, scene: Scene, console: Console) -> None:
        self._scene = scene
        self._console = console
        self._began = time.monotonic()
        self._states: dict[str, PartState] = {}
        self._seen = 0

    def step_changed(self, step: Step, /) -> None:
        """See `Screen`."""
        took = "" if step.state is StepState.RUNNING else f" ({step.seconds:.1f} s)"
        self._say(f"{step.name}: {step.state.value}{took} {step.detail}".rstrip())

    def refresh(self) -> None:
        """See `Screen`."""
        for part in self._scene.supervisor.parts.values():
            if self._states.get(part.name) is not part.state:
                self._states[part.name] = part.state
                self._part_changed(part)
        for line in self._new_lines():
            self._say(f"{line.customer_id} {line.type} {line.item} {line.what}")

    def note(self, text: str) -> None:
        """See `Screen`."""
        self._say(text)

    def close(self) -> None:
        """See `Screen`."""
        self._say(figures(self._scene).plain)

    def _part_changed(self, part: SupervisedPart) -> None:
        where = self._scene.addresses.get(part.name, "") if part.state is PartState.READY else part.why
        self._say(f"{part.name} is {part.state.value} {where}".rstrip())
        if part.state is PartState.GIVEN_UP:
            self._say(f"{obituary(part)}\n{part.last_words()}")

    def _new_lines(self) -> list[LedgerLine]:
        if not self._scene.ledger:
            return []
        seen = self._scene.ledger.counts().total()
        lines = self._scene.ledger.recent(seen - self._seen)
        self._seen = seen
        return lines

    def _say(self, text: str) -> None:
        self._console.print(
            f"[{time.monotonic() - self._began:6.1f} s] {text}", markup=False, highlight=False, soft_wrap=True
        )


def screen_for(scene: Scene, console: Console) -> Screen:
    """The view that fits the console."""
    return LiveScreen(scene, console) if console.is_terminal else PlainScreen(scene, console)
