"""Nine-connect scenarios: which interruption opens which task, how it is followed, and what may close it."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from common.events.vocabulary import CallOutcome, Priority, Purpose
from common.packs.journeys import ClosingFact, closed_by, match_value
from common.packs.records import (
    Basis,
    Cel,
    ContactChannel,
    Duration,
    EventType,
    Identifier,
    LocalText,
    Record,
    Source,
)


class Mode(StrEnum):
    """How an interrupted service is continued."""

    ONLINE_REALTIME = "online_realtime"
    OFFLINE_PROACTIVE = "offline_proactive"


class Deadline(Record):
    """The task must be resolved by the end of a day in the customer's zone.

    That day stands in the opening fact's field `given_by`, else it comes `after` the date in its field `of`.
    """

    of: str
    after: Duration
    given_by: str | None = None


class LadderStep(Record):
    """One rung: a message the notifier sends by its own journey rule, a smart call, or a person."""

    id: Identifier
    channel: ContactChannel
    journey: Identifier | None = None
    flow: Identifier | None = None
    queue: Identifier | None = None


class AfterCall(Record):
    """What a call's outcome leads to: exactly one of a redial, a result that closes the task, or a person."""

    redial_after: Duration | None = None
    result: Identifier | None = None
    escalate: bool = False

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.redial_after is not None) + (self.result is not None) + self.escalate != 1:
            raise ValueError("must give exactly one of redial_after, result, escalate: true")
        return self


class TaskResult(Record):
    """A result with which a task may be closed."""

    id: Identifier
    name: LocalText


class AttemptLimits(Record):
    """How often one task may ring: per local day of the customer, and in all."""

    per_day: Annotated[int, Field(ge=1)]
    in_all: Annotated[int, Field(ge=1)]


class ScenarioRule(Record):
    """Interruption in, followed task out.

    The first call is ordered `first_call_after` the opening fact, at the first allowed moment then, and owed within
    `first_call_within` inside calling hours. A call's end is judged by `after_call`. When `attempts.per_day` is used
    up, the next attempt waits for the next local day; when `attempts.in_all` is, or a call escalates, the task waits in
    `owner_queue` for a person with the fields of `hand_over`. A call's texts are given the fields `flow_variables` of
    the opening fact. At the deadline an open task closes with `expired_result`.
    """

    id: Identifier
    name: LocalText
    on: Annotated[tuple[EventType, ...], Field(min_length=1)]
    when: Cel | None = None
    mode: Mode
    priority: Priority
    purpose: Purpose
    first_call_after: Duration
    first_call_within: Duration
    deadline: Deadline
    ladder: Annotated[tuple[LadderStep, ...], Field(min_length=1)]
    outcomes: dict[CallOutcome, AfterCall]
    meanings: dict[Identifier, AfterCall]
    attempts: AttemptLimits
    merge_key: Annotated[tuple[str, ...], Field(min_length=1)]
    closing_facts: Annotated[tuple[ClosingFact, ...], Field(min_length=1)]
    closing_result: Identifier
    expired_result: Identifier
    results: Annotated[tuple[TaskResult, ...], Field(min_length=1)]
    owner_queue: Identifier
    hand_over: Annotated[tuple[str, ...], Field(min_length=1)]
    flow: Identifier
    flow_variables: tuple[str, ...] = ()
    source: Source
    basis: dict[str, Basis]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        results = {result.id for result in self.results}
        used = {after.result for after in (*self.outcomes.values(), *self.meanings.values()) if after.result}
        if unknown := (used | {self.closing_result, self.expired_result}) - results:
            raise ValueError(f"results lacks {', '.join(sorted(unknown))}, which the rule closes with")
        if self.first_call_after > self.first_call_within:
            raise ValueError("first_call_after must not be later than first_call_within")
        if missing := REQUIRED_OUTCOMES - set(self.outcomes):
            raise ValueError(f"outcomes lacks {', '.join(sorted(missing))}")
        return self

    def applies(self, variables: Mapping[str, object]) -> bool:
        """Whether the rule's condition holds of `condition_variables(event, profile)`."""
        return self.when is None or self.when.holds(variables)

    def merge_value(self, data: Mapping[str, object]) -> str:
        """What makes two facts one task: the values of `merge_key` in the fact's data."""
        return match_value(self.merge_key, data)

    def closed_by(self, opening: Mapping[str, object], closing_type: str, closing: Mapping[str, object]) -> bool:
        """Whether the fact `closing` closes (with `closing_result`) the task that the fact `opening` opened."""
        return closed_by(self.closing_facts, opening, closing_type, closing)

    def after_call(self, outcome: CallOutcome, meaning: str | None = None) -> AfterCall:
        """What follows a call that ended with `outcome`, the customer having chosen `meaning` (None: pressed nothing).

        An outcome or meaning the rule does not know goes to a person: better asked than dropped.
        """
        if meaning is not None:
            return self.meanings.get(meaning, ESCALATE)
        return self.outcomes.get(outcome, ESCALATE)

    def deadline_at(self, data: Mapping[str, object], opened_at: datetime, zone: ZoneInfo) -> datetime:
        """The moment (UTC) by which the task must be resolved; counted from the opening where the fact has no date."""
        last_day = _day(data.get(self.deadline.given_by or ""))
        if last_day is None:
            base = _day(data.get(self.deadline.of)) or opened_at.astimezone(zone).date()
            last_day = base + self.deadline.after
        return datetime.combine(last_day + timedelta(days=1), time(), zone).astimezone(UTC)


def _day(value: object) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else date.fromisoformat(str(value)) if value else None


REQUIRED_OUTCOMES = frozenset(set(CallOutcome) - {CallOutcome.CANCELLED})
ESCALATE = AfterCall(escalate=True)
