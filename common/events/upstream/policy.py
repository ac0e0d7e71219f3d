"""Facts about a policy's life: issued, changed, lapsed, without an agent, ended."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field

from common.events.model import Fact
from common.events.vocabulary import Amount, Currency, Day, Label, Moment, Name, Reference

_POLICY: Mapping[str, Any] = {"policy_id": "P-2024-000451"}


class PolicyIssued(Fact):
    """A policy came into force.

    `cooling_off_ends_on` is the last day of the contract's own cooling-off period; it differs by product and
    jurisdiction, so the insurer says it and nothing here assumes a number of days.
    """

    TYPE: ClassVar[str] = "policy.issued.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        **_POLICY,
        "product_name": "Evergreen Life",
        "issued_at": "2026-11-18T06:00:00Z",
        "effective_on": "2026-11-19",
        "cooling_off_ends_on": "2026-12-04",
        "term_years": 20,
        "sales_channel": "agent",
    }

    policy_id: Reference
    product_name: Label | None = None
    issued_at: Moment
    effective_on: Day
    cooling_off_ends_on: Day | None = None
    term_years: Annotated[int, Field(ge=0, le=150)] | None = None
    sales_channel: Name | None = None


class PolicyChanged(Fact):
    """Something in the contract changed; `change_code` names what."""

    TYPE: ClassVar[str] = "policy.changed.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        **_POLICY,
        "change_code": "beneficiary",
        "changed_at": "2026-11-18T06:00:00Z",
        "effective_on": "2026-11-19",
    }

    policy_id: Reference
    change_code: Name
    changed_at: Moment
    effective_on: Day | None = None


class PolicyLapsed(Fact):
    """Cover ended because a premium stayed unpaid; `permanent` = it cannot be reinstated any more."""

    TYPE: ClassVar[str] = "policy.lapsed.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        **_POLICY,
        "lapsed_on": "2026-11-18",
        "permanent": False,
        "reinstatement_ends_on": "2028-11-17",
        "product_name": "Evergreen Life",
    }

    policy_id: Reference
    lapsed_on: Day
    permanent: bool = False
    reinstatement_ends_on: Day | None = None
    product_name: Label | None = None


class PolicyReinstated(Fact):
    """A lapsed policy is in force again."""

    TYPE: ClassVar[str] = "policy.reinstated.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {**_POLICY, "reinstated_on": "2026-11-18"}

    policy_id: Reference
    reinstated_on: Day


class PolicyOrphaned(Fact):
    """The agent left; `new_agent` is None while nobody serves the customer."""

    TYPE: ClassVar[str] = "policy.orphaned.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        **_POLICY,
        "orphaned_at": "2026-11-18T06:00:00Z",
        "former_agent": "agent-0077",
        "new_agent": None,
    }

    policy_id: Reference
    orphaned_at: Moment
    former_agent: Reference | None = None
    new_agent: Reference | None = None


class PolicyReissued(Fact):
    """A lost or damaged contract document was issued anew."""

    TYPE: ClassVar[str] = "policy.reissued.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        **_POLICY,
        "reissued_at": "2026-11-18T06:00:00Z",
        "reason_code": "lost",
    }

    policy_id: Reference
    reissued_at: Moment
    reason_code: Reference | None = None


class PolicySurrendered(Fact):
    """The customer gave the policy up; `amount` is the surrender value."""

    TYPE: ClassVar[str] = "policy.surrendered.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        **_POLICY,
        "surrendered_at": "2026-11-18T06:00:00Z",
        "amount": "18200.00",
        "currency": "CNY",
    }

    policy_id: Reference
    surrendered_at: Moment
    amount: Amount | None = None
    currency: Currency | None = None
