"""What the carrier knows of a message and of a call, and how it tells it (API version 2010-04-01)."""

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from enum import StrEnum
from typing import Final

API_VERSION: Final = "2010-04-01"


class MessageStatus(StrEnum):
    """States of a message, as the carrier spells them."""

    ACCEPTED = "accepted"
    SCHEDULED = "scheduled"
    QUEUED = "queued"
    SENT = "sent"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    CANCELED = "canceled"
    RECEIVED = "received"


MESSAGE_ENDS: Final = frozenset(
    {
        MessageStatus.DELIVERED,
        MessageStatus.UNDELIVERED,
        MessageStatus.FAILED,
        MessageStatus.CANCELED,
        MessageStatus.RECEIVED,
    }
)


class CallStatus(StrEnum):
    """States of a call, as the carrier spells them."""

    QUEUED = "queued"
    RINGING = "ringing"
    IN_PROGRESS = "in-progress"
    COMPLETED = "completed"
    BUSY = "busy"
    FAILED = "failed"
    NO_ANSWER = "no-answer"
    CANCELED = "canceled"


CALL_ENDS: Final = frozenset(
    {
        CallStatus.COMPLETED,
        CallStatus.BUSY,
        CallStatus.FAILED,
        CallStatus.NO_ANSWER,
        CallStatus.CANCELED,
    }
)


def new_sid(prefix: str) -> str:
    """A fresh identifier, e.g. `SM` and 32 hexadecimal digits."""
    return prefix + uuid.uuid4().hex


@dataclass(slots=True)
class Message:
    """One SMS, in either direction."""

    sid: str
    account_sid: str
    to: str
    from_: str
    body: str
    status: MessageStatus
    created: datetime
    direction: str = "outbound-api"
    segments: int = 1
    messaging_service_sid: str | None = None
    status_callback: str | None = None
    send_at: datetime | None = None
    sent: datetime | None = None
    updated: datetime | None = None
    error_code: int | None = None
    reported: str = ""  # the last status that was told to the status callback
    ordinal: int = 0

    @property
    def listed_at(self) -> datetime:
        """The moment that list filters look at: when it was sent, or else when it was created."""
        return self.sent or self.created

    @property
    def path(self) -> str:
        """The address of the resource, without its `.json`."""
        return f"/{API_VERSION}/Accounts/{self.account_sid}/Messages/{self.sid}"

    def as_json(self) -> dict[str, object]:
        """The resource as the API shows it."""
        return {
            "account_sid": self.account_sid,
            "api_version": API_VERSION,
            "body": self.body,
            "date_created": rfc2822(self.created),
            "date_sent": rfc2822(self.sent),
            "date_updated": rfc2822(self.updated or self.created),
            "direction": self.direction,
            "error_code": self.error_code,
            "error_message": ERROR_MESSAGES.get(self.error_code) if self.error_code else None,
            "from": self.from_ or None,
            "messaging_service_sid": self.messaging_service_sid,
            "num_media": "0",
            "num_segments": str(self.segments),
            "price": None,
            "price_unit": "USD",
            "sid": self.sid,
            "status": self.status,
            "subresource_uris": {"media": f"{self.path}/Media.json"},
            "to": self.to,
            "uri": f"{self.path}.json",
        }


@dataclass(slots=True)
class Call:
    """One leg of a phone call."""

    sid: str
    account_sid: str
    to: str
    from_: str
    created: datetime
    status: CallStatus = CallStatus.QUEUED
    direction: str = "outbound-api"
    parent_call_sid: str | None = None
    params: dict[str, str] = field(
        default_factory=dict
    )  # as asked at creation: Url, Twiml, StatusCallback, Timeout ...
    events: tuple[str, ...] = ("completed",)
    started: datetime | None = None  # when it was answered
    ended: datetime | None = None
    updated: datetime | None = None
    answered_by: str | None = None
    reported: str = ""
    ordinal: int = 0

    @property
    def listed_at(self) -> datetime:
        """The moment that list filters look at: when it started, or else when it was created."""
        return self.started or self.created

    @property
    def path(self) -> str:
        """The address of the resource, without its `.json`."""
        return f"/{API_VERSION}/Accounts/{self.account_sid}/Calls/{self.sid}"

    @property
    def duration_seconds(self) -> int:
        """Whole seconds from answer to end; 0 for a call nobody answered."""
        if self.started is None or self.ended is None:
            return 0
        return round((self.ended - self.started).total_seconds())

    def as_json(self) -> dict[str, object]:
        """The resource as the API shows it."""
        over = self.status in CALL_ENDS
        return {
            "account_sid": self.account_sid,
            "annotation": None,
            "answered_by": self.answered_by,
            "api_version": API_VERSION,
            "caller_name": None,
            "date_created": rfc2822(self.created),
            "date_updated": rfc2822(self.updated or self.created),
            "direction": self.direction,
            "duration": str(self.duration_seconds) if over else None,
            "end_time": rfc2822(self.ended),
            "forwarded_from": None,
            "from": self.from_,
            "from_formatted": self.from_,
            "group_sid": None,
            "parent_call_sid": self.parent_call_sid,
            "phone_number_sid": None,
            "price": None,
            "price_unit": "USD",
            "queue_time": "0",
            "sid": self.sid,
            "start_time": rfc2822(self.started or self.ended),
            "status": self.status,
            "subresource_uris": {"recordings": f"{self.path}/Recordings.json"},
            "to": self.to,
            "to_formatted": self.to,
            "trunk_sid": None,
            "uri": f"{self.path}.json",
        }


ERROR_MESSAGES: Final = {
    30003: "Unreachable destination handset",
    30004: "Message blocked",
    30005: "Unknown destination handset",
    30006: "Landline or unreachable carrier",
    30007: "Message filtered",
    30008: "Unknown error",
}


def rfc2822(moment: datetime | None) -> str | None:
    """The date as the API writes it, e.g. `Thu, 24 Aug 2023 05:01:45 +0000`."""
    return None if moment is None else format_datetime(moment.astimezone(UTC))
