"""What a pure decision takes and gives: the moment, the new state, the ledger entries and the effects it reserved."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

from common.events.model import LedgerFact

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a piece of work comes from; kept with the work so that later records still name its cause.

    Attributes:
        fact_id: id of the event (or request) that caused it.
        correlation_id: id shared by everything that belongs to one story.
        traceparent: W3C trace context, or empty.
    """

    fact_id: str = ""
    correlation_id: str = ""
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class Moment:
    """When a decision is taken and how far the past can be trusted.

    Attributes:
        now: the present, aware, UTC.
        since: from when on the work at hand could have been acted on: when its fact was recorded in the log, or when
            its clock was due. Never later than `now`.
        doubt_until: work that was possible before this time may have been done although the state does not say so
            (the store was replaced or rebuilt then); None when nothing is in doubt.
        healed: the fact was found missing by the audit, or happened before the time in doubt, so that it may have been
            published and handled before; what it causes may have happened already.
        whole: the document holds every fact handled so far; not certain after lost writes, until they were audited.
    """

    now: datetime
    since: datetime
    doubt_until: datetime | None = None
    healed: bool = False
    whole: bool = True

    @property
    def in_doubt(self) -> bool:
        """Whether the work at hand may already have been done unrecorded; then ask the provider before doing it."""
        return self.healed or (self.doubt_until is not None and self.since <= self.doubt_until)


@dataclass(frozen=True, slots=True)
class Effect:
    """An order to the outside world whose attempt the committed decision reserved.

    Attributes:
        item_id: the item of the document it belongs to.
        attempt_id: the attempt it performs; unique for the customer.
        act_before: it must not be started after this time, because another owner may have taken the work over by
            then (the fence a provider cannot check for us).
    """

    item_id: str
    attempt_id: str
    act_before: datetime


@dataclass(frozen=True, slots=True)
class Decision(Generic[S]):
    """The outcome of a pure `decide_…` function.

    Attributes:
        state: the new state; equal to the old one when nothing changes.
        ledger: what is to be told on the ledger, in order.
        effects: what is to be done after the commit; each has its attempt reserved in `state`.
        origin: the story the ledger entries belong to; None means that of the fact being handled.
    """

    state: S
    ledger: tuple[LedgerFact, ...] = ()
    effects: tuple[Effect, ...] = field(default=())
    origin: Origin | None = None
