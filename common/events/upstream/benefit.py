"""Facts about benefits that fall due to the customer."""

from collections.abc import Mapping
from typing import Any, ClassVar

from common.events.model import Fact
from common.events.vocabulary import Amount, Currency, Day, Name, Reference


class BenefitPayoutDue(Fact):
    """A survival or maturity benefit falls due; `account_on_file` = it can be paid without asking the customer."""

    TYPE: ClassVar[str] = "benefit.payout_due.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        "policy_id": "P-2024-000451",
        "benefit_code": "annuity",
        "amount": "5000.00",
        "currency": "CNY",
        "due_date": "2026-12-01",
        "account_on_file": True,
    }

    policy_id: Reference
    benefit_code: Name
    amount: Amount
    currency: Currency
    due_date: Day
    account_on_file: bool | None = None
