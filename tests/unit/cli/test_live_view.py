"""What a run shows: steps while it starts, parts and the ledger afterwards, last words of what gave up."""

from concurrent.futures import Future
from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console, RenderableType

from cli.live.carrier_watch import CarrierFigures, CarrierWatch
from cli.live.ledger_tail import line_of
from cli.live.screen import PlainScreen, Scene, ledger_table, render
from cli.stack.processes import Program
from cli.stack.steps import Steps, StepState
from cli.stack.supervisor import Part, PartState, SupervisedPart, Supervisor
from common.events import ledger
from common.events.envelope import Envelope
from common.events.model import LedgerFact

AT = datetime(2026, 11, 20, 2, 15, tzinfo=UTC)


def envelope(data: LedgerFact) -> Envelope:
    return Envelope(id="1", source="/notifier", type=data.TYPE, time=AT, customer_id="c-1", data=data)


@pytest.fixture
def scene() -> Scene:
    return Scene(Steps(), Supervisor())


def dead_part(scene: Scene, log: Path) -> SupervisedPart:
    log.write_text("starting\nTraceback: no such table\n")

    def probe(_: Any) -> "Future[str]":
        return Future()

    part = SupervisedPart(
        Part(program=Program(name="notifier", command=[], log_path=log), unready=str), start=_Dead, probe=probe
    )
    for second in range(100):
        part.tick(float(second))
    scene.supervisor.parts["notifier"] = part
    return part


class _Dead:
    pid = 1

    def __init__(self, _: Program) -> None:
        """Ended before anybody looked."""

    def poll(self) -> int:
        return 1

    def signal(self, number: int) -> None:
        """Nobody is there."""

    def wait(self) -> int:
        return 1


def drawn(scene: Scene) -> str:
    return on_terminal(render(scene, ledger_lines=5), width=160)


def on_terminal(shown: RenderableType, *, width: int) -> str:
    console = Console(file=StringIO(), width=width, force_terminal=False)
    console.print(shown)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_steps_show_how_far_the_start_is(scene: Scene) -> None:
    with scene.steps.step("kafka's jars", "44 MB"):
        assert "… kafka's jars" in " ".join(drawn(scene).split())
    assert "✓ kafka's jars" in " ".join(drawn(scene).split())


def test_a_step_that_raises_has_failed(scene: Scene) -> None:
    with pytest.raises(ValueError, match="no"), scene.steps.step("topics"):
        raise ValueError("no")
    assert scene.steps.all[0].state is StepState.FAILED


def test_last_words_of_a_part_that_gave_up_are_shown(scene: Scene, tmp_path: Path) -> None:
    part = dead_part(scene, tmp_path / "notifier.log")
    assert part.state is PartState.GIVEN_UP
    assert "5 times within a minute" in drawn(scene)
    assert "Traceback: no such table" in drawn(scene)


def test_a_narrow_terminal_cuts_only_the_last_column(scene: Scene, tmp_path: Path) -> None:
    dead_part(scene, tmp_path / "notifier.log")
    scene.addresses["notifier"] = f"http://127.0.0.1:19081  {'and much more ' * 9}"
    [row] = [line for line in on_terminal(render(scene, 5), width=80).splitlines() if "given up" in line]
    assert row.split()[:3] == ["notifier", "given", "up"]
    fact = ledger.NotificationAttemptReserved.example()
    line = replace(line_of(envelope(fact)), customer_id="c1795461439-000002", what="why " * 30)
    shown = on_terminal(ledger_table([line], 1, wide=False), width=80).splitlines()[-1]
    at = f"{AT.astimezone():%H:%M:%S}"
    for words in (at, "c1795461439-000002", "notification.attempt_reserved", "why why why"):
        assert words in shown


def test_plain_lines_tell_each_change_once(scene: Scene, tmp_path: Path) -> None:
    output = StringIO()
    screen = PlainScreen(scene, Console(file=output, width=80))
    scene.steps.watch(screen.step_changed)
    with scene.steps.step("redis", "starting"):
        pass
    dead_part(scene, tmp_path / "notifier.log")
    screen.refresh()
    screen.refresh()
    said = output.getvalue()
    assert "redis: running starting" in said
    assert "redis: done" in said
    assert said.count("notifier is given up") == 1
    assert said.count("Traceback: no such table") == 1


def test_the_carrier_is_asked_what_it_was_asked_in_this_run(tmp_path: Path) -> None:
    book = tmp_path / "book.jsonl"
    earlier = '{"kind": "message", "status_callback": "http://n/a"}\n'
    book.write_text(earlier)
    watch = CarrierWatch(book)
    assert watch.figures() == CarrierFigures()
    assert watch.first_message_at is None
    with book.open("a") as lines:
        lines.write('{"kind": "message", "status_callback": "http://n/b"}\n' * 2)
        lines.write('{"kind": "call", "url": "http://d/a"}\n{"kind": "said", "text": "hello"}\n{"kind": "mess')
    assert watch.figures() == CarrierFigures(messages=2, messages_doubled=1, calls=1)
    with book.open("a") as lines:
        lines.write('age", "status_callback": "http://n/c"}\n')
    assert watch.figures().messages == 3
    assert watch.first_message_at


@pytest.mark.parametrize("name", ledger.__all__)
def test_every_ledger_event_has_a_line(name: str) -> None:
    fact = getattr(ledger, name).example()
    line = line_of(envelope(fact))
    assert line.type == fact.TYPE
    assert line.customer_id == "c-1"
    if fact.decision:
        assert line.what == fact.decision.reason
