"""Follows the ledger from its first entry, for all stories at once."""

import threading
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from kafka import KafkaConsumer, TopicPartition

from common.events.codec import decode
from common.events.envelope import Envelope
from common.events.topics import OUTREACH_EVENTS

POLL_MS = 200
END_SECONDS = 10


@dataclass(frozen=True)
class LedgerEntry:
    """One entry, as bytes and as the services' codec reads it."""

    raw: bytes
    event: Envelope


class LedgerReader:
    """Reads in a thread of its own; as a context manager it ends it.

    Args:
        bootstrap: Kafka's address; the topic must be there.
    """

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._by_customer: defaultdict[str, list[LedgerEntry]] = defaultdict(list)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._read, name="ledger reader", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(END_SECONDS)

    def entries(self, customer_id: str) -> Sequence[LedgerEntry]:
        """What stands there of the customer, in the order of the topic; the first of each event id."""
        first: dict[str, LedgerEntry] = {}
        for entry in list(self._by_customer[customer_id]):
            first.setdefault(entry.event.id, entry)
        return list(first.values())

    def customers(self) -> Sequence[str]:
        """Everybody it speaks of."""
        return list(self._by_customer)

    def _read(self) -> None:
        consumer: Any = KafkaConsumer(bootstrap_servers=self._bootstrap, enable_auto_commit=False)
        places = [TopicPartition(OUTREACH_EVENTS.name, number) for number in range(OUTREACH_EVENTS.partitions)]
        consumer.assign(places)
        consumer.seek_to_beginning(*places)
        while not self._over.is_set():
            for records in consumer.poll(timeout_ms=POLL_MS).values():
                for record in records:
                    self._take(record)
        consumer.close()

    def _take(self, record: Any) -> None:
        event = decode(
            topic=record.topic,
            key=record.key,
            value=record.value,
            headers=record.headers,
            recorded_at=datetime.fromtimestamp(record.timestamp / 1000, UTC),
        )
        self._by_customer[event.customer_id].append(LedgerEntry(record.value, event))
