"""A notifier on servers of its own for each module; every test has customers of its own."""

from collections.abc import Iterator

import pytest

from tests.integration.service.world import World, running_world


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Kafka, Redis, a carrier and a ready notifier; in the end all that was written is searched for secrets."""
    with running_world(tmp_path_factory.mktemp("world")) as running:
        yield running
        running.must_have_kept_secrets()
