"""A sandbox per test and a Redis database of the dialer's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.sandbox import Sandbox, running_sandbox

DATABASE = 7


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    """A carrier whose customers are quick."""
    with running_sandbox(tmp_path) as running:
        yield running


@pytest.fixture
def dialer_redis(redis_server: str) -> str:
    """URL of a database that no other test uses."""
    return f"{redis_server.rpartition('/')[0]}/{DATABASE}"
