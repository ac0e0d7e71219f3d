"""Facts about premiums: due, failed, paid."""

from collections.abc import Mapping
from typing import Any, ClassVar

from common.events.model import Fact
from common.events.vocabulary import Amount, Currency, Day, Label, Moment, Name, Reference


class PremiumRenewalDue(Fact):
    """A renewal premium falls due on `due_date`; published ahead of it."""

    TYPE: ClassVar[str] = "premium.renewal_due.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        "policy_id": "P-2024-000451",
        "amount": "3650.00",
        "currency": "CNY",
        "due_date": "2026-12-15",
        "product_name": "Evergreen Life",
    }

    policy_id: Reference
    amount: Amount
    currency: Currency
    due_date: Day
    product_name: Label | None = None


class PremiumPaymentFailed(Fact):
    """A payment attempt for a premium failed.

    `reason_code` is the bank's or channel's own code; rule packs translate it into plain words.
    `grace_ends_on` is the last day on which payment keeps the cover, when the insurer knows it.
    """

    TYPE: ClassVar[str] = "premium.payment_failed.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        "policy_id": "P-2024-000451",
        "amount": "3650.00",
        "currency": "CNY",
        "due_date": "2026-11-20",
        "failed_at": "2026-11-20T02:15:00Z",
        "reason_code": "insufficient_funds",
        "payment_channel": "app",
        "bank_name": "Example Bank",
        "grace_ends_on": "2027-01-19",
        "product_name": "Evergreen Life",
    }

    policy_id: Reference
    amount: Amount
    currency: Currency
    due_date: Day
    failed_at: Moment
    reason_code: Reference
    payment_channel: Name | None = None
    bank_name: Label | None = None
    grace_ends_on: Day | None = None
    product_name: Label | None = None


class PremiumPaymentSucceeded(Fact):
    """A premium was paid; ends everything that a failed payment or a renewal notice started for this policy."""

    TYPE: ClassVar[str] = "premium.payment_succeeded.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        "policy_id": "P-2024-000451",
        "amount": "3650.00",
        "currency": "CNY",
        "due_date": "2026-11-20",
        "paid_at": "2026-11-21T08:30:12Z",
        "payment_channel": "bank_transfer",
    }

    policy_id: Reference
    amount: Amount
    currency: Currency
    due_date: Day | None = None
    paid_at: Moment
    payment_channel: Name | None = None
