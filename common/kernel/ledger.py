"""Turns what a decision tells into encoded ledger events, numbered without gaps per customer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from common.events.codec import encode
from common.events.envelope import Envelope
from common.events.model import LedgerFact
from common.kernel.decision import Origin
from common.kernel.ports import Loaded


def random_id() -> str:
    """A new event id. Random, because what was published before the store lost a write must not be mistaken for it."""
    return uuid4().hex


@dataclass(frozen=True)
class LedgerWriter:
    """Encodes ledger entries of one service.

    Attributes:
        service: name of the service, source of its events.
        new_id: makes event ids; replaced where runs must repeat exactly.
    """

    service: str
    new_id: Callable[[], str] = random_id

    def encode(self, loaded: Loaded[Any], entries: Sequence[tuple[Origin, LedgerFact]], now: datetime) -> list[bytes]:
        """The entries as structured CloudEvents, numbered on from the document's `sequence`."""
        return [
            encode(self._envelope(loaded.customer_id, origin, fact, loaded.sequence + number, now)).value
            for number, (origin, fact) in enumerate(entries, start=1)
        ]

    def _envelope(self, customer_id: str, origin: Origin, fact: LedgerFact, sequence: int, now: datetime) -> Envelope:
        return Envelope(
            id=self.new_id(),
            source=f"/nineconnect/{self.service}",
            type=fact.TYPE,
            time=now,
            customer_id=customer_id,
            data=fact,
            correlation_id=origin.correlation_id or origin.fact_id or None,
            causation_id=origin.fact_id or None,
            traceparent=origin.traceparent or None,
            sequence=sequence,
            service=self.service,
        )
