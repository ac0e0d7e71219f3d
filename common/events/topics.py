"""The topics as data, their dead-letter topics, and the partitioner that ties customers to shards."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

CUSTOMER_PARTITIONS = 64
"""Partitions of everything keyed by customer; shards equal partitions, so it is fixed for the life of a deployment."""

MAX_EVENT_BYTES = 64 * 1024
"""An event is a fact, not a document; what is larger is dead-lettered."""

MAX_RECORD_BYTES = 2 * 1024 * 1024
"""More than an event may have, so that an oversized one is dead-lettered with a reason; twice a producer's default."""

DLQ_SUFFIX = ".dlq"

DLQ_HEADROOM_BYTES = 64 * 1024
"""A dead letter is the original plus the headers that explain it; it must fit even if the original was the largest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One topic: who owns it, what its key is and how long Kafka keeps it.

    `retention` None = kept for ever (compacted topics keep the last value of each key).
    """

    name: str
    partitions: int
    retention: timedelta | None
    compacted: bool
    owner: str
    key: str
    max_message_bytes: int = MAX_RECORD_BYTES

    @property
    def cleanup_policy(self) -> str:
        """Kafka's word for what happens to old records."""
        return "compact" if self.compacted else "delete"

    @property
    def retention_ms(self) -> int:
        """Kafka's number for `retention`; -1 = for ever."""
        return -1 if self.retention is None else int(self.retention.total_seconds() * 1000)


POLICY_EVENTS = Topic(
    name="policy-events.v1",
    partitions=CUSTOMER_PARTITIONS,
    retention=timedelta(days=30),
    compacted=False,
    owner="upstream insurance systems",
    key="customer id; the region for emergency.*",
)
CUSTOMER_PROFILES = Topic(
    name="customer-profiles.v1",
    partitions=CUSTOMER_PARTITIONS,
    retention=None,
    compacted=True,
    owner="upstream customer master",
    key="customer id",
)
OUTREACH_EVENTS = Topic(
    name="outreach-events.v1",
    partitions=CUSTOMER_PARTITIONS,
    retention=timedelta(days=3653),  # sales-traceability records of long-term policies: at least ten years
    compacted=False,
    owner="notifier, callback, outbound_dialer",
    key="customer id",
)
POLICY_PACKS = Topic(
    name="policy-packs.v1",
    partitions=1,
    retention=None,
    compacted=True,
    owner="rule publishers",
    key="pack version",
)


def _state_topic(service: str) -> Topic:
    return Topic(
        name=f"{service}-state.v1",
        partitions=CUSTOMER_PARTITIONS,
        retention=None,
        compacted=True,
        owner=service,
        key="customer id",
    )


NOTIFIER_STATE = _state_topic("notifier")
CALLBACK_STATE = _state_topic("callback")
DIALER_STATE = _state_topic("dialer")


def dlq_of(topic: Topic) -> Topic:
    """The dead-letter topic of `topic`: same partitions, so that a customer's letters keep their order."""
    return Topic(
        name=topic.name + DLQ_SUFFIX,
        partitions=topic.partitions,
        retention=timedelta(days=90),
        compacted=False,
        owner="every service that reads " + topic.name,
        key="as in " + topic.name,
        max_message_bytes=topic.max_message_bytes + DLQ_HEADROOM_BYTES,
    )


INTAKE_TOPICS = (POLICY_EVENTS, CUSTOMER_PROFILES, OUTREACH_EVENTS, POLICY_PACKS)

TOPICS: Mapping[str, Topic] = {
    topic.name: topic
    for topic in (
        *INTAKE_TOPICS,
        *(dlq_of(topic) for topic in INTAKE_TOPICS),
        NOTIFIER_STATE,
        CALLBACK_STATE,
        DIALER_STATE,
    )
}

_SEED = 0x9747B28C
_MULTIPLIER = 0x5BD1E995
_MASK = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """The 32-bit MurmurHash2 of Kafka's Java producer, unsigned."""
    length = len(data)
    hashed = _SEED ^ length
    aligned = length & ~3
    for start in range(0, aligned, 4):
        word = int.from_bytes(data[start : start + 4], "little") * _MULTIPLIER & _MASK
        word = (word ^ word >> 24) * _MULTIPLIER & _MASK
        hashed = hashed * _MULTIPLIER & _MASK ^ word
    if aligned != length:
        hashed = (hashed ^ int.from_bytes(data[aligned:], "little")) * _MULTIPLIER & _MASK
    hashed = (hashed ^ hashed >> 13) * _MULTIPLIER & _MASK
    return hashed ^ hashed >> 15


def partition_for(customer_id: str, partitions: int = CUSTOMER_PARTITIONS) -> int:
    """The partition the Java producer's default partitioner chooses for this key; also the shard."""
    return (murmur2(customer_id.encode()) & 0x7FFFFFFF) % partitions
