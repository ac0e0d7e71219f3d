"""Follows the ledger from now on, in a thread of its own."""

import threading
from collections import Counter, deque
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from common.errors import InvalidEvent
from common.events.codec import decode
from common.events.envelope import Envelope
from common.events.model import LedgerFact
from common.events.topics import OUTREACH_EVENTS

POLL_MS = 200
RETRY_SECONDS = 1.0
KEPT_LINES = 200
ITEM_FIELDS = ("notification_id", "call_id", "task_id")
LEFT_OUT = {"decision", "attempt_id", "request_hash", "provider_message_sid", "provider_call_sid", *ITEM_FIELDS}


@dataclass(frozen=True)
class LedgerLine:
    """One ledger event for a person to read; the ledger holds no personal data."""

    at: datetime
    customer_id: str
    type: str
    item: str
    what: str


def line_of(envelope: Envelope) -> LedgerLine:
    """The event in one line: the decision's reason, or else its own fields."""
    fields: dict[str, Any] = envelope.data.model_dump(mode="json", exclude_none=True) if envelope.data else {}
    item = next((str(fields[name]) for name in ITEM_FIELDS if name in fields), "")
    said = ", ".join(f"{name} {value}" for name, value in fields.items() if name not in LEFT_OUT)
    decision = envelope.data.decision if isinstance(envelope.data, LedgerFact) else None
    return LedgerLine(
        at=envelope.time,
        customer_id=envelope.customer_id,
        type=envelope.type,
        item=item,
        what=decision.reason if decision else said,
    )


class LedgerTail:
    """The last lines of the ledger, and how many events of each type came by since `start`."""

    def __init__(self, bootstrap: str) -> None:
        self._lines: deque[LedgerLine] = deque(maxlen=KEPT_LINES)
        self._counts: Counter[str] = Counter()
        self._guard = threading.Lock()
        self._bootstrap = bootstrap
        self._positioned = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="ledger-tail", daemon=True)

    def counts(self) -> Counter[str]:
        """Events by type."""
        with self._guard:
            return self._counts.copy()

    def recent(self, count: int) -> list[LedgerLine]:
        """The last `count` lines, oldest first; at most 200 are kept."""
        with self._guard:
            return list(self._lines)[-count:] if count > 0 else []

    @property
    def is_positioned(self) -> bool:
        """Whether everything that is published from now on will be seen."""
        return self._positioned.is_set()

    def start(self) -> None:
        """Follow in the background; a broker that goes away is waited for."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread; returns at once."""
        self._stopping.set()

    def _follow(self) -> None:
        while not self._stopping.is_set():
            try:
                self._read()
            except KafkaError:
                self._stopping.wait(RETRY_SECONDS)

    def _read(self) -> None:
        consumer = KafkaConsumer(
            bootstrap_servers=self._bootstrap, group_id=None, enable_auto_commit=False, client_id="nineconnect-run"
        )
        partitions = [TopicPartition(OUTREACH_EVENTS.name, number) for number in range(OUTREACH_EVENTS.partitions)]
        # a lazy seek to the end would miss what is published before the first poll
        ends = consumer.end_offsets(partitions)
        consumer.assign(partitions)
        for partition, offset in ends.items():
            consumer.seek(partition, offset)
        self._positioned.set()
        try:
            while not self._stopping.is_set():
                for records in consumer.poll(timeout_ms=POLL_MS).values():
                    self._take(records)
        finally:
            consumer.close()

    def _take(self, records: list[Any]) -> None:
        for record in records:
            try:
                envelope = decode(
                    topic=record.topic,
                    key=record.key,
                    value=record.value,
                    headers=record.headers,
                    recorded_at=datetime.fromtimestamp(record.timestamp / 1000, UTC),
                )
            except InvalidEvent:
                self._count("unreadable")
            else:
                self._count(envelope.type, line_of(envelope))

    def _count(self, name: str, line: LedgerLine | None = None) -> None:
        with self._guard:
            self._counts[name] += 1
            if line:
                self._lines.append(line)
