"""Facts about emergencies of a region; their key and subject are the region, not a customer."""

from collections.abc import Mapping
from typing import Any, ClassVar

from common.events.model import Fact
from common.events.vocabulary import Moment, Name, Purpose, Reference, Region

_EMERGENCY: Mapping[str, Any] = {"emergency_id": "EM-2026-0007", "region": "CN-GD"}


class EmergencyDeclared(Fact):
    """A disaster struck `region`: outreach of `suspended_purposes` stops there until it is lifted."""

    KEY_FIELD: ClassVar[str | None] = "region"
    TYPE: ClassVar[str] = "emergency.declared.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        **_EMERGENCY,
        "kind": "typhoon",
        "declared_at": "2026-11-20T02:15:00Z",
        "suspended_purposes": ["marketing"],
    }

    emergency_id: Reference
    region: Region
    kind: Name
    declared_at: Moment
    suspended_purposes: tuple[Purpose, ...] = ()


class EmergencyLifted(Fact):
    """The emergency is over; what was suspended goes on."""

    KEY_FIELD: ClassVar[str | None] = "region"
    TYPE: ClassVar[str] = "emergency.lifted.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {**_EMERGENCY, "lifted_at": "2026-11-23T02:15:00Z"}

    emergency_id: Reference
    region: Region
    lifted_at: Moment
