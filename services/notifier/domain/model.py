"""What the notifier knows of one customer; every class is frozen and holds plain values only."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from common.kernel.attempts import Attempt
from common.kernel.attempts import clock as attempt_clock
from common.kernel.decision import Origin

MAX_HELD = 50
"""Facts kept for a customer whose profile has not arrived; more are dead-lettered, to be replayed afterwards."""

MAX_OPEN = 50
"""Messages waiting or under way; far above any honest use, a bound for runaway producers."""

MAX_ENDED = 20
"""Ended messages kept, so that a late receipt still finds its message."""

MAX_CLOSINGS = 20
"""Closing facts kept, because the fact they close may arrive after them."""

KEEP_CLOSINGS = timedelta(days=90)
"""Longer than a grace period of 60 days (domain.md 3.1)."""


class Status(StrEnum):
    """Where a message stands. Order of receipts: see `receipts`."""

    WAITING = "waiting"
    SENDING = "sending"
    ACCEPTED = "accepted"
    SENT = "sent"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    SUPPRESSED = "suppressed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


WITH_PROVIDER = frozenset({Status.ACCEPTED, Status.SENT})
ENDED = frozenset(Status) - {Status.WAITING, Status.SENDING} - WITH_PROVIDER


@dataclass(frozen=True)
class Profile:
    """The part of a customer's profile that messages need.

    Attributes:
        phone_number: first mobile number, None if there is none.
        consent: purpose → granted; a purpose that is missing was never asked about.
        told_at: when upstream said so; an older profile never replaces a newer one.
    """

    name: str
    phone_number: str | None
    language: str
    time_zone: str
    jurisdiction: str
    region: str
    told_at: datetime
    consent: dict[str, bool] = field(default_factory=dict)


@dataclass(frozen=True)
class Fact:
    """An event as rules see it; kept whole while it waits for the customer's profile.

    Attributes:
        data: its content as JSON values.
        happened_at: the event's own time.
        since: from when on it could be acted on.
        in_doubt: what it causes may have happened unrecorded.
    """

    type: str
    data: dict[str, Any]
    origin: Origin
    happened_at: datetime
    since: datetime
    in_doubt: bool = False


@dataclass(frozen=True)
class Closing:
    """A closing fact that came; it also closes older facts that come later."""

    type: str
    data: dict[str, Any]
    happened_at: datetime


@dataclass(frozen=True)
class Notification:
    """One message to the customer.

    Attributes:
        data: the fields of its fact that template and closing rules read.
        merge_value: facts with the same value join it while it waits.
        happened_at: the own time of its newest fact, or when that was recorded if its clock was ahead; a closing fact
            of that time or later makes the message pointless, and it cannot have been sent before.
        act_at: when it needs attention by itself: its send time, or the next look at its receipt.
        tries: how often the provider was asked; numbers the attempts, so that no two ever share an id.
        refusals: how many of the tries it certainly did not process; they do not count as attempts.
        to, text: what was handed to the provider, kept until its outcome is known to recognise it there.
        accepted_at: when the provider had it.
    """

    notification_id: str
    rule_id: str
    template_id: str
    purpose: str
    channel: str
    merge_value: str
    data: dict[str, Any]
    origin: Origin
    happened_at: datetime
    created_at: datetime
    expires_at: datetime
    act_at: datetime
    status: Status = Status.WAITING
    asked_by_customer: bool = False
    in_doubt: bool = False
    tries: int = 0
    refusals: int = 0
    receipt_checks: int = 0
    attempt: Attempt | None = None
    earlier_sids: tuple[str, ...] = ()
    to: str = ""
    text: str = ""
    accepted_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def clock(self) -> datetime | None:
        """When it needs attention by itself; None once it has ended."""
        if self.status is Status.SENDING and self.attempt is not None:
            return attempt_clock(self.attempt)
        return None if self.status in ENDED else self.act_at

    @property
    def sids(self) -> frozenset[str]:
        """Provider ids known to be its own."""
        current = self.attempt.provider_sid if self.attempt else None
        return frozenset(self.earlier_sids) | ({current} if current else frozenset())


@dataclass(frozen=True)
class NotifierState:
    """The customer's document.

    Attributes:
        erased_at: when the customer was to be erased; what was said or happened until then must not come back, even if
            lost writes make it arrive again.
    """

    customer_id: str
    profile: Profile | None = None
    erased_at: datetime | None = None
    notifications: dict[str, Notification] = field(default_factory=dict)
    held: tuple[Fact, ...] = ()
    closings: tuple[Closing, ...] = ()

    def erased_since(self, at: datetime) -> bool:
        """Whether the customer was erased then or later."""
        return self.erased_at is not None and at <= self.erased_at

    def having(self, notification: Notification) -> "NotifierState":
        """With this message, new or changed; ended ones beyond the bound are dropped, oldest first."""
        known = {**self.notifications, notification.notification_id: notification}
        ended = sorted(
            (item for item in known.values() if item.ended_at), key=lambda item: item.ended_at or item.act_at
        )
        dropped = {item.notification_id for item in ended[: max(len(ended) - MAX_ENDED, 0)]}
        return replace(self, notifications={key: item for key, item in known.items() if key not in dropped})

    @property
    def open(self) -> list[Notification]:
        """Messages that have not ended."""
        return [item for item in self.notifications.values() if item.status not in ENDED]


def clocks(state: NotifierState) -> dict[str, datetime]:
    """Every moment at which a message needs attention by itself."""
    return {key: at for key, item in state.notifications.items() if (at := item.clock) is not None}
