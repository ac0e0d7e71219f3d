"""Stories are tests that run at the same time: each mostly waits, so together they take as long as the longest."""

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import wraps

import pytest

from tests.e2e.stack import Stack

Story = Callable[[Stack], None]

ATTRIBUTE = "told_as_story"
SECONDS = 900
"""A bound for a machine that does ten other things; the first story waits for the start of everything, too."""


def story(test: Story) -> Callable[["Stories"], None]:
    """Makes a test a story: it begins together with all other selected ones, and fails where it stands."""

    @wraps(test)
    def outcome(stories: "Stories") -> None:
        stories.outcome(test)

    # without this, pytest would look through the wrapper and ask for the story's own argument
    del outcome.__wrapped__
    setattr(outcome, ATTRIBUTE, test)
    bounded: Callable[[Stories], None] = pytest.mark.timeout(SECONDS)(outcome)
    return bounded


def stories_among(tests: Iterable[object]) -> list[Story]:
    """The stories behind these test functions."""
    return [getattr(test, ATTRIBUTE) for test in tests if hasattr(test, ATTRIBUTE)]


class Stories:
    """Runs each story in a thread of its own.

    Args:
        stack: what they are told about.
        told: all that shall run.
    """

    def __init__(self, stack: Stack, told: Iterable[Story]) -> None:
        self.stack = stack
        stories = list(told)
        self._threads = ThreadPoolExecutor(max(len(stories), 1), thread_name_prefix="story")
        self._running: dict[Story, Future[None]] = {story: self._threads.submit(story, stack) for story in stories}

    def outcome(self, told: Story) -> None:
        """Waits for one story; raises what it raised."""
        self._running[told].result()

    def wait(self) -> None:
        """Waits for all of them, however they end."""
        self._threads.shutdown()
