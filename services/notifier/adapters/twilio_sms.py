"""The `SmsGateway` on Twilio's Messaging API, by the official SDK."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from aiohttp import ClientSession
from twilio.rest import Client

from common.events.vocabulary import Channel
from common.observability.metrics import Metrics
from common.observability.provider_calls import provider_call
from common.twilio.http_client import open_session
from services.notifier.domain.effects import MessageSeen, NothingFound
from services.notifier.domain.receipts import Receipt

PROVIDER = "twilio"
LIST_LIMIT = 200
"""Messages to one number within the settle time; more than that would be a flood of its own."""

RECEIPTS = {
    "accepted": Receipt.QUEUED,
    "scheduled": Receipt.QUEUED,
    "queued": Receipt.QUEUED,
    "sending": Receipt.QUEUED,
    "sent": Receipt.SENT,
    "delivered": Receipt.DELIVERED,
    "read": Receipt.DELIVERED,
    "undelivered": Receipt.UNDELIVERED,
    "failed": Receipt.FAILED,
    "canceled": Receipt.FAILED,
}
"""Twilio's words → ours (https://www.twilio.com/docs/messaging/api/message-resource#message-status-values)."""


class TwilioSmsGateway:
    """See `SmsGateway`; each call is one HTTP request with the client's deadline."""

    def __init__(self, client: Client, sender_number: str, metrics: Metrics) -> None:
        self._messages: Any = client.messages
        self._client = client
        self._sender_number = sender_number
        self._metrics = metrics

    async def send(self, *, to: str, text: str, status_url: str) -> MessageSeen:
        """See `SmsGateway`."""
        with provider_call(self._metrics, PROVIDER, "send", sends_on=Channel.SMS):
            message = await self._messages.create_async(
                to=to, from_=self._sender_number, body=text, status_callback=status_url
            )
        return seen(message.sid, message.status, message.error_code)

    async def find(
        self, *, to: str, text: str, since: datetime, not_these: frozenset[str]
    ) -> MessageSeen | NothingFound:
        """See `SmsGateway`."""
        asked_at = datetime.now(UTC)
        # not filtered by date: Twilio's filter is the date of sending, which a message that waits has not got yet
        with provider_call(self._metrics, PROVIDER, "find"):
            listed = await self._messages.list_async(to=to, limit=LIST_LIMIT)
        same = [
            message
            for message in listed
            if message.body == text and message.sid not in not_these and (message.date_created or asked_at) >= since
        ]
        if not same:
            return NothingFound(asked_at)
        oldest = min(same, key=lambda message: message.date_created or asked_at)
        return seen(oldest.sid, oldest.status, oldest.error_code)

    async def fetch(self, provider_sid: str) -> MessageSeen:
        """See `SmsGateway`."""
        with provider_call(self._metrics, PROVIDER, "fetch"):
            message = await self._client.messages(provider_sid).fetch_async()
        return seen(message.sid, message.status, message.error_code)


def seen(sid: str, status: str, error_code: int | str | None) -> MessageSeen:
    """Twilio's words in ours; a status it may add one day counts as `queued`, which moves nothing."""
    receipt = RECEIPTS.get(status, Receipt.QUEUED)
    return MessageSeen(sid, receipt.value, str(error_code) if error_code else None)


def read_status(form: Mapping[str, str]) -> MessageSeen | None:
    """The form of a status webhook; None if it names no message or no status."""
    sid, status = form.get("MessageSid", ""), form.get("MessageStatus", "")
    return seen(sid, status, form.get("ErrorCode")) if sid and status else None


class TwilioSession:
    """The HTTP session behind the gateway, closed when the service stops."""

    def __init__(self) -> None:
        self.session: ClientSession = open_session()

    async def start(self) -> None:
        """Nothing: the session connects when it is used."""

    async def stop(self) -> None:
        """Closes all connections."""
        await self.session.close()
