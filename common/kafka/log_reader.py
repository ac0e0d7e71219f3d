"""Reads topics by position with kafka-python, in a thread of its own; shares nothing with intake."""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.errors import KafkaError, LeaderNotAvailableError

from common.errors import TransientError
from common.kernel.log import Chunk, LogRecord, Span

POLL_MS = 200
READ_SECONDS = 5.0
"""A read that finds nothing for so long gives what it has; the caller reads on."""

REQUEST_TIMEOUT_MS = 10_000
OFFSETS_TIMEOUT_MS = 3_000
"""Without it kafka-python asks a broker that is away for ever, and a process that is to stop waits for its thread."""

R = TypeVar("R")


class KafkaLogReader:
    """The `LogReader` on Kafka."""

    def __init__(self, bootstrap_servers: str, group: str) -> None:
        self._bootstrap_servers = bootstrap_servers
        self._group = group
        self._consumer: Any = None
        self._admin: Any = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="log-reader")

    async def spans(self, topic: str, partitions: Sequence[int]) -> Mapping[int, Span]:
        """See `LogReader`."""
        return await self._in_thread(self._spans, topic, partitions)

    async def committed(self, topic: str, partitions: Sequence[int]) -> Mapping[int, int]:
        """See `LogReader`."""
        return await self._in_thread(self._committed, topic, partitions)

    async def read(self, topic: str, spans: Mapping[int, Span], limit: int) -> Chunk:
        """See `LogReader`."""
        return await self._in_thread(self._read, topic, spans, limit)

    async def group_clients(self) -> Collection[str]:
        """The client ids of the group's present members.

        Raises:
            TransientError: `log_unavailable`.
        """
        return await self._in_thread(self._group_clients)

    async def close(self) -> None:
        """Disconnects."""
        for client in (self._consumer, self._admin):
            if client is not None:
                await self._in_thread(client.close)
        self._thread.shutdown(wait=False)

    async def _in_thread(self, work: Callable[..., R], *arguments: object) -> R:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, partial(work, *arguments))
        except KafkaError as error:
            raise TransientError("log_unavailable", kind=type(error).__name__) from error

    def _connected(self) -> Any:
        if self._consumer is None:
            self._consumer = KafkaConsumer(
                bootstrap_servers=self._bootstrap_servers,
                group_id=self._group,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
            )
        return self._consumer

    def _spans(self, topic: str, partitions: Sequence[int]) -> Mapping[int, Span]:
        wanted = [TopicPartition(topic, partition) for partition in partitions]
        try:
            first = self._connected().beginning_offsets(wanted, timeout_ms=OFFSETS_TIMEOUT_MS)
            end = self._connected().end_offsets(wanted, timeout_ms=OFFSETS_TIMEOUT_MS)
        except KeyError as error:
            # kafka-python 3.0.12 leaves partitions out whose leader it does not know, and then misses them
            raise LeaderNotAvailableError from error
        return {place.partition: Span(first[place], end[place]) for place in wanted}

    def _administering(self) -> Any:
        if self._admin is None:
            self._admin = KafkaAdminClient(
                bootstrap_servers=self._bootstrap_servers, request_timeout_ms=REQUEST_TIMEOUT_MS
            )
        return self._admin

    def _group_clients(self) -> Collection[str]:
        described = self._administering().describe_groups([self._group])[self._group]
        return {member["client_id"] for member in described["members"]}

    def _committed(self, topic: str, partitions: Sequence[int]) -> Mapping[int, int]:
        found = self._administering().list_group_offsets({self._group: None})[self._group]
        wanted = set(partitions)
        return {
            place.partition: stored.offset
            for place, stored in found.items()
            if place.topic == topic and place.partition in wanted and stored.offset >= 0
        }

    def _read(self, topic: str, spans: Mapping[int, Span], limit: int) -> Chunk:
        consumer = self._connected()
        wanted = {TopicPartition(topic, number): span for number, span in spans.items()}
        consumer.assign(list(wanted))
        for place, span in wanted.items():
            consumer.seek(place, span.start)
        records: list[LogRecord] = []
        gives_up_at = time.monotonic() + READ_SECONDS
        while len(records) < limit and time.monotonic() < gives_up_at:
            polled = consumer.poll(timeout_ms=POLL_MS, max_records=limit)
            for place, found in polled.items():
                records += [_record(raw) for raw in found if raw.offset < wanted[place].end]
            if all(consumer.position(place) >= span.end for place, span in wanted.items()):
                break
        reached = {place.partition: min(consumer.position(place), span.end) for place, span in wanted.items()}
        return Chunk(records, reached)


def _record(raw: Any) -> LogRecord:
    return LogRecord(
        topic=raw.topic,
        partition=raw.partition,
        offset=raw.offset,
        key=raw.key,
        value=raw.value,
        headers=raw.headers,
        recorded_at=datetime.fromtimestamp(raw.timestamp / 1000, UTC),
    )
