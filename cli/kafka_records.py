"""Reading what stands in topics now, and writing records, for commands that run once."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from common.errors import TransientError
from common.events.topics import Topic
from common.kafka.admin import WrongTopics, admin_client, topic_problems
from common.kafka.brokers import require_reachable

POLL_MS = 500
MAX_IDLE_POLLS = 20
"""Polls without a record and without progress before the broker counts as gone: 10 s."""

MAX_REQUEST_BYTES = 4 * 1024 * 1024
SEND_TIMEOUT_MS = 30_000
RECORDS_IN_FLIGHT = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRecord:
    """A record as a topic holds it."""

    topic: str
    partition: int
    offset: int
    recorded_at: datetime
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRecord:
    """A record to write."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


@contextmanager
def _translated(bootstrap: str) -> Iterator[None]:
    try:
        yield
    except KafkaError as error:
        raise TransientError("kafka_unavailable", bootstrap=bootstrap, cause=type(error).__name__) from error


def require_topics(bootstrap: str, topics: Iterable[Topic]) -> None:
    """Returns when the topics are there and fit.

    Raises:
        WrongTopics: one is missing or has a wrong partition count; records would land on wrong shards.
        TransientError: no broker.
    """
    with admin_client(bootstrap) as admin:
        problems = topic_problems(admin, topics)
    if problems:
        raise WrongTopics(problems)


def read_topic(
    bootstrap: str, topic: Topic, *, partitions: Collection[int] | None = None, since: datetime | None = None
) -> Iterator[StoredRecord]:
    """What stands in the topic at the time of the call, in order within each partition.

    Args:
        bootstrap: Kafka brokers.
        topic: what to read.
        partitions: only these; None = all.
        since: leaves out what was recorded before; None = from the beginning.

    Raises:
        WrongTopics: the topic is missing or does not fit.
        TransientError: no broker, or it stopped answering.
    """
    require_topics(bootstrap, [topic])
    with _translated(bootstrap):
        consumer = KafkaConsumer(
            bootstrap_servers=bootstrap, group_id=None, enable_auto_commit=False, client_id="nineconnect-cli"
        )
        try:
            wanted = range(topic.partitions) if partitions is None else partitions
            places = [TopicPartition(topic.name, number) for number in wanted]
            yield from _read_to_end(consumer, places, since)
        finally:
            consumer.close()


def _read_to_end(consumer: Any, places: list[TopicPartition], since: datetime | None) -> Iterator[StoredRecord]:
    ends = consumer.end_offsets(places)
    starts = _starts(consumer, places, since)
    open_places = {place for place in places if starts[place] is not None and starts[place] < ends[place]}
    consumer.assign(list(open_places))
    for place in open_places:
        consumer.seek(place, starts[place])
    idle = 0
    while open_places:
        polled = consumer.poll(timeout_ms=POLL_MS)
        for place, records in polled.items():
            yield from (_stored(record) for record in records if record.offset < ends[place])
        finished = {place for place in open_places if consumer.position(place) >= ends[place]}
        idle = 0 if polled or finished else idle + 1
        if idle > MAX_IDLE_POLLS:
            raise TransientError("kafka_silent", waited_seconds=idle * POLL_MS / 1000)
        open_places -= finished
        consumer.pause(*finished)


def _starts(consumer: Any, places: list[TopicPartition], since: datetime | None) -> dict[TopicPartition, int | None]:
    first: dict[TopicPartition, int | None] = consumer.beginning_offsets(places)
    if since is None:
        return first
    found = consumer.offsets_for_times({place: int(since.timestamp() * 1000) for place in places})
    return {place: found[place].offset if found.get(place) else None for place in places}


def _stored(record: Any) -> StoredRecord:
    return StoredRecord(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        recorded_at=datetime.fromtimestamp(record.timestamp / 1000, UTC),
        key=record.key,
        value=record.value,
        headers=record.headers,
    )


def write_records(bootstrap: str, records: Iterable[NewRecord]) -> int:
    """Writes records in order, each acknowledged by all replicas; idempotent, so that retries do not double them.

    Returns:
        How many were written.

    Raises:
        TransientError: no broker, or it did not acknowledge within 30 s; some may have been written.
    """
    require_reachable(bootstrap)
    with _translated(bootstrap):
        producer = KafkaProducer(
            bootstrap_servers=bootstrap,
            client_id="nineconnect-cli",
            acks="all",
            enable_idempotence=True,
            max_request_size=MAX_REQUEST_BYTES,
            delivery_timeout_ms=SEND_TIMEOUT_MS,
            request_timeout_ms=SEND_TIMEOUT_MS // 2,
            max_block_ms=SEND_TIMEOUT_MS,
        )
        try:
            return _write_all(producer, records)
        finally:
            producer.close()


def _write_all(producer: Any, records: Iterable[NewRecord]) -> int:
    written = 0
    sent: list[Any] = []
    for record in records:
        sent.append(_send(producer, record))
        if len(sent) >= RECORDS_IN_FLIGHT:
            written += _settle(producer, sent)
    return written + _settle(producer, sent)


def _send(producer: Any, record: NewRecord) -> Any:
    return producer.send(
        record.topic,
        partition=record.partition,
        key=record.key,
        value=record.value,
        headers=list(record.headers),
    )


def _settle(producer: Any, sent: list[Any]) -> int:
    producer.flush()
    for future in sent:
        future.get(timeout=SEND_TIMEOUT_MS / 1000)
    settled = len(sent)
    sent.clear()
    return settled
