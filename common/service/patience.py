"""Bounded waiting for steps that must not hold up a stop."""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from datetime import timedelta


class Patience:
    """Waits for steps, each for its own time at most and for all of them together no longer than `whole`."""

    def __init__(self, whole: timedelta) -> None:
        self._loop = asyncio.get_running_loop()
        self._ends = self._loop.time() + whole.total_seconds()

    @property
    def left(self) -> timedelta:
        """What is left of it all."""
        return timedelta(seconds=max(self._ends - self._loop.time(), 0))

    async def __call__(self, patience: timedelta, step: Awaitable[object]) -> None:
        """Waits for a step; cancels it when it takes too long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(min(patience, self.left).total_seconds()):
                await step
