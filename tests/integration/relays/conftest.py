"""What the relay tests share: a host for relays and victims that are gone when the test ends."""

from collections.abc import Iterator
from queue import Queue

import pytest

from tests.support.forks.client import ForkedProcess, Forks
from tests.support.relays.host import RelayHost
from tests.support.relays.tap import Crash, Moment, Tap

KILLED = -9
CLIENT_SECONDS = 30


class Victims:
    """Starts victims and arms a tap against them."""

    def __init__(self, forks: Forks) -> None:
        self._forks = forks

    def start(self, program: str, kind: str, port: int, argument: str = "") -> ForkedProcess:
        module = f"tests.integration.relays.victims.{program}"
        return self._forks.start(module, kind, str(port), argument, name=f"{program}-{port}")

    def run(
        self,
        program: str,
        kind: str,
        port: int,
        tap: Tap,
        *,
        at: int = 0,
        moment: Moment = Moment.BEFORE,
        arg: str = "",
    ) -> int:
        """Run a client to its end and return its exit code; `at` 0 leaves it alone."""
        # the first request may come before `start` has returned
        born: Queue[ForkedProcess] = Queue()
        tap.arm(Crash(at, moment, lambda: born.get(timeout=CLIENT_SECONDS).kill()) if at else None)
        process = self.start(program, kind, port, arg)
        born.put(process)
        return process.wait(CLIENT_SECONDS)


@pytest.fixture
def host() -> Iterator[RelayHost]:
    with RelayHost() as running:
        yield running


@pytest.fixture(scope="module")
def victims(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victims]:
    with Forks(["redis", "kafka", "grpc"], tmp_path_factory.mktemp("victims")) as forks:
        yield Victims(forks)
