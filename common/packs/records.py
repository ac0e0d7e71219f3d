"""The parts that all records of a rule pack are made of."""

import re
from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, GetPydanticSchema, StringConstraints
from pydantic_core import core_schema

from common.packs.conditions import Condition

MINUTES_PER_HOUR = 60
_T = TypeVar("_T")
# Years and months are left out: they have no fixed length.
_DURATION = re.compile(r"P(?!$)(\d+D)?(T(?!$)(\d+H)?(\d+M)?(\d+S)?)?")
_CLOCK = re.compile(r"([01]\d|2[0-4]):([0-5]\d)")


class Record(BaseModel):
    """A frozen record read strictly: no unknown field, no silent conversion."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ContactChannel(StrEnum):
    """How a customer is contacted, as far as rules tell it apart: the law is stricter with a bot than with a person."""

    SMS = "sms"
    VOICE_BOT = "voice_bot"
    VOICE_HUMAN = "voice_human"


class Basis(StrEnum):
    """Where a figure comes from; an assumption of ours must stay easy to change."""

    SOURCE = "S"
    REGULATION = "R"
    ASSUMPTION = "A"


def _iso_duration(value: object) -> object:
    if isinstance(value, timedelta) and value >= timedelta():
        return value  # built in Python; a file cannot hold one
    if not isinstance(value, str) or not _DURATION.fullmatch(value):
        raise ValueError(
            "must be an ISO 8601 duration of days, hours, minutes and seconds, such as PT10M, PT2H or P60D"
        )
    return value


def _minutes(value: object) -> int:
    match = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    minutes = int(match[1]) * MINUTES_PER_HOUR + int(match[2]) if match else -1
    if not 0 <= minutes <= 24 * MINUTES_PER_HOUR:
        raise ValueError("must be a time of day HH:MM between 00:00 and 24:00")
    return minutes


Duration = Annotated[timedelta, BeforeValidator(_iso_duration), Field(strict=False)]
"""ISO 8601 in files, `timedelta` inside, never negative."""

MinuteOfDay = Annotated[int, BeforeValidator(_minutes)]
"""`HH:MM` in files, minutes since local midnight inside; 24:00 is 1440."""

EventType = Annotated[str, StringConstraints(pattern=r"^[a-z]+(\.[a-z_]+)+\.v[1-9]\d*$")]
Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
LanguageTag = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?$")]
LocalText = Annotated[dict[LanguageTag, Text], Field(min_length=1)]
LocalAffix = Annotated[dict[LanguageTag, Annotated[str, StringConstraints(min_length=1)]], Field(min_length=1)]
"""Text put before or after another; its spaces at the ends count."""

Cel = Annotated[
    Condition,
    GetPydanticSchema(
        lambda _source, _handler: core_schema.no_info_after_validator_function(Condition, core_schema.str_schema()),
    ),
]
"""A CEL expression, compiled while the pack is read."""


class Source(Record):
    """Where a rule comes from, so that a decision can be traced to the sentence that asked for it."""

    id: Annotated[str, Field(description="source document (S000 … S004), law or derivation the rule comes from")]
    text: Annotated[Text, Field(description="the sentence or figure the rule rests on")]
    basis: Basis
    url: str | None = None


class Dated(Record):
    """A record that holds from `effective_from` through `effective_to` (both included; open when None)."""

    id: Identifier
    effective_from: date
    effective_to: date | None = None
    source: Source

    def holds_on(self, day: date) -> bool:
        """Whether the record is in force on `day`."""
        return self.effective_from <= day and (self.effective_to is None or day <= self.effective_to)


def in_language(texts: dict[str, _T], language: str, default: str) -> tuple[str, _T]:
    """The entry for `language`, else for the same language elsewhere, else for `default`, with the tag that was found.

    Raises:
        KeyError: not even `default` is there.
    """
    if language in texts:
        return language, texts[language]
    spoken = language.partition("-")[0]
    tag = next((tag for tag in texts if tag.partition("-")[0] == spoken), default)
    return tag, texts[tag]
