"""Field types that several events share: ids, money, dates that make sense, and closed sets of values."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, Field, WithJsonSchema

EARLIEST_MOMENT = datetime(1990, 1, 1, tzinfo=UTC)
LATEST_MOMENT = datetime(2150, 1, 1, tzinfo=UTC)


def in_utc(moment: datetime) -> datetime:
    """The same moment in UTC; aware in, aware out."""
    return moment.astimezone(UTC)


CUSTOMER_ID_PATTERN = r"^[A-Za-z0-9_-]{1,64}$"
CUSTOMER_ID = re.compile(CUSTOMER_ID_PATTERN.removesuffix("$") + r"\Z")
"""The same for Python, where `$` would let a line end pass."""

CustomerId = Annotated[str, Field(pattern=CUSTOMER_ID_PATTERN)]
"""A pseudonymous key; also the Kafka key, so it decides partition and shard."""

Region = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,32}$")]
"""Where a customer lives or an emergency rules, such as an ISO 3166-2 code; also a Kafka key, for `emergency.*`."""

REFERENCE_PATTERN = r"^[A-Za-z0-9_./:+#-]{1,128}$"

Reference = Annotated[str, Field(pattern=REFERENCE_PATTERN)]
"""An opaque id of another system or of ours: policy, claim, task, call, attempt."""

Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,79}$")]
"""A short constant name: reason code, template, flow, scenario, queue."""

Names = Annotated[tuple[Name, ...], Field(min_length=1, max_length=50)]
"""Several constant names, such as the documents that are missing."""

Label = Annotated[str, Field(min_length=1, max_length=120)]
"""Words shown to the customer: a product's or bank's name."""

Sentence = Annotated[str, Field(min_length=1, max_length=500)]
"""Words for a person to read; on the ledger never personal data."""

Amount = Annotated[
    Decimal,
    Field(ge=0, max_digits=14, decimal_places=2),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": r"^[0-9]{1,12}(\.[0-9]{1,2})?$"}, {"type": "number"}]}),
]
"""Money in the currency's main unit; a string on the wire, so that no float rounds it."""

Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
"""ISO 4217."""

Moment = Annotated[AwareDatetime, Field(ge=EARLIEST_MOMENT, lt=LATEST_MOMENT), AfterValidator(in_utc)]
"""An aware moment, kept in UTC; years outside 1990-2149 are typing mistakes."""

Day = Annotated[date, Field(ge=EARLIEST_MOMENT.date(), lt=LATEST_MOMENT.date())]
"""A calendar day of a contract; years outside 1990-2149 are typing mistakes."""

MaskedNumber = Annotated[str, Field(pattern=r"^\+?[0-9]{0,3}\*+[0-9]{0,2}$")]
"""A phone number that `common.privacy.mask_number` has hidden; a whole number is refused."""


class Purpose(StrEnum):
    """Purpose class of an outreach: decides consent, quiet hours and caps."""

    SERVICE = "service"
    MARKETING = "marketing"
    STATUTORY = "statutory"
    EMERGENCY = "emergency"
    ONE_TIME_CODE = "one_time_code"


class Channel(StrEnum):
    """How a customer is reached."""

    SMS = "sms"
    VOICE = "voice"
    CALENDAR = "calendar"
    PAGE = "page"


class Priority(StrEnum):
    """Urgency of a task or call; `P0` goes first."""

    P0 = "P0"
    P1 = "P1"
    P2 = "P2"


class CallOutcome(StrEnum):
    """How a call ended, as the callback rules see it; `expired` = its window closed before it was dialled."""

    COMPLETED = "completed"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    MACHINE = "machine"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
