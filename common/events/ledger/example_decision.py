"""The decision record that the examples of ledger events carry."""

from collections.abc import Mapping
from typing import Any

EXAMPLE_DECISION: Mapping[str, Any] = {
    "rule_id": "payment_failed.sms",
    "pack_version": "2026-11-01.1",
    "inputs": {"reason_code": "insufficient_funds", "consent": True, "attempts_today": 0},
    "reason": "a failed payment is told at once by SMS",
}
