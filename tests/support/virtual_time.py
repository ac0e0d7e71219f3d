"""An event loop on virtual time: nothing waits, the clock jumps to the next timer, a seed decides who runs next."""

import asyncio
from asyncio import events
from collections.abc import Callable, Coroutine
from contextvars import Context
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from random import Random
from typing import Any, TypeVar

T = TypeVar("T")

START = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
"""Noon in New York on a Monday: inside everybody's calling hours."""


class Deadlock(AssertionError):
    """Something waits, and nothing is left that could wake it."""


class VirtualLoop:
    """Runs callbacks in an order drawn from `rng` (first come, first served without one).

    Only what coroutines need of a loop is there: no sockets, no threads, no signals. Therefore it is no
    `AbstractEventLoop` by its type, although asyncio takes it for one.
    """

    def __init__(self, rng: Random | None = None) -> None:
        self._self: Any = self
        self._rng = rng
        self._ready: list[asyncio.Handle] = []
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._timer_number = 0
        self._time = 0.0
        self.mishaps: list[dict[str, Any]] = []

    # what asyncio asks of a loop

    def time(self) -> float:
        """Virtual seconds since the beginning."""
        return self._time

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self.mishaps.append(context)

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self._self)

    def create_task(
        self, coro: Coroutine[Any, Any, T], *, name: object = None, context: Context | None = None
    ) -> asyncio.Task[T]:
        return asyncio.Task(coro, loop=self._self, context=context)

    def call_soon(self, callback: Callable[..., object], *args: Any, context: Context | None = None) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self._self, context)
        self._ready.append(handle)
        return handle

    def call_later(
        self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self._time + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self._self, context)
        self._timer_number += 1
        heappush(self._timers, (when, self._timer_number, handle))
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """A cancelled timer is passed over when its time comes."""

    # running

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """The coroutine's result; whatever else still runs then is cancelled."""
        events._set_running_loop(self._self)
        try:
            task = self.create_task(main)
            self.run_until(task.done)
            self._cancel_the_rest()
            return task.result()
        finally:
            events._set_running_loop(None)

    def run_until(self, done: Callable[[], bool]) -> None:
        """Runs callbacks, letting time jump, until `done`.

        Raises:
            Deadlock: nothing is left to run.
        """
        step = self.step
        while not done():
            if not step():
                raise Deadlock(f"nothing left to run after {self._time:.3f} virtual seconds")

    def step(self) -> bool:
        """Runs one callback; False when none is left."""
        ready = self._ready
        if not ready:
            self._wake_next()
            if not ready:
                return False
        handle = ready.pop() if len(ready) == 1 else self._chosen()
        if not handle._cancelled:  # half the cost of asking, and asked for every callback
            self.run_handle(handle)
        return True

    def run_handle(self, handle: asyncio.Handle) -> None:
        """Runs one callback; a place for those who want to hold it back."""
        handle._run()

    def _chosen(self) -> asyncio.Handle:
        ready = self._ready
        if self._rng is None:
            return ready.pop(0)
        at = int(self._rng.random() * len(ready))
        ready[at], ready[-1] = ready[-1], ready[at]
        return ready.pop()

    def _wake_next(self) -> None:
        """Moves time on to the next timer that still counts, and all that are due with it."""
        timers, ready = self._timers, self._ready
        while timers and not ready:
            when, _, handle = heappop(timers)
            if handle.cancelled():
                continue
            self._time = max(self._time, when)
            ready.append(handle)
            while timers and timers[0][0] <= self._time:
                ready.append(heappop(timers)[2])

    def _cancel_the_rest(self) -> None:
        rest = [task for task in asyncio.all_tasks(self._self) if not task.done()]
        for task in rest:
            task.cancel()
        self.run_until(lambda: all(task.done() for task in rest))


async def pass_time(span: timedelta) -> None:
    """Lets virtual time pass; costs no real time."""
    loop = asyncio.get_running_loop()
    passed = loop.create_future()
    loop.call_later(span.total_seconds(), passed.set_result, None)
    await passed


class VirtualClock:
    """The product's clock on a virtual loop."""

    def __init__(self, loop: VirtualLoop, start: datetime = START) -> None:
        self._loop = loop
        self._start = start

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        return self._start + timedelta(seconds=self._loop.time())
