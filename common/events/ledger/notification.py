"""Ledger events of the notifier: the life of one notification, from decision to receipt."""

from collections.abc import Mapping
from typing import Any, ClassVar

from common.events.ledger.example_decision import EXAMPLE_DECISION
from common.events.model import LedgerFact
from common.events.vocabulary import Channel, MaskedNumber, Moment, Name, Purpose, Reference, Sentence

_ITEM: Mapping[str, Any] = {"notification_id": "n-3f9a0c12d4e5"}
_ATTEMPT: Mapping[str, Any] = {**_ITEM, "attempt_id": "n-3f9a0c12d4e5/1"}
_SENT: Mapping[str, Any] = {**_ATTEMPT, "provider_message_sid": "SM0123456789abcdef0123456789abcdef"}


class NotificationFact(LedgerFact):
    """What every event of one notification names."""

    notification_id: Reference


class NotificationScheduled(NotificationFact):
    """A message will be sent at `send_at`, if the checks at that moment still allow it."""

    TYPE: ClassVar[str] = "notification.scheduled.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        **_ITEM,
        "template_id": "payment_failed",
        "purpose": "service",
        "channel": "sms",
        "policy_id": "P-2024-000451",
        "send_at": "2026-11-20T02:15:01Z",
        "masked_number": "+12*******43",
        "decision": EXAMPLE_DECISION,
    }

    template_id: Name
    purpose: Purpose
    channel: Channel
    policy_id: Reference | None = None
    send_at: Moment
    masked_number: MaskedNumber | None = None


class NotificationHeld(NotificationFact):
    """Not allowed now (quiet hours, frequency cap); decided again at `until`."""

    TYPE: ClassVar[str] = "notification.held.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {**_ITEM, "until": "2026-11-21T00:00:00Z", "decision": EXAMPLE_DECISION}

    until: Moment


class NotificationSuppressed(NotificationFact):
    """Will never be sent; `decision` names the rule that forbids it."""

    TYPE: ClassVar[str] = "notification.suppressed.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        **_ITEM,
        "template_id": "payment_failed",
        "purpose": "service",
        "channel": "sms",
        "decision": EXAMPLE_DECISION,
    }

    template_id: Name | None = None
    purpose: Purpose | None = None
    channel: Channel | None = None


class NotificationCancelled(NotificationFact):
    """A closing fact made it pointless before it was sent."""

    TYPE: ClassVar[str] = "notification.cancelled.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        **_ITEM,
        "closing_fact": "premium.payment_succeeded.v1",
        "closing_fact_id": "core-2026-000782",
        "decision": EXAMPLE_DECISION,
    }

    closing_fact: Name | None = None
    closing_fact_id: Reference | None = None


class NotificationAttemptFact(NotificationFact):
    """What every event of one attempt at a provider names."""

    attempt_id: Reference


class NotificationAttemptReserved(NotificationAttemptFact):
    """The provider is about to be asked; committed before the request leaves."""

    TYPE: ClassVar[str] = "notification.attempt_reserved.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        **_ATTEMPT,
        "provider": "twilio",
        "request_hash": "9f86d081884c7d65",
        "decision": EXAMPLE_DECISION,
    }

    provider: Name
    request_hash: Reference


class NotificationAccepted(NotificationAttemptFact):
    """The provider took the message and named it."""

    TYPE: ClassVar[str] = "notification.accepted.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {**_SENT}

    provider_message_sid: Reference


class NotificationRefused(NotificationAttemptFact):
    """The provider refused. `permanent`: another try with the same request cannot help."""

    TYPE: ClassVar[str] = "notification.refused.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        **_ATTEMPT,
        "error_code": "21610",
        "permanent": True,
        "reason": "the recipient unsubscribed from this sender",
    }

    error_code: Reference | None = None
    permanent: bool
    reason: Sentence | None = None


class NotificationOutcomeUnknown(NotificationAttemptFact):
    """Nobody knows whether the provider took it; nothing is sent again before reconciliation."""

    TYPE: ClassVar[str] = "notification.outcome_unknown.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {**_ATTEMPT, "cause": "deadline_exceeded"}

    cause: Name


class NotificationReconciled(NotificationAttemptFact):
    """Known now: `found` at the provider, or certainly never there. `via` says who told (webhook, list, settle)."""

    TYPE: ClassVar[str] = "notification.reconciled.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {**_SENT, "found": True, "via": "webhook"}

    found: bool
    provider_message_sid: Reference | None = None
    via: Name | None = None


class NotificationReceiptFact(NotificationAttemptFact):
    """A receipt from the carrier; receipts only move forward, whatever order they came in."""

    provider_message_sid: Reference | None = None


class NotificationSent(NotificationReceiptFact):
    """The provider handed it to the carrier."""

    TYPE: ClassVar[str] = "notification.sent.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {**_SENT}


class NotificationDelivered(NotificationReceiptFact):
    """It reached the phone."""

    TYPE: ClassVar[str] = "notification.delivered.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {**_SENT}


class NotificationUndelivered(NotificationReceiptFact):
    """The carrier gave up."""

    TYPE: ClassVar[str] = "notification.undelivered.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {**_SENT, "error_code": "30003"}

    error_code: Reference | None = None


class NotificationFailed(NotificationFact):
    """The end without delivery: the provider failed it or no attempt is left."""

    TYPE: ClassVar[str] = "notification.failed.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {**_SENT, "error_code": "30008", "reason": "attempts exhausted"}

    attempt_id: Reference | None = None
    provider_message_sid: Reference | None = None
    error_code: Reference | None = None
    reason: Sentence | None = None
