"""Facts about work items handed to another department, which promised the customer an answer."""

from collections.abc import Mapping
from typing import Any, ClassVar

from common.events.model import Fact
from common.events.vocabulary import Moment, Name, Reference

_REFERRAL: Mapping[str, Any] = {"referral_id": "R-2026-000912", "policy_id": "P-2024-000451"}


class ReferralCreated(Fact):
    """A department owes an answer by `due_at`."""

    TYPE: ClassVar[str] = "referral.created.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        **_REFERRAL,
        "department": "claims",
        "topic": "claim_progress",
        "created_at": "2026-11-20T02:15:00Z",
        "due_at": "2026-11-27T09:00:00Z",
    }

    referral_id: Reference
    policy_id: Reference | None = None
    department: Name
    topic: Name | None = None
    created_at: Moment
    due_at: Moment | None = None


class ReferralAnswered(Fact):
    """The department answered; `resolved` = the customer's wish is settled."""

    TYPE: ClassVar[str] = "referral.answered.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {**_REFERRAL, "resolved": True, "answered_at": "2026-11-24T02:15:00Z"}

    referral_id: Reference
    policy_id: Reference | None = None
    resolved: bool
    answered_at: Moment
