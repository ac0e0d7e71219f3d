"""What the notifier's decisions are given besides state and fact: the pack and the provider's times."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from common.events.model import DecisionRecord
from common.kernel.attempts import AttemptTiming
from common.packs import Pack

RECEIPT_MISSING_AFTER = timedelta(hours=72)
"""Providers give a receipt up then (domain.md 3.1, receipt missing)."""

Inputs = dict[str, str | int | float | bool | None]


@dataclass(frozen=True)
class Rules:
    """Everything that decides beside the state.

    Attributes:
        provider: name of the SMS provider in ledger and metrics.
        first_receipt_check: how long after acceptance a missing receipt is first asked for; then four times as long
            each time, until `RECEIPT_MISSING_AFTER`.
    """

    pack: Pack
    timing: AttemptTiming = AttemptTiming()  # noqa: RUF009  # frozen
    provider: str = "twilio"
    first_receipt_check: timedelta = timedelta(minutes=10)

    def record(self, rule_id: str, reason: str, **inputs: str | float | bool | None) -> DecisionRecord:
        """The explanation that goes on the ledger with a decision."""
        return DecisionRecord(rule_id=rule_id, pack_version=self.pack.version, inputs=dict(inputs), reason=reason)


def local_day(now: datetime, time_zone: str) -> date:
    """The customer's calendar day."""
    return now.astimezone(ZoneInfo(time_zone)).date()
