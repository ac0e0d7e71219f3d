"""Looks at a run from outside: the ledger, the carrier's book, what waits in Redis, what the groups have committed."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Self

import orjson
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from redis import Redis

from common.events.codec import decode, encode
from common.events.envelope import Envelope
from common.events.profiles import CustomerProfile
from common.events.topics import (
    CUSTOMER_PARTITIONS,
    CUSTOMER_PROFILES,
    INTAKE_TOPICS,
    OUTREACH_EVENTS,
    POLICY_EVENTS,
    Topic,
    dlq_of,
)
from common.kernel.redis.keys import CLOCK_SEPARATOR, ShardKeys
from tests.chaos.customers import Customer
from tests.chaos.ground import Ground
from tests.chaos.services import CALLBACK, DIALER, NOTIFIER
from tests.support.sandbox import Entry

POLL_MS = 50
PUBLISH_SECONDS = 30
READ_BY: Mapping[str, Sequence[Topic]] = {
    NOTIFIER: (POLICY_EVENTS, CUSTOMER_PROFILES, OUTREACH_EVENTS),
    CALLBACK: (POLICY_EVENTS, CUSTOMER_PROFILES, OUTREACH_EVENTS),
    DIALER: (POLICY_EVENTS, CUSTOMER_PROFILES),
}
"""What each service's group reads of a customer."""


class Observer:
    """Publishes facts and sees what becomes of them; not for several threads at once."""

    def __init__(self, ground: Ground) -> None:
        self._carrier = ground.carrier
        bootstrap = ground.kafka.bootstrap
        self._redis: Any = Redis.from_url(ground.redis.url)
        self._producer: Any = KafkaProducer(bootstrap_servers=bootstrap, acks="all")
        self._admin: Any = KafkaAdminClient(bootstrap_servers=bootstrap)
        self._consumer: Any = KafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
        places = [TopicPartition(OUTREACH_EVENTS.name, number) for number in range(CUSTOMER_PARTITIONS)]
        self._consumer.assign(places)
        self._consumer.seek_to_beginning(*places)
        self._told: dict[str, list[Envelope]] = {}
        self._ends: dict[TopicPartition, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for client in (self._consumer, self._admin, self._producer, self._redis):
            client.close()

    def publish(self, envelope: Envelope) -> None:
        """Upstream tells something; returns when it is safe in its topic."""
        topic = CUSTOMER_PROFILES if isinstance(envelope.data, CustomerProfile) else POLICY_EVENTS
        record = encode(envelope)
        sent = self._producer.send(topic.name, key=record.key, value=record.value, headers=record.headers)
        safe = sent.get(timeout=PUBLISH_SECONDS)
        self._ends[TopicPartition(safe.topic, safe.partition)] = safe.offset + 1

    def ledger(self, customer: Customer) -> Sequence[Envelope]:
        """What the services have told of the customer so far, doubles included, in the order of the topic."""
        while polled := self._consumer.poll(timeout_ms=POLL_MS):
            for records in polled.values():
                for record in records:
                    self._read(record)
        return self._told.get(customer.customer_id, [])

    def _read(self, record: Any) -> None:
        self._ends[TopicPartition(record.topic, record.partition)] = record.offset + 1
        envelope = decode(
            topic=record.topic,
            key=record.key,
            value=record.value,
            headers=record.headers,
            recorded_at=datetime.fromtimestamp(record.timestamp / 1000, UTC),
        )
        self._told.setdefault(envelope.customer_id, []).append(envelope)

    def book(self, customer: Customer) -> Sequence[Entry]:
        """What the carrier was asked for and did for the customer."""
        return self._carrier.book(to=customer.phone_number)

    def unfinished(self, service: str, customer: Customer) -> Iterator[str]:
        """What a service has still to do in the customer's shard: clocks, outbox, changelog, intake."""
        keys = ShardKeys(service, customer.shard)
        members = [member.decode() for member in self._redis.zrange(keys.due, 0, -1)]
        for member in members:
            if member.startswith(customer.customer_id + CLOCK_SEPARATOR):
                yield f"{service}: a clock is set for {member.partition(CLOCK_SEPARATOR)[2]}"
        if waiting := self._redis.xlen(keys.outbox):
            yield f"{service}: {waiting} ledger entries are not published"
        if waiting := self._redis.zcard(keys.changed):
            yield f"{service}: {waiting} documents are not copied to the changelog"
        yield from self._unread(service, customer.shard)

    def _unread(self, service: str, shard: int) -> Iterator[str]:
        committed = self._admin.list_group_offsets({service: None})[service]
        for topic in READ_BY[service]:
            place = TopicPartition(topic.name, shard)
            stored, end = committed.get(place), self._ends.get(place, 0)
            if end and (stored is None or stored.offset < end):
                yield f"{service} has not committed {topic.name} up to {end}"

    def unaudited(self, service: str, customer: Customer) -> Iterator[str]:
        """What a service's audit has not looked at yet in the customer's shard."""
        audited = self._redis.hgetall(ShardKeys(service, customer.shard).record)
        for topic in READ_BY[service]:
            end = self._ends.get(TopicPartition(topic.name, customer.shard), 0)
            if int(audited.get(f"at:{topic.name}".encode(), 0)) < end:
                yield f"{service} has not audited {topic.name} up to {end}"

    def dead_letters(self) -> int:
        """How many there are in all dead-letter topics."""
        return sum(self._letters(dlq_of(topic)) for topic in INTAKE_TOPICS)

    def _letters(self, topic: Topic) -> int:
        places = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
        return sum(self._consumer.end_offsets(places).values())

    def document(self, service: str, customer: Customer) -> Any:
        """What the service knows of the customer, for reports."""
        body = self._redis.hget(ShardKeys(service, customer.shard).doc(customer.customer_id), "d")
        return orjson.loads(body) if body else None
