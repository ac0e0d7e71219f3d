"""A bounded in-process pool: what is due at once is done at once, as long as there is room."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta


class Pool:
    """Runs coroutines as tasks and knows whether there is room for more.

    Args:
        limit: how many at once; a limit on new work, not on effects that are reserved already.
        on_error: told of an exception that escaped a task: a bug, never a business outcome.
    """

    def __init__(self, limit: int, on_error: Callable[[BaseException], None]) -> None:
        self._limit = limit
        self._on_error = on_error
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    @property
    def room(self) -> int:
        """How many more pieces of work may be taken on."""
        return 0 if self._closed else max(self._limit - len(self._tasks), 0)

    def submit(self, work: Coroutine[None, None, None]) -> None:
        """Starts the work now."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    async def drain(self, patience: timedelta) -> int:
        """Takes no more work and waits for what is in flight.

        Returns:
            How many tasks were still running when patience ended; their attempts are reconciled by the next owner.
        """
        self._closed = True
        ends = asyncio.get_running_loop().time() + patience.total_seconds()
        while self._tasks and (left := ends - asyncio.get_running_loop().time()) > 0:
            await asyncio.wait(set(self._tasks), timeout=left)
        for task in self._tasks:
            task.cancel()
        return len(self._tasks)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self._on_error(error)
