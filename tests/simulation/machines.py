"""Processes that die and freeze: a loop that knows whose callback it runs."""

import asyncio
from asyncio import events
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from dataclasses import dataclass, field
from heapq import heappush
from random import Random
from typing import Any, TypeVar

from tests.support.virtual_time import VirtualLoop

T = TypeVar("T")

FIRST_STEP = "TaskStepMethWrapper"
"""What asyncio calls to begin a task; later steps are wake-ups."""

NOBODY = Context()
"""Things that happen outside of all processes: the network, the carrier, the passing of time."""


@dataclass(eq=False)
class Machine:
    """One operating-system process. It may die or freeze before any of its callbacks, as SIGKILL and SIGSTOP do.

    Attributes:
        steps: callbacks it has run.
        starts: how many of them began a task.
        at_step, at_start: number of a step or start → what happens to it instead.
    """

    name: str
    dead: bool = False
    frozen_until: float = 0.0
    steps: int = 0
    starts: int = 0
    at_step: dict[int, Callable[[], None]] = field(default_factory=dict)
    at_start: dict[int, Callable[[], None]] = field(default_factory=dict)
    context: Context = field(default_factory=Context)

    def __post_init__(self) -> None:
        self.context.run(_MACHINE.set, self)


_MACHINE: ContextVar[Machine | None] = ContextVar("machine", default=None)


class TooLong(AssertionError):
    """The schedule does not come to rest."""


class MachineLoop(VirtualLoop):
    """A virtual loop whose callbacks belong to machines; `budget` bounds them."""

    def __init__(self, rng: Random, budget: int) -> None:
        super().__init__(rng)
        self.budget = budget
        self.steps = 0
        self._started: list[tuple[asyncio.Task[Any], Coroutine[Any, Any, Any], Context]] = []

    def run_handle(self, handle: asyncio.Handle) -> None:
        """Runs the callback, unless its machine is dead, frozen, or dies or freezes now."""
        machine = handle._context.get(_MACHINE)  # type: ignore[attr-defined]  # the context a callback runs in
        if machine is not None and self._held_back(machine, handle):
            return
        self.steps += 1
        if self.steps > self.budget:
            raise TooLong(f"{self.budget} steps were not enough")
        handle._run()

    def _stopped(self, machine: Machine, handle: asyncio.Handle) -> bool:
        if machine.dead:
            return True
        if machine.frozen_until > self._time:
            self._postpone(machine, handle)
            return True
        return False

    def _held_back(self, machine: Machine, handle: asyncio.Handle) -> bool:
        if self._stopped(machine, handle):
            return True
        machine.steps += 1
        strike = machine.at_step.pop(machine.steps, None)
        if type(handle._callback).__name__ == FIRST_STEP:  # type: ignore[attr-defined]
            machine.starts += 1
            strike = strike or machine.at_start.pop(machine.starts, None)
        if strike is None:
            return False
        strike()
        return self._stopped(machine, handle)

    def _postpone(self, machine: Machine, handle: asyncio.Handle) -> None:
        self._timer_number += 1
        timer: Any = handle
        heappush(self._timers, (machine.frozen_until, self._timer_number, timer))

    def start(self, machine: Machine, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Starts work on a machine; it ends with the machine."""
        return self.create_task(work, context=machine.context.copy())

    def run_alone(self, main: Coroutine[Any, Any, T]) -> T:
        """The coroutine's result; whatever else is under way then stays as it is."""
        events._set_running_loop(self._self)
        try:
            task = self.create_task(main)
            self.run_until(task.done)
            return task.result()
        finally:
            events._set_running_loop(None)

    def create_task(
        self, coro: Coroutine[Any, Any, T], *, name: object = None, context: Context | None = None
    ) -> asyncio.Task[T]:
        """Starts a coroutine, and remembers it so that it can be abandoned."""
        own = context or copy_context()
        task = super().create_task(coro, context=own)
        self._started.append((task, coro, own))
        return task

    def forget(self) -> None:
        """Lets go of what was still under way, without a word about it."""
        events._set_running_loop(self._self)
        for task, coroutine, context in self._started:
            if not task.done():
                task._log_destroy_pending = False  # type: ignore[attr-defined]  # abandoned on purpose, as by SIGKILL
                context.run(coroutine.close)
        events._set_running_loop(None)
        self._started.clear()
        self._ready.clear()
        self._timers.clear()


class Bell:
    """Wakes whoever waits, across machines."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self._waiting: list[asyncio.Future[None]] = []

    def ring(self) -> None:
        """Wakes all that wait now."""
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    async def wait(self, until: float | None = None) -> None:
        """Until it rings, or until this loop time."""
        future = self._loop.create_future()
        self._waiting.append(future)
        if until is not None:
            self._loop.call_at(until, _wake, future, context=NOBODY)
        await future


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
