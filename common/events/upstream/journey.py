"""Facts about what customers try to do themselves and where they get stuck."""

from collections.abc import Mapping
from typing import Any, ClassVar

from common.events.model import Fact
from common.events.vocabulary import Amount, Currency, Moment, Name, Reference

_OPERATION: Mapping[str, Any] = {
    "operation_id": "op-81b2c3",
    "operation": "policy_loan",
    "channel": "app",
    "policy_id": "P-2024-000451",
}


class JourneyFact(Fact):
    """What every event of one self-service operation names; `operation_id` ties its events together."""

    operation_id: Reference
    operation: Name
    channel: Name
    policy_id: Reference | None = None


class JourneyOperationFailed(JourneyFact):
    """An operation ended in an error."""

    TYPE: ClassVar[str] = "journey.operation_failed.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        **_OPERATION,
        "reason_code": "identity_check_failed",
        "failed_at": "2026-11-20T02:15:00Z",
    }

    reason_code: Reference
    failed_at: Moment


class JourneyOperationOverLimit(JourneyFact):
    """The customer wanted more than self-service allows; `limit_code` says which limit (amount, age, count)."""

    TYPE: ClassVar[str] = "journey.operation_over_limit.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        **_OPERATION,
        "limit_code": "amount",
        "wanted_amount": "350000.00",
        "limit_amount": "300000.00",
        "currency": "CNY",
        "refused_at": "2026-11-20T02:15:00Z",
    }

    limit_code: Name
    wanted_amount: Amount | None = None
    limit_amount: Amount | None = None
    currency: Currency | None = None
    refused_at: Moment


class JourneyOperationAbandoned(JourneyFact):
    """The customer left half-way; `last_step` is the last one that was shown."""

    TYPE: ClassVar[str] = "journey.operation_abandoned.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        **_OPERATION,
        "last_step": "face_check",
        "abandoned_at": "2026-11-20T02:15:00Z",
    }

    last_step: Name | None = None
    abandoned_at: Moment


class JourneyOperationCompleted(JourneyFact):
    """The operation succeeded; ends whatever its failure or abandonment started."""

    TYPE: ClassVar[str] = "journey.operation_completed.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {**_OPERATION, "completed_at": "2026-11-20T02:35:00Z"}

    completed_at: Moment
