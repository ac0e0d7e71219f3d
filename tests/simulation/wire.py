"""The network: requests travel, take effect, and answers travel back; either may be lost, whoever lives or dies."""

import asyncio
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any, TypeVar

from common.errors import AppError
from tests.simulation.machines import NOBODY
from tests.support.virtual_time import VirtualLoop

T = TypeVar("T")


def done(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that never waits."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    raise AssertionError("it waited")


class Wire:
    """Carries requests. `latency` is the longest usual one-way trip in seconds; `lost` the share of answers lost."""

    def __init__(self, loop: VirtualLoop, rng: Random, latency: float, lost: float) -> None:
        self._loop = loop
        self._rng = rng
        self._latency = latency
        self._lost = lost

    def trip(self) -> float:
        """How long one way takes: mostly short."""
        drawn = self._rng.random()
        return drawn * drawn * self._latency

    def ask(self, work: Callable[[], T], failure: Callable[[], AppError]) -> asyncio.Future[T]:
        """The answer to a request that takes effect when it arrives.

        Args:
            work: what the request does there; an `AppError` of it travels back too.
            failure: what the asker gets when the answer is lost.
        """
        answer: asyncio.Future[T] = self._loop.create_future()
        self._loop.call_later(self.trip(), self._arrive, answer, work, failure, context=NOBODY)
        return answer

    def _arrive(self, answer: asyncio.Future[T], work: Callable[[], T], failure: Callable[[], AppError]) -> None:
        result: T | AppError
        try:
            result = work()
        except AppError as error:
            result = error
        if self._lost and self._rng.random() < self._lost:
            result = failure()
        self._loop.call_later(self.trip(), settle, answer, result, context=NOBODY)


def settle(answer: asyncio.Future[Any], result: object) -> None:
    """Gives an answer, unless one was given before."""
    if answer.done():
        return
    if isinstance(result, AppError):
        answer.set_exception(result)
        answer.exception()  # whoever asked may be gone
    else:
        answer.set_result(result)
