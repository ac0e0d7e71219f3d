"""What a decision orders from the dialer, and what the dialer answers."""

from dataclasses import dataclass

from common.events.vocabulary import CallOutcome
from common.kernel.decision import Effect
from services.callback.domain.state import CallRequest


@dataclass(frozen=True, slots=True)
class CallContext:
    """The story a call belongs to; empty where nothing is known."""

    task_id: str
    scenario: str
    correlation_id: str = ""
    causation_id: str = ""
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class PlaceCallOrder:
    """An order for one call: `order_id` is its idempotency key, and the context no part of what makes it the same."""

    order_id: str
    customer_id: str
    request: CallRequest
    context: CallContext


@dataclass(frozen=True, slots=True)
class PlacedCall:
    """A call as the dialer knows it.

    Attributes:
        outcome: how it ended; None while it goes on.
        answered: a person answered.
        choice: meaning of the last key pressed.
        triggers: False if it was cancelled after dialling had begun; then its result is recorded and no more.
    """

    order_id: str
    call_id: str
    outcome: CallOutcome | None = None
    answered: bool = False
    choice: str | None = None
    triggers: bool = True


@dataclass(frozen=True, slots=True)
class PlaceCall(Effect):
    """Order the call; the same order again changes nothing."""

    order: PlaceCallOrder


@dataclass(frozen=True, slots=True)
class CancelCall(Effect):
    """Keep the call from being dialled; `item_id` is the order's id."""

    reason_code: str


@dataclass(frozen=True, slots=True)
class LookUpCall(Effect):
    """Ask what became of the order; `item_id` is its id."""
