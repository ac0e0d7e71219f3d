"""What decisions order from the outside world, and what comes back."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from common.events.vocabulary import Priority
from common.kernel.decision import Effect


@dataclass(frozen=True, slots=True)
class ReserveSlot(Effect):
    """Ask the limiter for a place in the calls per second; answered by `SlotGranted` or `SlotDenied`."""

    priority: Priority


@dataclass(frozen=True, slots=True)
class DialCall(Effect):
    """Place the reserved attempt; answered by `Placed`."""

    phone_number: str
    ring: timedelta
    talk: timedelta


@dataclass(frozen=True, slots=True)
class FindCall(Effect):
    """Look for the attempt in the provider's list; answered by `Found` or `NotFound`.

    Attributes:
        since: the attempt cannot be older.
        asked_at: when the look-up began, at the earliest.
        known_sids: calls of the same number that are other attempts.
    """

    phone_number: str
    since: datetime
    asked_at: datetime
    known_sids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FetchCall(Effect):
    """Ask the provider for the state of a placed call; answered by `Found`."""

    provider_call_sid: str


@dataclass(frozen=True, slots=True)
class HangUpCall(Effect):
    """End a call that a machine answered; doing it twice does no harm, and its answer changes nothing."""

    provider_call_sid: str


@dataclass(frozen=True, slots=True)
class SlotGranted:
    """The call may be dialled at `at`, which may have come already."""

    at: datetime


@dataclass(frozen=True, slots=True)
class SlotDenied:
    """No slot soon enough; ask again at `ask_at`."""

    ask_at: datetime


class ProviderStatus(StrEnum):
    """What a provider says of a call, in our words; adapters translate."""

    QUEUED = "queued"
    RINGING = "ringing"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    FAILED = "failed"
    CANCELED = "canceled"


class Via(StrEnum):
    """Who told us about a call."""

    WEBHOOK = "webhook"
    LIST = "list"
    FETCH = "fetch"


@dataclass(frozen=True, slots=True)
class ProviderNews:
    """What a provider told of one of its calls.

    Attributes:
        machine: the provider's name of the machine or fax that answered; empty for a person or nothing known.
        error_code: why it failed, in the provider's numbers; empty for none.
    """

    provider_call_sid: str
    status: ProviderStatus
    duration: timedelta = timedelta(0)
    machine: str = ""
    error_code: str = ""


@dataclass(frozen=True, slots=True)
class Placed:
    """The provider took the call."""

    provider_call_sid: str


@dataclass(frozen=True, slots=True)
class Found:
    """The provider has the call."""

    news: ProviderNews


@dataclass(frozen=True, slots=True)
class NotFound:
    """The provider's list does not show the call."""
