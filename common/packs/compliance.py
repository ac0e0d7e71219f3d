"""Compliance profiles: what the law and good manners of a jurisdiction allow, as dated records with their source."""

import unicodedata
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Self, TypeVar

from pydantic import Field, model_validator

from common.errors import InvalidEvent
from common.events.vocabulary import Purpose
from common.packs.records import (
    ContactChannel,
    Dated,
    Duration,
    Identifier,
    LocalAffix,
    LocalText,
    MinuteOfDay,
    Record,
    Text,
    in_language,
)
from common.packs.send_windows import ALWAYS, AllowedHours, Span, allowed_hours

_D = TypeVar("_D", bound=Dated)


class Weekday(StrEnum):
    """Days as the files name them, Monday first."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


WEEKDAYS = tuple(Weekday)


class Counted(StrEnum):
    """What a frequency cap counts."""

    ATTEMPTS = "attempts"
    CONNECTED = "connected"
    MESSAGES = "messages"


class CapScope(StrEnum):
    """Over what a frequency cap counts."""

    CUSTOMER = "customer"
    TASK = "task"


class TimeSpan(Record):
    """From `start` until (not including) `end`, local time of the called party; cut a night in two at midnight."""

    days: tuple[Weekday, ...] = WEEKDAYS
    start: MinuteOfDay
    end: MinuteOfDay

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.start >= self.end:
            raise ValueError("start must be before end; write a span over midnight as two")
        return self


class Scoped(Dated):
    """A dated record for some purpose classes on some channels."""

    purposes: Annotated[tuple[Purpose, ...], Field(min_length=1)]
    channels: Annotated[tuple[ContactChannel, ...], Field(min_length=1)]

    def covers(self, purpose: Purpose, channel: ContactChannel) -> bool:
        """Whether the record speaks of `purpose` on `channel`."""
        return purpose in self.purposes and channel in self.channels


class HoursRecord(Scoped):
    """Allowed hours, less the daily `pauses`.

    `waived_when_asked`: they do not bind an answer to the customer's own request.
    """

    hours: Annotated[tuple[TimeSpan, ...], Field(min_length=1)]
    pauses: tuple[TimeSpan, ...] = ()
    waived_when_asked: bool = False

    @cached_property
    def allowed(self) -> AllowedHours:
        """The hours as the send window computes with them."""
        spans = (([WEEKDAYS.index(day) for day in span.days], span.start, span.end) for span in self.hours)
        pauses: list[Span] = [(pause.start, pause.end) for pause in self.pauses]
        return allowed_hours(spans, pauses)

    @model_validator(mode="after")
    def _some_moment(self) -> Self:
        assert self.allowed.week  # computing it refuses hours that the pauses eat up
        return self


class Cap(Scoped):
    """At most `limit` of `counted` in any sliding `within`, for each customer or each task."""

    limit: Annotated[int, Field(ge=0)]
    within: Duration
    counted: Counted
    scope: CapScope = CapScope.CUSTOMER


class Dialing(Dated):
    """How calls must ring and when one counts as abandoned.

    `min_redial` is the floor under every rule's own redial times.
    """

    channels: Annotated[tuple[ContactChannel, ...], Field(min_length=1)]
    min_ring: Duration
    min_redial: Duration
    connect_within: Duration
    abandonment_limit: Annotated[float, Field(ge=0, le=1)]
    abandonment_window: Duration


class OptOut(Dated):
    """Words that stop messages, and how long a refusal is kept (None: for good)."""

    words: Annotated[tuple[Text, ...], Field(min_length=1)]
    kept_for: Duration | None = None


class Wording(Dated):
    """What goes around a message's text: the sender's signature, and how to refuse, for the classes that need it."""

    signature: LocalAffix
    opt_out_text: LocalAffix
    opt_out_purposes: tuple[Purpose, ...]


class ComplianceFile(Record):
    """All dated records of one jurisdiction."""

    id: Identifier
    name: LocalText
    hours: Annotated[tuple[HoursRecord, ...], Field(min_length=1)]
    caps: tuple[Cap, ...]
    dialing: Annotated[tuple[Dialing, ...], Field(min_length=1)]
    opt_out: Annotated[tuple[OptOut, ...], Field(min_length=1)]
    wording: Annotated[tuple[Wording, ...], Field(min_length=1)]

    def on(self, day: date) -> "ComplianceProfile":
        """What is in force on `day`.

        Raises:
            InvalidEvent: a kind of record has none in force.
        """
        return ComplianceProfile(
            jurisdiction=self.id,
            hours_records=tuple(record for record in self.hours if record.holds_on(day)),
            caps_records=tuple(record for record in self.caps if record.holds_on(day)),
            dialing=tuple(record for record in self.dialing if record.holds_on(day)),
            opt_out=_only(self.opt_out, day, self.id),
            wording=_only(self.wording, day, self.id),
        )


@dataclass(frozen=True)
class ComplianceProfile:
    """What one jurisdiction asks on one day."""

    jurisdiction: str
    hours_records: tuple[HoursRecord, ...]
    caps_records: tuple[Cap, ...]
    dialing: tuple[Dialing, ...]
    opt_out: OptOut
    wording: Wording

    def hours_rule(self, purpose: Purpose, channel: ContactChannel) -> HoursRecord:
        """The record that sets the hours; its `id` and `source` belong into a decision's record.

        Raises:
            InvalidEvent: none is in force.
        """
        for record in self.hours_records:
            if record.covers(purpose, channel):
                return record
        raise _nothing_in_force(self.jurisdiction, f"hours for {purpose} by {channel}")

    def hours(self, purpose: Purpose, channel: ContactChannel, *, asked: bool = False) -> AllowedHours:
        """The hours for `purpose` on `channel`; `asked`: it answers the customer's own request."""
        record = self.hours_rule(purpose, channel)
        return ALWAYS if asked and record.waived_when_asked else record.allowed

    def caps(self, purpose: Purpose, channel: ContactChannel) -> tuple[Cap, ...]:
        """All frequency caps that bind `purpose` on `channel`."""
        return tuple(cap for cap in self.caps_records if cap.covers(purpose, channel))

    def dialing_rule(self, channel: ContactChannel) -> Dialing:
        """How calls on `channel` must ring.

        Raises:
            InvalidEvent: none is in force.
        """
        for record in self.dialing:
            if channel in record.channels:
                return record
        raise _nothing_in_force(self.jurisdiction, f"dialing rules for {channel}")

    @property
    def min_ring(self) -> timedelta:
        """The shortest time a call must ring before it may be given up, over all voice channels."""
        return max(record.min_ring for record in self.dialing)

    def is_opt_out(self, text: str) -> bool:
        """Whether an incoming text is one of the opt-out words; case, width and spaces do not matter."""
        return _folded(text) in {_folded(word) for word in self.opt_out.words}

    def frame(self, purpose: Purpose, language: str, default: str) -> tuple[str, str]:
        """(signature, opt-out text or empty) that go before and after a message of `purpose`."""
        signature = in_language(self.wording.signature, language, default)[1]
        if purpose not in self.wording.opt_out_purposes:
            return signature, ""
        return signature, in_language(self.wording.opt_out_text, language, default)[1]


def _only(records: tuple[_D, ...], day: date, jurisdiction: str) -> _D:
    for record in records:
        if record.holds_on(day):
            return record
    raise _nothing_in_force(jurisdiction, f"record on {day}")


def _nothing_in_force(jurisdiction: str, what: str) -> InvalidEvent:
    return InvalidEvent(
        "no_rule_in_force",
        field="jurisdiction",
        reason=f"the compliance profile {jurisdiction} has no {what}",
        remedy="add a dated record to policies/compliance, publish the pack, replay the event",
    )


def _folded(text: str) -> str:
    """Full-width letters become plain, case and spaces go."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())
