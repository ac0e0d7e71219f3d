"""The one running stack, and the stories that are told about it."""

from collections.abc import Iterator

import pytest

from tests.e2e.stack import Stack, running_stack
from tests.e2e.stories import Stories, stories_among


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole product; started once."""
    with running_stack(tmp_path_factory.mktemp("whole")) as running:
        yield running


@pytest.fixture(scope="session")
def stories(stack: Stack, request: pytest.FixtureRequest) -> Iterator[Stories]:
    """All selected stories, begun together."""
    selected = (item.obj for item in request.session.items if isinstance(item, pytest.Function))
    running = Stories(stack, stories_among(selected))
    yield running
    running.wait()
