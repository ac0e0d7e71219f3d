"""Bounded polling: the only place where a test waits for time to pass."""

import asyncio
import inspect
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar, overload

T = TypeVar("T")

POLL_SECONDS = 0.02


class NeverHappened(AssertionError):
    """The probe did not hold within its time."""


def eventually(probe: Callable[[], T], timeout: float = 10.0, *, interval: float = POLL_SECONDS) -> T:
    """Call `probe` until it returns something true or stops failing its assertions; returns what it returned.

    Args:
        probe: returns a truthy value when it holds; an AssertionError counts as not yet.
        timeout: seconds until `NeverHappened` is raised, with the last failed assertion or value.
        interval: seconds between two calls.
    """
    deadline = time.monotonic() + timeout
    while True:
        try:
            said: object = (value := probe())
            if value:
                return value
        except AssertionError as error:
            said = error
        if time.monotonic() >= deadline:
            raise NeverHappened(f"not within {timeout} s; last: {said!r}")
        time.sleep(interval)


@overload
async def eventually_async(
    probe: Callable[[], Coroutine[Any, Any, T]], timeout: float = ..., *, interval: float = ...
) -> T: ...


@overload
async def eventually_async(probe: Callable[[], T], timeout: float = ..., *, interval: float = ...) -> T: ...


async def eventually_async(probe: Callable[[], Any], timeout: float = 10.0, *, interval: float = POLL_SECONDS) -> Any:
    """`eventually` for a running event loop: the probe may be a plain or an async function."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            called = probe()
            said: object = (value := await called if inspect.isawaitable(called) else called)
            if value:
                return value
        except AssertionError as error:
            said = error
        if time.monotonic() >= deadline:
            raise NeverHappened(f"not within {timeout} s; last: {said!r}")
        await asyncio.sleep(interval)
