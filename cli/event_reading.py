"""Reads records as events, and the ledger with its doubles left out."""

from collections.abc import Collection, Iterator
from datetime import datetime

from cli.kafka_records import StoredRecord, read_topic
from cli.output import complain
from common.errors import InvalidEvent
from common.events.codec import decode
from common.events.envelope import Envelope
from common.events.topics import OUTREACH_EVENTS


def read_ledger(
    bootstrap: str,
    *,
    customer_id: str | None = None,
    partitions: Collection[int] | None = None,
    since: datetime | None = None,
) -> Iterator[Envelope]:
    """Ledger events in the order of their partition, each id once.

    Args:
        bootstrap: Kafka brokers.
        customer_id: only this customer's.
        partitions: only these partitions.
        since: only what was recorded from then on.
    """
    key = customer_id.encode() if customer_id is not None else None
    unread = 0
    seen: set[str] = set()
    for record in read_topic(bootstrap, OUTREACH_EVENTS, partitions=partitions, since=since):
        if key is not None and record.key != key:
            continue
        event = event_of(record)
        unread += event is None
        if event is not None and event.id not in seen:
            seen.add(event.id)
            yield event
    if unread:
        complain(f"{unread} ledger records could not be read and are left out")


def event_of(record: StoredRecord) -> Envelope | None:
    """The event in a record, or None when it cannot be read: what is shown to a person need not be complete."""
    try:
        return decode(
            topic=record.topic,
            key=record.key,
            value=record.value,
            headers=record.headers,
            recorded_at=record.recorded_at,
        )
    except InvalidEvent:
        return None
