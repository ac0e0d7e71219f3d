"""What becomes of messages: they are queued, sent, delivered or not, and answered."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sandbox.book import Book
from sandbox.carrier import Carrier
from sandbox.customers import Customers, SmsBehaviour, nth
from sandbox.records import API_VERSION, MESSAGE_ENDS, Message, MessageStatus, new_sid
from sandbox.segments import count_segments
from sandbox.webhooks import Receipt, Webhooks

SENDING_SECONDS: Final = 0.5  # seconds of life; divided by the speed
DELIVERY_SECONDS: Final = 2.0
REPLY_SECONDS: Final = 5.0


@dataclass(frozen=True)
class MessageOrder:
    """A creation that passed all checks; exactly one of `from_` and `messaging_service_sid` may be empty."""

    to: str
    from_: str
    body: str
    messaging_service_sid: str | None = None
    status_callback: str | None = None
    send_at: datetime | None = None


class Messaging:
    """Accepts messages and lives their lives.

    Args:
        carrier: where messages are kept.
        customers: who gets them.
        book: where everything is noted first.
        webhooks: tells applications.
        speed: how many times faster than life.
        inbound_url: where replies are posted, if anywhere.
    """

    def __init__(
        self,
        *,
        carrier: Carrier,
        customers: Customers,
        book: Book,
        webhooks: Webhooks,
        speed: float,
        inbound_url: str | None,
    ) -> None:
        self._carrier = carrier
        self._customers = customers
        self._book = book
        self._webhooks = webhooks
        self._speed = speed
        self._inbound_url = inbound_url
        self._under_way: set[str] = set()

    @property
    def under_way(self) -> int:
        """How many messages have no final status, or are still to be answered."""
        return len(self._under_way)

    def accept(self, order: MessageOrder, *, lied: bool) -> Message:
        """Notes the message in the book and sets it on its way.

        Args:
            order: what was asked.
            lied: the asker will not get the answer; only noted.
        """
        status = MessageStatus.QUEUED if order.from_ else MessageStatus.ACCEPTED
        status = MessageStatus.SCHEDULED if order.send_at else status
        message = Message(
            sid=new_sid("SM"),
            account_sid=self._carrier.account_sid,
            to=order.to,
            from_=order.from_,
            body=order.body,
            status=status,
            created=datetime.now(UTC),
            segments=count_segments(order.body),
            messaging_service_sid=order.messaging_service_sid,
            status_callback=order.status_callback,
            send_at=order.send_at,
            reported=status,
        )
        self._write("message", message, lied=lied)
        self._carrier.messages.add(message)
        self._carrier.count_message(message)
        self._start(message, self._behaviour(message))
        return message

    def receive(self, *, customer: str, sender: str, body: str) -> Message:
        """A customer writes to a sender: the application is told, once and signed."""
        message = Message(
            sid=new_sid("SM"),
            account_sid=self._carrier.account_sid,
            to=sender,
            from_=customer,
            body=body,
            status=MessageStatus.RECEIVED,
            created=datetime.now(UTC),
            direction="inbound",
            segments=count_segments(body),
        )
        self._write("inbound", message, lied=False)
        self._carrier.messages.add(message)
        self._carrier.heed_words(customer, sender, body)
        if self._inbound_url:
            self._webhooks.report(_inbound_receipt(message, self._inbound_url))
        return message

    def cancel(self, message: Message) -> None:
        """Cancels a scheduled message."""
        self._become(message, MessageStatus.CANCELED)

    def redact(self, message: Message) -> None:
        """Forgets the text; the book keeps what was asked."""
        message.body = ""
        self._book.write("message_changed", sid=message.sid, to=message.to, change="redacted")

    def delete(self, message: Message) -> None:
        """Forgets the message; the book keeps what was asked."""
        self._book.write("message_changed", sid=message.sid, to=message.to, change="deleted")
        self._carrier.messages.remove(message.sid)

    def resume(self) -> None:
        """After a restart: goes on with what was under way and tells again what was not told."""
        for message in self._carrier.messages:
            if message.status_callback and message.reported != message.status:
                self._tell(message)
            if message.status is MessageStatus.SENT:
                self._under_way.add(message.sid)
                self._after(DELIVERY_SECONDS, self._arrive, message, self._behaviour(message))
            elif message.status not in MESSAGE_ENDS:
                self._start(message, self._behaviour(message))

    def _behaviour(self, message: Message) -> SmsBehaviour:
        return nth(self._customers.who(message.to).sms, self._carrier.messages.earlier(message))

    def _start(self, message: Message, behaviour: SmsBehaviour) -> None:
        self._under_way.add(message.sid)
        if message.send_at is None:
            self._after(SENDING_SECONDS, self._send, message, behaviour)
            return
        wait_seconds = max(0.0, (message.send_at - datetime.now(UTC)).total_seconds())
        asyncio.get_running_loop().call_later(wait_seconds, self._send, message, behaviour)

    def _after(
        self, seconds: float, step: Callable[[Message, SmsBehaviour], None], message: Message, behaviour: SmsBehaviour
    ) -> None:
        asyncio.get_running_loop().call_later(seconds / self._speed, step, message, behaviour)

    def _send(self, message: Message, behaviour: SmsBehaviour) -> None:
        if message.status in MESSAGE_ENDS:
            return
        if behaviour.outcome == "failed":
            self._become(message, MessageStatus.FAILED, behaviour.error_code)
            return
        self._become(message, MessageStatus.SENT)
        self._after(DELIVERY_SECONDS, self._arrive, message, behaviour)

    def _arrive(self, message: Message, behaviour: SmsBehaviour) -> None:
        if behaviour.outcome == "undelivered":
            self._become(message, MessageStatus.UNDELIVERED, behaviour.error_code)
            return
        self._become(message, MessageStatus.DELIVERED)
        if behaviour.reply:
            self._under_way.add(message.sid)
            self._after(REPLY_SECONDS, self._reply, message, behaviour)

    def _reply(self, message: Message, behaviour: SmsBehaviour) -> None:
        self._under_way.discard(message.sid)
        self.receive(customer=message.to, sender=message.from_, body=behaviour.reply or "")

    def _become(self, message: Message, status: MessageStatus, error_code: int | None = None) -> None:
        at = self._book.write("message_status", sid=message.sid, to=message.to, status=status, error_code=error_code)
        message.status = status
        message.updated = at
        message.error_code = error_code
        if status is MessageStatus.SENT:
            message.sent = at
        if status in MESSAGE_ENDS:
            self._under_way.discard(message.sid)
        if message.status_callback:
            self._tell(message)

    def _tell(self, message: Message) -> None:
        params = {
            "AccountSid": message.account_sid,
            "ApiVersion": API_VERSION,
            "From": message.from_,
            "MessageSid": message.sid,
            "MessageStatus": str(message.status),
            "SmsSid": message.sid,
            "SmsStatus": str(message.status),
            "To": message.to,
        }
        if message.error_code:
            params["ErrorCode"] = str(message.error_code)
        if message.messaging_service_sid:
            params["MessagingServiceSid"] = message.messaging_service_sid
        url = message.status_callback or ""
        self._webhooks.report(Receipt(message.sid, message.to, message.status, url, params))

    def _write(self, kind: str, message: Message, *, lied: bool) -> None:
        message.created = self._book.write(
            kind,
            sid=message.sid,
            to=message.to,
            **{"from": message.from_},
            body=message.body,
            status=message.status,
            direction=message.direction,
            segments=message.segments,
            messaging_service_sid=message.messaging_service_sid,
            status_callback=message.status_callback,
            send_at=message.send_at,
            lied=lied,
        )


def _inbound_receipt(message: Message, url: str) -> Receipt:
    params = {
        "AccountSid": message.account_sid,
        "ApiVersion": API_VERSION,
        "Body": message.body,
        "From": message.from_,
        "MessageSid": message.sid,
        "NumMedia": "0",
        "NumSegments": str(message.segments),
        "SmsMessageSid": message.sid,
        "SmsSid": message.sid,
        "SmsStatus": "received",
        "To": message.to,
    }
    return Receipt(message.sid, message.from_, "received", url, params)
