"""Supervision on a clock of the test's own: restart with backoff, crash loops ended, readiness, stop in order."""

import signal
from collections.abc import Callable
from concurrent.futures import Future
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from cli.stack.processes import Program
from cli.stack.supervisor import Part, PartState, SupervisedPart, Supervisor


class FakeProcess:
    """Runs until told to end; ends on SIGTERM unless `stubborn`."""

    def __init__(self, name: str, stopped: list[str], *, stubborn: bool = False) -> None:
        self.pid = 1
        self.code: int | None = None
        self._name = name
        self._stopped = stopped
        self._stubborn = stubborn

    def poll(self) -> int | None:
        return self.code

    def signal(self, number: signal.Signals) -> None:
        if self.code is None and (number is signal.SIGKILL or not self._stubborn):
            self.code = -number
            self._stopped.append(f"{self._name} {number.name}")

    def wait(self) -> int:
        assert self.code is not None, "waits for a process that nobody ended"
        return self.code


class World:
    """Time, the processes started so far and what the readiness probe answers."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.started: list[tuple[float, FakeProcess]] = []
        self.stopped: list[str] = []
        self.ready = True
        self.stubborn: set[str] = set()

    def start(self, program: Program) -> FakeProcess:
        process = FakeProcess(program.name, self.stopped, stubborn=program.name in self.stubborn)
        self.started.append((self.now, process))
        return process

    def pause(self, seconds: float) -> None:
        self.now += seconds

    def probe(self, unready: Callable[[], str]) -> "Future[str]":
        answer: Future[str] = Future()
        answer.set_result(unready())
        return answer

    def part(self, name: str = "notifier") -> Part:
        program = Program(name=name, command=["true"], log_path=Path("nowhere.log"))
        return Part(program=program, unready=lambda: "" if self.ready else "no partitions")


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def part(world: World) -> SupervisedPart:
    return SupervisedPart(world.part(), start=world.start, probe=world.probe)


def advance(part: SupervisedPart, world: World, seconds: float) -> PartState:
    for _ in range(round(seconds / 0.1)):
        world.now += 0.1
        part.tick(world.now)
    return part.state


def test_is_starting_until_its_probe_holds(part: SupervisedPart, world: World) -> None:
    world.ready = False
    assert advance(part, world, 5) is PartState.STARTING
    world.ready = True
    assert advance(part, world, 1) is PartState.READY


def test_says_so_when_it_is_no_longer_ready(part: SupervisedPart, world: World) -> None:
    advance(part, world, 1)
    world.ready = False
    assert advance(part, world, 3) is PartState.NOT_READY
    assert part.why == "no partitions"
    world.ready = True
    assert advance(part, world, 3) is PartState.READY


def test_a_death_is_followed_by_a_restart(part: SupervisedPart, world: World) -> None:
    advance(part, world, 1)
    world.started[-1][1].code = -9
    advance(part, world, 0.2)
    assert (part.state, part.restarts, part.last_exit) == (PartState.RESTARTING, 1, -9)
    advance(part, world, 1)
    assert part.state is PartState.READY
    assert len(world.started) == 2


def test_restarts_come_at_growing_intervals_until_the_fifth_death_in_a_minute(
    part: SupervisedPart, world: World
) -> None:
    for _ in range(600):
        advance(part, world, 0.1)
        world.started[-1][1].code = 1
    starts = [at for at, _ in world.started]
    gaps = [later - earlier for earlier, later in pairwise(starts)]
    assert part.state is PartState.GIVEN_UP
    assert len(starts) == 5
    assert gaps == pytest.approx([0.7, 1.2, 2.2, 4.2], abs=0.25)


def test_one_that_refuses_its_settings_is_not_started_again(part: SupervisedPart, world: World) -> None:
    advance(part, world, 1)
    world.started[-1][1].code = 2
    assert advance(part, world, 30) is PartState.GIVEN_UP
    assert len(world.started) == 1


def test_deaths_further_apart_are_no_crash_loop(part: SupervisedPart, world: World) -> None:
    for _ in range(8):
        advance(part, world, 20)
        world.started[-1][1].code = 1
    advance(part, world, 20)
    assert part.state is PartState.READY
    assert part.restarts == 8


def test_stops_the_broker_after_those_who_need_it(world: World) -> None:
    supervisor = Supervisor(start=world.start, clock=lambda: world.now, pause=world.pause)
    for name in ("kafka", "notifier", "callback"):
        supervisor.add(world.part(name))
    supervisor.tick()
    supervisor.stop_all(grace=timedelta(seconds=5), last=["kafka"])
    assert world.stopped == ["notifier SIGTERM", "callback SIGTERM", "kafka SIGTERM"]
    assert {part.state for part in supervisor.parts.values()} == {PartState.STOPPED}


def test_kills_who_does_not_stop_within_the_grace(world: World) -> None:
    world.stubborn = {"notifier", "kafka"}
    supervisor = Supervisor(start=world.start, clock=lambda: world.now, pause=world.pause)
    for name in ("kafka", "notifier"):
        supervisor.add(world.part(name))
    supervisor.tick()
    supervisor.stop_all(grace=timedelta(seconds=4), last=["kafka"])
    assert world.stopped == ["notifier SIGKILL", "kafka SIGKILL"]
    assert world.now - 1000 == pytest.approx(4, abs=0.1)


def test_nothing_is_started_again_after_the_stop(world: World) -> None:
    supervisor = Supervisor(start=world.start, clock=lambda: world.now, pause=world.pause)
    supervisor.add(world.part())
    supervisor.tick()
    supervisor.kill_all()
    supervisor.tick()
    assert len(world.started) == 1
