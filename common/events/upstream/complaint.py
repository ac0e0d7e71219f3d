"""Facts about complaints and the deadlines that run with them."""

from collections.abc import Mapping
from typing import Any, ClassVar

from common.events.model import Fact
from common.events.vocabulary import Moment, Name, Names, Reference

_COMPLAINT: Mapping[str, Any] = {"complaint_id": "K-2026-000033", "policy_id": "P-2024-000451"}


class ComplaintFact(Fact):
    """What every event of one complaint names."""

    complaint_id: Reference
    policy_id: Reference | None = None


class ComplaintReceived(ComplaintFact):
    """A complaint came in; the time limits run from `received_at`."""

    TYPE: ClassVar[str] = "complaint.received.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        **_COMPLAINT,
        "category": "claim_time",
        "received_at": "2026-11-20T02:15:00Z",
        "materials_complete": False,
    }

    category: Name
    received_at: Moment
    materials_complete: bool = False


class ComplaintMaterialsMissing(ComplaintFact):
    """The complaint cannot be examined without `materials`."""

    TYPE: ClassVar[str] = "complaint.materials_missing.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        **_COMPLAINT,
        "materials": ["identity_document"],
        "noticed_at": "2026-11-21T02:15:00Z",
    }

    materials: Names
    noticed_at: Moment


class ComplaintMaterialsComplete(ComplaintFact):
    """Everything needed is there; the time limit for accepting or rejecting runs from `completed_at`."""

    TYPE: ClassVar[str] = "complaint.materials_complete.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {**_COMPLAINT, "completed_at": "2026-11-23T02:15:00Z"}

    completed_at: Moment


class ComplaintDecided(ComplaintFact):
    """The complaint was decided; `decision` is the insurer's code, such as upheld or rejected."""

    TYPE: ClassVar[str] = "complaint.decided.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        **_COMPLAINT,
        "decision": "upheld",
        "decided_at": "2026-12-01T02:15:00Z",
    }

    decision: Name
    decided_at: Moment
