"""Keeps programs running: readiness, restart with backoff, an end to crash loops, and a stop that leaves nothing."""

import signal
import time
from collections import deque
from collections.abc import Callable, Collection
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from cli.stack.processes import Program, last_words, spawn
from common.settings import EXIT_CODE_OF_USAGE_ERRORS

FIRST_BACKOFF_SECONDS = 0.5
LONGEST_BACKOFF_SECONDS = 10.0
DEATHS_UNTIL_GIVEN_UP = 5
DEATHS_WINDOW_SECONDS = 60.0
PROBE_AGAIN_SECONDS = 2.0
PROBE_WHILE_STARTING_SECONDS = 0.2
RESERVED_FOR_LAST_SECONDS = 1.5
POLL_SECONDS = 0.02


class PartState(StrEnum):
    """Where a supervised program stands."""

    STARTING = "starting"
    READY = "ready"
    NOT_READY = "not ready"
    RESTARTING = "restarting"
    GIVEN_UP = "given up"
    STOPPED = "stopped"


class RunningProcess(Protocol):
    """What supervision needs of a `ChildProcess`."""

    @property
    def pid(self) -> int:
        """Process id, also that of the process group."""

    def poll(self) -> int | None:
        """Exit code, negative for a signal; None while it runs."""

    def signal(self, number: signal.Signals) -> None:
        """Signal it and what it started; nothing happens when all have ended."""

    def wait(self) -> int:
        """Wait for its end; returns the exit code."""


@dataclass(frozen=True)
class Part:
    """A program and how to see that it serves.

    `unready` says why it does not serve, or `` when it does; it may block for a second, it runs in a thread.
    """

    program: Program
    unready: Callable[[], str]


class SupervisedPart:
    """One program's life: `tick` looks at it and does what is due.

    Args:
        part: the program and its readiness probe.
        start: starts the program.
        probe: runs the readiness probe in the background.
    """

    def __init__(
        self,
        part: Part,
        *,
        start: Callable[[Program], RunningProcess],
        probe: Callable[[Callable[[], str]], "Future[str]"],
    ) -> None:
        self.name = part.program.name
        self.state = PartState.STARTING
        self.restarts = 0
        self.last_exit: int | None = None
        self.why = ""  # it does not serve, as it says itself
        self._part = part
        self._start = start
        self._probe = probe
        self._process: RunningProcess | None = None
        self._deaths: deque[float] = deque()
        self._restart_at = 0.0
        self._probe_at = 0.0
        self._answer: Future[str] | None = None

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self._process.pid if self._process else None

    @property
    def log_path(self) -> Path:
        """The file with its output."""
        return self._part.program.log_path

    @property
    def deaths(self) -> int:
        """How often it died within the last minute."""
        return len(self._deaths)

    def last_words(self) -> str:
        """The last lines of its output."""
        return last_words(self.log_path)

    def tick(self, now: float) -> None:
        """Do what is due: start, notice a death, give up, ask for readiness."""
        if self.state in (PartState.GIVEN_UP, PartState.STOPPED):
            return
        if self._process is None:
            self._start_when_due(now)
        elif (code := self._process.poll()) is not None:
            self._died(code, now)
        else:
            self._ask_readiness(now)

    def signal(self, number: signal.Signals) -> None:
        """Signal the process if there is one."""
        if self._process:
            self._process.signal(number)

    def runs(self) -> bool:
        """Whether its process has not ended."""
        return self._process is not None and self._process.poll() is None

    def finish(self) -> None:
        """Kill what is left of it; from now on it is not started again."""
        if self._process:
            self._process.signal(signal.SIGKILL)
            self._process.wait()
        self._process = None
        if self.state is not PartState.GIVEN_UP:
            self.state = PartState.STOPPED

    def _start_when_due(self, now: float) -> None:
        if now < self._restart_at:
            return
        self.state, self.why = PartState.STARTING, ""
        self._process = self._start(self._part.program)
        self._probe_at = now

    def _died(self, code: int, now: float) -> None:
        if self._process:
            self._process.signal(signal.SIGKILL)  # what it started must not outlive it
        self._process, self._answer, self.last_exit = None, None, code
        self.why = f"ended with exit code {code}"
        self._deaths.append(now)
        while now - self._deaths[0] > DEATHS_WINDOW_SECONDS:
            self._deaths.popleft()
        # a program that refuses its settings would refuse them again
        if len(self._deaths) >= DEATHS_UNTIL_GIVEN_UP or code == EXIT_CODE_OF_USAGE_ERRORS:
            self.state = PartState.GIVEN_UP
            return
        self.restarts += 1
        self.state = PartState.RESTARTING
        backoff = FIRST_BACKOFF_SECONDS * 2 ** (len(self._deaths) - 1)
        self._restart_at = now + min(backoff, LONGEST_BACKOFF_SECONDS)

    def _ask_readiness(self, now: float) -> None:
        if self._answer is not None and self._answer.done():
            self._take_answer(self._answer.result(), now)
        elif self._answer is None and now >= self._probe_at:
            self._answer = self._probe(self._part.unready)

    def _take_answer(self, why: str, now: float) -> None:
        self._answer, self.why = None, why
        if not why:
            self.state = PartState.READY
        elif self.state is PartState.READY:
            self.state = PartState.NOT_READY
        pause = PROBE_WHILE_STARTING_SECONDS if why else PROBE_AGAIN_SECONDS
        self._probe_at = now + pause


class Supervisor:
    """Runs parts; everything happens in `tick` and `stop_all`, which the main thread calls.

    The main thread, because the kernel ties a child's life to the thread that started it.
    """

    def __init__(
        self,
        *,
        start: Callable[[Program], RunningProcess] = spawn,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.parts: dict[str, SupervisedPart] = {}
        self._start = start
        self._clock = clock
        self._pause = pause
        self._probes = ThreadPoolExecutor(max_workers=4, thread_name_prefix="probe")

    def add(self, part: Part) -> SupervisedPart:
        """Run it from the next tick on."""
        supervised = SupervisedPart(part, start=self._start, probe=self._probes.submit)
        self.parts[supervised.name] = supervised
        return supervised

    def tick(self) -> None:
        """Look at every part once."""
        for part in self.parts.values():
            part.tick(self._clock())

    def stop_all(self, *, grace: timedelta, last: Collection[str] = ()) -> None:
        """Stop everything; who needs longer than allowed is killed with all that it started.

        Args:
            grace: time for everything together.
            last: parts that the others need for a clean end, e.g. the broker; they are asked after the others ended.
        """
        deadline = self._clock() + grace.total_seconds()
        self._probes.shutdown(wait=False, cancel_futures=True)
        others = [part for name, part in self.parts.items() if name not in last]
        self._stop(others, deadline - RESERVED_FOR_LAST_SECONDS)
        self._stop([part for name, part in self.parts.items() if name in last], deadline)

    def kill_all(self) -> None:
        """SIGKILL everything at once."""
        for part in self.parts.values():
            part.finish()

    def _stop(self, parts: list[SupervisedPart], deadline: float) -> None:
        for part in parts:
            part.signal(signal.SIGTERM)
        while any(part.runs() for part in parts) and self._clock() < deadline:
            self._pause(POLL_SECONDS)
        for part in parts:
            part.finish()
