"""The consumer group on Faust: one agent per topic, one record at a time, acknowledged only when it is dealt with."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import gettempdir
from typing import Any
from uuid import uuid4

import faust

from common.kernel.log import LogRecord

COMMIT_INTERVAL = timedelta(seconds=1)
"""How much is delivered again after a kill; doubles cost one look at a seen mark."""

CLIENT_ID_DIGITS = 12
MAX_FETCH_BYTES = 4 * 1024 * 1024
REBALANCE_TIMEOUT = timedelta(seconds=30)

Take = Callable[[LogRecord], Awaitable[None]]


@dataclass(frozen=True)
class GroupSettings:
    """How a service joins its group.

    Attributes:
        group: consumer group, one per service.
        shard_topic: its partitions are the service's shards.
        session_timeout: a killed replica's partitions move after this (measured: 6.5 s with 6 s).
    """

    bootstrap_servers: str
    group: str
    shard_topic: str
    topics: Sequence[str]
    partitions: int
    session_timeout: timedelta


class ConsumerGroup:
    """Joins the group and hands every record to `take`, which must not return before the record is safe.

    Measured facts it rests on: an agent that raises acknowledges the event and loses it, so `take` never raises; with
    `concurrency` above 1 Faust commits over unfinished events, so it is 1.
    """

    def __init__(
        self, settings: GroupSettings, take: Take, on_shards: Callable[[frozenset[int]], Awaitable[None]]
    ) -> None:
        self._settings = settings
        self._take = take
        self._on_shards = on_shards
        self._app: Any = None
        self.client_id = f"{settings.group}-{uuid4().hex[:CLIENT_ID_DIGITS]}"
        """This process's own, by which the group's coordinator can be asked whether it is a member."""

    async def start(self) -> None:
        """Joins; returns when the app runs, partitions may come later."""
        self._app = self._build()
        await self._app.start()

    async def stop(self) -> None:
        """Finishes the record in hand, commits and leaves."""
        if self._app is not None:
            await self._app.stop()

    def _build(self) -> Any:
        settings = self._settings
        app = faust.App(
            settings.group,
            broker="kafka://" + settings.bootstrap_servers.replace(",", ";kafka://"),
            broker_client_id=self.client_id,
            store="memory://",
            # made at the start although nothing is kept in it; not in the working directory, which may be read-only
            datadir=Path(gettempdir(), f"nineconnect-faust-{os.getuid()}"),
            loop=asyncio.get_running_loop(),
            autodiscover=False,
            web_enabled=False,
            topic_disable_leader=True,
            topic_allow_declare=False,
            key_serializer="raw",
            value_serializer="raw",
            consumer_auto_offset_reset="earliest",
            consumer_max_fetch_size=MAX_FETCH_BYTES,
            broker_commit_interval=COMMIT_INTERVAL.total_seconds(),
            broker_session_timeout=settings.session_timeout.total_seconds(),
            broker_heartbeat_interval=settings.session_timeout.total_seconds() / 4,
            broker_rebalance_timeout=REBALANCE_TIMEOUT.total_seconds(),
            # a record in hand at a rebalance or stop is not acknowledged: it is delivered again and found seen
            stream_wait_empty=False,
            stream_ack_cancelled_tasks=False,
            stream_ack_exceptions=False,
            stream_processing_timeout=None,
        )
        for name in settings.topics:
            topic = app.topic(name, key_type=bytes, value_type=bytes, partitions=settings.partitions, allow_empty=True)
            app.agent(topic, name=f"{settings.group}-{name}", concurrency=1)(self._agent)
        on_assigned: Any = app.on_partitions_assigned
        on_assigned.connect(self._assigned, weak=False)
        app.finalize()
        return app

    async def _agent(self, stream: Any) -> None:
        async for event in stream.events():
            await self._take(_record(event.message))

    async def _assigned(self, _sender: Any, assigned: Iterable[Any], **_: Any) -> None:
        shards = frozenset(place.partition for place in assigned if place.topic == self._settings.shard_topic)
        await self._on_shards(shards)


def _record(message: Any) -> LogRecord:
    return LogRecord(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        key=message.key,
        value=message.value,
        headers=message.headers or (),
        recorded_at=datetime.fromtimestamp(message.timestamp, UTC),
    )
