"""A customer's ledger as a story: what happened, which rule said so, and what it looked at."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from common.events.envelope import Envelope
from common.events.model import DecisionRecord, LedgerFact

TABLE_TIME = "%m-%d %H:%M:%S"

LEFT_OUT = {"request_hash", "provider_message_sid", "provider_call_sid", "source_sentence", "masked_number"}
"""Long words that help nobody to follow a story; JSON output has them."""


@dataclass(frozen=True, slots=True)
class Step:
    """One ledger event, told."""

    event: Envelope
    local_time: datetime

    @property
    def service(self) -> str:
        """Who did it."""
        return self.event.service or self.event.source

    @property
    def decision(self) -> DecisionRecord | None:
        """Why, if a rule decided it."""
        return self.event.data.decision if isinstance(self.event.data, LedgerFact) else None

    @property
    def facts(self) -> dict[str, Any]:
        """What the event says, decision and empty fields left out, moments in local time."""
        return {name: _plain(value, self.local_time.tzinfo) for name, value in self._content().items()}

    @property
    def what(self) -> str:
        """The event in words for a table: `notification scheduled: channel sms, …`; `facts` has the rest."""
        domain, _, fact = self.event.type.rpartition(".v")[0].partition(".")
        content = self._content()
        said = ", ".join(f"{name} {self._short(value)}" for name, value in content.items() if name not in LEFT_OUT)
        return f"{domain} {fact.replace('_', ' ')}: {said}"

    def _content(self) -> dict[str, Any]:
        return self.event.data.model_dump(exclude_none=True, exclude={"decision"}) if self.event.data else {}

    def _short(self, value: Any) -> str:
        if isinstance(value, datetime):
            return value.astimezone(self.local_time.tzinfo).strftime(TABLE_TIME)
        return _plain_input(value)

    def row(self) -> list[str]:
        """Cells for a table: time, service, what, rule, pack, inputs, reason."""
        when = self.local_time.strftime(TABLE_TIME)
        if self.decision is None:
            return [when, self.service, self.what, "", "", "", ""]
        inputs = ", ".join(f"{name}={_plain_input(value)}" for name, value in self.decision.inputs.items())
        return [
            when,
            self.service,
            self.what,
            self.decision.rule_id,
            self.decision.pack_version,
            inputs,
            self.decision.reason,
        ]

    def as_dict(self) -> dict[str, Any]:
        """For JSON output."""
        return {
            "id": self.event.id,
            "time": self.event.time.isoformat(),
            "local_time": self.local_time.isoformat(),
            "service": self.service,
            "type": self.event.type,
            "what": self.what,
            "facts": self.facts,
            "decision": self.decision.model_dump(mode="json") if self.decision else None,
            "correlation_id": self.event.correlation_id,
            "causation_id": self.event.causation_id,
        }


COLUMNS = ["Local time", "Service", "What happened", "Rule", "Pack", "Inputs", "Reason"]


def story(events: Iterable[Envelope], zone: tzinfo) -> list[Step]:
    """The events as steps in the order in which they happened; those of one moment keep the ledger's order."""
    steps = [Step(event, event.time.astimezone(zone)) for event in events]
    return sorted(steps, key=lambda step: step.event.time)


def _plain(value: Any, zone: tzinfo | None) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(zone).isoformat(timespec="seconds")
    return str(value) if not isinstance(value, bool | int) else value


def _plain_input(value: object) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case _:
            return str(value)
