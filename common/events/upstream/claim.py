"""Facts about claims, from the report to the payment."""

from collections.abc import Mapping
from typing import Any, ClassVar

from common.events.model import Fact
from common.events.vocabulary import Amount, Currency, Day, Moment, Name, Names, Reference, Region

_CLAIM: Mapping[str, Any] = {"claim_id": "C-2026-001207", "policy_id": "P-2024-000451"}


class ClaimReported(Fact):
    """An accident or illness was reported; the customer waits for a person."""

    TYPE: ClassVar[str] = "claim.reported.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        **_CLAIM,
        "kind": "accident",
        "reported_at": "2026-11-20T02:15:00Z",
        "occurred_on": "2026-11-19",
        "region": "CN-GD",
    }

    claim_id: Reference
    policy_id: Reference | None = None
    kind: Name
    reported_at: Moment
    occurred_on: Day | None = None
    region: Region | None = None


class ClaimStageChanged(Fact):
    """A claim entered `stage`; `changed_at` orders the stages, so that a late one is recognised as stale."""

    TYPE: ClassVar[str] = "claim.stage_changed.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        **_CLAIM,
        "stage": "assessment",
        "previous_stage": "registration",
        "changed_at": "2026-11-20T02:15:00Z",
    }

    claim_id: Reference
    policy_id: Reference | None = None
    stage: Name
    previous_stage: Name | None = None
    changed_at: Moment


class ClaimDocumentsMissing(Fact):
    """The claim cannot go on without `documents`; all that are missing are named at once."""

    TYPE: ClassVar[str] = "claim.documents_missing.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        **_CLAIM,
        "documents": ["medical_report", "invoice"],
        "noticed_at": "2026-11-20T02:15:00Z",
        "due_date": "2026-12-20",
    }

    claim_id: Reference
    policy_id: Reference | None = None
    documents: Names
    noticed_at: Moment
    due_date: Day | None = None


class ClaimDocumentsReceived(Fact):
    """Documents came in; `complete` = nothing is missing any more."""

    TYPE: ClassVar[str] = "claim.documents_received.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        **_CLAIM,
        "documents": ["medical_report"],
        "complete": False,
        "received_at": "2026-11-21T02:15:00Z",
    }

    claim_id: Reference
    policy_id: Reference | None = None
    documents: Names
    complete: bool
    received_at: Moment


class ClaimPaid(Fact):
    """The claim was paid out."""

    TYPE: ClassVar[str] = "claim.paid.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        **_CLAIM,
        "amount": "12480.50",
        "currency": "CNY",
        "paid_at": "2026-11-25T07:00:00Z",
    }

    claim_id: Reference
    policy_id: Reference | None = None
    amount: Amount
    currency: Currency
    paid_at: Moment
