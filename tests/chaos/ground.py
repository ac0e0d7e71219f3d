"""What services stand on in a chaos run: a broker with its topics, a Redis server and the carrier sandbox."""

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from cli.stack.kafka import EmbeddedKafka
from cli.stack.redis import EmbeddedRedis
from common.kafka.admin import admin_client, ensure_topics
from tests.support.ports import free_port
from tests.support.sandbox import Sandbox

CUSTOMERS_SPEED = 60.0
"""Simulated customers are this many times faster than life: a call lasts half a second."""


class Ground:
    """Real servers of one run; as a context manager it stops them.

    It must be left by the thread that entered it, and that thread must live until then: the servers die with it.

    Args:
        directory: takes all data and logs.
        kafka_port: the broker's port.
        controller_port: its controller's.
        kafka_properties: broker properties that replace the embedded broker's.
        carrier: further `SANDBOX_*` variables, by their names without the prefix.
    """

    def __init__(
        self,
        directory: Path,
        *,
        kafka_port: int,
        controller_port: int,
        kafka_properties: Mapping[str, str] | None = None,
        carrier: Mapping[str, str] | None = None,
    ) -> None:
        self.kafka = EmbeddedKafka(
            directory=directory / "kafka",
            port=kafka_port,
            controller_port=controller_port,
            overrides=kafka_properties,
        )
        self.redis = EmbeddedRedis(directory=directory / "redis", port=free_port())
        self.carrier = Sandbox(directory, speed=CUSTOMERS_SPEED, settings=dict(carrier or {}))
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as started:
            for server in (self.redis, self.kafka):
                started.callback(server.kill)
                server.start()
            started.enter_context(self.carrier)
            with admin_client(self.kafka.bootstrap) as admin:
                ensure_topics(admin)
            self._stack = started.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
