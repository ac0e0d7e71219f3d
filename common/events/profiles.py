"""Customer profiles: who may be reached where, when, how and in which language."""

import datetime as dt
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Any, ClassVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from common.events.model import Fact
from common.events.vocabulary import Channel, CustomerId, Moment, Purpose, Reference, Region


def _is_dialable(phone_number: str) -> str:
    """Refuses what no numbering plan knows; the message never holds the number."""
    try:
        parsed = phonenumbers.parse(phone_number)
    except phonenumbers.NumberParseException as error:
        raise ValueError("has a country code that does not exist") from error
    if not phonenumbers.is_possible_number(parsed):
        raise ValueError("has a length that its country's numbering plan does not know")
    return phone_number


@lru_cache(maxsize=1024)
def _is_zone(name: str) -> str:
    """Refuses a name that the IANA time zone database does not know."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("must be a name from the IANA time zone database, such as Asia/Shanghai") from error
    return name


class _Part(BaseModel):
    """Part of a profile; frozen and tolerant like a `Fact`."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class PhoneKind(StrEnum):
    """What a number can do: a landline receives no SMS."""

    MOBILE = "mobile"
    LANDLINE = "landline"


class PhoneNumber(_Part):
    """One number of the customer; the first of a kind is preferred."""

    phone_number: Annotated[str, Field(pattern=r"^\+[1-9][0-9]{6,14}$"), AfterValidator(_is_dialable)]
    kind: PhoneKind = PhoneKind.MOBILE


class Consent(_Part):
    """The customer's latest word on one purpose class; `proof` names the record that proves it."""

    granted: bool
    at: Moment
    proof: Reference | None = None


class Preferences(_Part):
    """What the customer asked for; `None` = never asked, rules decide."""

    channel: Channel | None = None
    reminder_days_ahead: Annotated[int, Field(ge=0, le=60)] | None = None
    reminder_time: dt.time | None = None


class CustomerProfile(Fact):
    """All that is known of one customer; each new one replaces the one before, a null value erases the customer."""

    KEY_FIELD: ClassVar[str | None] = "customer_id"
    TYPE: ClassVar[str] = "customer.profile.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        "customer_id": "c-000451",
        "name": "Lin Example",
        "phone_numbers": [{"phone_number": "+12025550143", "kind": "mobile"}],
        "language": "zh-CN",
        "dialect": "yue",
        "birth_date": "1961-04-18",
        "time_zone": "Asia/Shanghai",
        "region": "CN-GD",
        "jurisdiction": "CN",
        "consent": {"service": {"granted": True, "at": "2024-03-01T09:00:00Z", "proof": "contract/P-2024-000451"}},
        "preferences": {"channel": "sms", "reminder_days_ahead": 7, "reminder_time": "09:00:00"},
        "agent_of_record": "agent-0077",
    }

    customer_id: CustomerId
    name: Annotated[str, Field(min_length=1, max_length=120)]
    phone_numbers: tuple[PhoneNumber, ...] = Field(max_length=10)
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?$")]
    dialect: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{2,35}$")] | None = None
    birth_date: Annotated[dt.date, Field(ge=dt.date(1900, 1, 1), lt=dt.date(2150, 1, 1))] | None = None
    time_zone: Annotated[str, Field(max_length=64), AfterValidator(_is_zone)]
    region: Region
    jurisdiction: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    consent: dict[Purpose, Consent] = Field(default_factory=dict)
    preferences: Preferences = Preferences()
    agent_of_record: Reference | None = None
