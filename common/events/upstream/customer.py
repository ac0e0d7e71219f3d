"""Facts about the customer as a person."""

from collections.abc import Mapping
from typing import Any, ClassVar

from common.events.model import Fact
from common.events.vocabulary import Day, Name, Reference


class CustomerMilestone(Fact):
    """The customer reached something worth a word, such as three years without a claim; `milestone` names it."""

    TYPE: ClassVar[str] = "customer.milestone.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        "milestone": "three_years_without_claim",
        "reached_on": "2026-11-20",
        "policy_id": "P-2024-000451",
    }

    milestone: Name
    reached_on: Day
    policy_id: Reference | None = None
