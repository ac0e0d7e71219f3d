"""Ledger events of the outbound dialer: the life of one call, from the order to its outcome."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field

from common.events.ledger.example_decision import EXAMPLE_DECISION
from common.events.model import LedgerFact
from common.events.vocabulary import CallOutcome, MaskedNumber, Moment, Name, Priority, Purpose, Reference, Sentence

_CALL: Mapping[str, Any] = {"call_id": "c-5a6b7c8d9e0f"}
_ORDER: Mapping[str, Any] = {**_CALL, "idempotency_key": "t-77ab01c2d3e4/1", "task_id": "t-77ab01c2d3e4"}
_ATTEMPT: Mapping[str, Any] = {**_CALL, "attempt_id": "c-5a6b7c8d9e0f/1"}
_PLACED: Mapping[str, Any] = {**_ATTEMPT, "provider_call_sid": "CA0123456789abcdef0123456789abcdef"}


class CallFact(LedgerFact):
    """What every event of one call names."""

    call_id: Reference


class CallOrderFact(CallFact):
    """Names the order too, for whoever ordered; `task_id` comes from the order's context."""

    idempotency_key: Reference
    task_id: Reference | None = None


class CallQueued(CallOrderFact):
    """The order is taken: the call is placed between `earliest` and `latest`, or expires."""

    TYPE: ClassVar[str] = "call.queued.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        **_ORDER,
        "flow": "payment_failed",
        "purpose": "service",
        "priority": "P1",
        "earliest": "2026-11-20T02:25:00Z",
        "latest": "2026-11-20T12:30:00Z",
        "masked_number": "+12*******43",
        "decision": EXAMPLE_DECISION,
    }

    flow: Name
    purpose: Purpose
    priority: Priority
    earliest: Moment
    latest: Moment
    masked_number: MaskedNumber | None = None


class CallHeld(CallFact):
    """Not allowed now (no profile, calling hours, frequency cap); decided again at `until`, at the latest."""

    TYPE: ClassVar[str] = "call.held.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {**_CALL, "until": "2026-11-21T01:00:00Z", "decision": EXAMPLE_DECISION}

    until: Moment


class CallAttemptFact(CallFact):
    """What every event of one attempt at a provider names."""

    attempt_id: Reference


class CallDialing(CallAttemptFact):
    """The provider is about to be asked; committed before the request leaves."""

    TYPE: ClassVar[str] = "call.dialing.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        **_ATTEMPT,
        "provider": "twilio",
        "request_hash": "9f86d081884c7d65",
        "decision": EXAMPLE_DECISION,
    }

    provider: Name
    request_hash: Reference


class CallAccepted(CallAttemptFact):
    """The provider took the call and named it."""

    TYPE: ClassVar[str] = "call.accepted.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {**_PLACED}

    provider_call_sid: Reference


class CallRefused(CallAttemptFact):
    """The provider refused. `permanent`: another try with the same request cannot help."""

    TYPE: ClassVar[str] = "call.refused.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        **_ATTEMPT,
        "error_code": "21211",
        "permanent": True,
        "reason": "the provider does not know the number",
    }

    error_code: Reference | None = None
    permanent: bool
    reason: Sentence | None = None


class CallOutcomeUnknown(CallAttemptFact):
    """Nobody knows whether the provider took it; nothing is dialled again before reconciliation."""

    TYPE: ClassVar[str] = "call.outcome_unknown.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {**_ATTEMPT, "cause": "deadline_exceeded"}

    cause: Name


class CallReconciled(CallAttemptFact):
    """Known now: `found` at the provider, or certainly never there. `via` says who told (webhook, list, settle)."""

    TYPE: ClassVar[str] = "call.reconciled.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {**_PLACED, "found": True, "via": "list"}

    found: bool
    provider_call_sid: Reference | None = None
    via: Name | None = None


class CallRinging(CallFact):
    """The customer's phone rings."""

    TYPE: ClassVar[str] = "call.ringing.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {**_CALL}


class CallAnswered(CallFact):
    """Somebody or something picked up."""

    TYPE: ClassVar[str] = "call.answered.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {**_CALL}


class CallKeyPressed(CallFact):
    """The customer pressed a key; `meaning` is the flow's name for it.

    `triggers` is false when the order was cancelled after dialling had begun: record the wish, act on nothing.
    """

    TYPE: ClassVar[str] = "call.key_pressed.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {**_CALL, "key": "1", "meaning": "tell_by_sms", "task_id": "t-77ab01c2d3e4"}

    key: Annotated[str, Field(pattern=r"^[0-9*#]$")]
    meaning: Name
    task_id: Reference | None = None
    triggers: bool = True


class CallMachineDetected(CallFact):
    """A machine answered; `kind` is the provider's name for it."""

    TYPE: ClassVar[str] = "call.machine_detected.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {**_CALL, "kind": "machine_start"}

    kind: Name | None = None


class CallEnded(CallOrderFact):
    """The call is over, with one outcome. `choice` is the meaning of the last key pressed.

    `triggers` is false when the order was cancelled after dialling had begun: record the result, act on nothing.
    """

    TYPE: ClassVar[str] = "call.ended.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        **_ORDER,
        "outcome": "completed",
        "answered": True,
        "duration_seconds": 47,
        "choice": "tell_by_sms",
    }

    outcome: CallOutcome
    answered: bool
    duration_seconds: Annotated[int, Field(ge=0, le=86_400)] = 0
    choice: Name | None = None
    error_code: Reference | None = None
    triggers: bool = True


class CallCancelled(CallOrderFact):
    """Taken back before it was dialled."""

    TYPE: ClassVar[str] = "call.cancelled.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {**_ORDER, "reason": "the premium was paid", "decision": EXAMPLE_DECISION}

    reason: Sentence | None = None
