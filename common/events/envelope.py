"""One event as the product handles it: the CloudEvents attributes and the typed content."""

from dataclasses import dataclass, field
from datetime import datetime

from common.events.model import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """One event.

    `customer_id` is the Kafka key and the CloudEvents subject (the region for `emergency.*`).
    `data` is None for a tombstone: the customer shall be erased.
    `digest` tells content apart under one id; the codec fills it on decode, events made here may leave it empty.
    `sequence` orders the events of one customer from one service.
    """

    id: str
    source: str
    type: str
    time: datetime
    customer_id: str
    data: Fact | None
    correlation_id: str | None = None
    causation_id: str | None = None
    traceparent: str | None = None
    sequence: int | None = None
    service: str | None = None
    digest: str = field(default="", compare=False)
