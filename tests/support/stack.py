"""Fixtures with real servers: one Kafka for the whole pytest session, one Redis and one Redis Cluster per worker."""

import fcntl
import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cli.stack.kafka import EmbeddedKafka
from cli.stack.redis import EmbeddedRedis, EmbeddedRedisCluster
from tests.support.ports import free_cluster_port, free_port


@contextmanager
def locked(path: Path, kind: int) -> Iterator[None]:
    """Hold a lock file, shared (`LOCK_SH`) or alone (`LOCK_EX`); a process that dies lets go of it."""
    with path.open("a") as file:
        fcntl.flock(file, kind)
        yield


class SharedBroker:
    """The session's one broker: the first worker that needs it starts it, and stops it after the last user left."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._gate = directory / "kafka.gate"
        self._address = directory / "kafka.address"
        self._users = directory / "kafka.users"

    def join(self, at_end: Callable[[Callable[[], None]], None]) -> str:
        """The bootstrap address; `at_end` registers what must be done when this worker has ended its tests."""
        with locked(self._gate, fcntl.LOCK_EX):
            if self._address.exists():
                use = self._users.open("a")
                fcntl.flock(use, fcntl.LOCK_SH)
                at_end(use.close)
                return str(json.loads(self._address.read_text())["bootstrap"])
            broker = EmbeddedKafka(
                directory=self._directory / f"kafka-{uuid.uuid4().hex[:8]}",
                port=free_port(),
                controller_port=free_port(),
            )
            broker.start()
            at_end(lambda: self._close(broker))
            self._address.write_text(json.dumps({"bootstrap": broker.bootstrap}))
            return broker.bootstrap

    def _close(self, broker: EmbeddedKafka) -> None:
        with locked(self._gate, fcntl.LOCK_EX):
            self._address.unlink()
        with locked(self._users, fcntl.LOCK_EX):
            broker.stop()


@pytest.fixture(scope="session")
def session_directory(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A temporary folder that all workers of this pytest session share."""
    base = tmp_path_factory.getbasetemp()
    return base if worker_id == "master" else base.parent


@pytest.fixture(scope="session")
def kafka(session_directory: Path, request: pytest.FixtureRequest) -> str:
    """Bootstrap address of the session's broker; make topic names unique (`unique_suffix`), others use it too."""
    # not a finalizer: the broker waits for the other workers, and that would count as this test's time
    return SharedBroker(session_directory).join(request.config.add_cleanup)


@pytest.fixture
def unique_suffix() -> str:
    """Makes the names of a test's topics, groups and keys its own, e.g. `-3f9a0c12`."""
    return f"-{uuid.uuid4().hex[:8]}"


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of this worker's Redis; other tests of the worker leave their keys in it."""
    server = EmbeddedRedis(directory=tmp_path_factory.mktemp("redis"), port=free_port())
    server.start()
    yield server.url
    server.stop()


@pytest.fixture(scope="session")
def redis_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """URLs of this worker's Redis Cluster of three masters."""
    cluster = EmbeddedRedisCluster(
        directory=tmp_path_factory.mktemp("redis-cluster"), ports=[free_cluster_port() for _ in range(3)]
    )
    cluster.start()
    yield cluster.urls
    cluster.stop()
