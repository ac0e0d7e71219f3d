"""What the carrier holds in memory, and how it is rebuilt from the book."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sandbox.records import Call, CallStatus, Message, MessageStatus
from sandbox.shelf import Shelf

OPT_OUT_WORDS: Final = frozenset(
    {"STOP", "STOPALL", "UNSUBSCRIBE", "END", "QUIT", "REVOKE", "OPTOUT", "CANCEL"}  # twilio.com: advanced opt-out
)
OPT_IN_WORDS: Final = frozenset({"START", "YES", "UNSTOP"})


@dataclass
class Carrier:
    """Messages, calls, who unsubscribed from whom, and how often the same thing was asked for."""

    account_sid: str
    messages: Shelf[Message] = field(default_factory=Shelf[Message])
    calls: Shelf[Call] = field(default_factory=Shelf[Call])
    opted_out: set[tuple[str, str]] = field(default_factory=set)  # (customer, sender)
    asked_messages: Counter[int] = field(default_factory=Counter)  # hash of (to, body): texts are long
    asked_calls: Counter[int] = field(default_factory=Counter)  # hash of (to, url)

    def count_message(self, message: Message) -> None:
        """Notes that a message was asked for."""
        self.asked_messages[hash((message.to, message.body))] += 1

    def count_call(self, call: Call) -> None:
        """Notes that a call was asked for; the same number and address again is a double."""
        self.asked_calls[hash((call.to, call.params.get("Url") or call.params.get("Twiml")))] += 1

    def heed_words(self, customer: str, sender: str, body: str) -> None:
        """Unsubscribes or subscribes the customer when the whole text is one of the known words."""
        word = body.strip().upper()
        if word in OPT_OUT_WORDS:
            self.opted_out.add((customer, sender))
        elif word in OPT_IN_WORDS:
            self.opted_out.discard((customer, sender))


Entry = Mapping[str, object]


def replay(carrier: Carrier, entry: Entry) -> None:
    """Brings the carrier to where it was after writing this entry; kinds that change nothing are passed over."""
    apply = _REPLAYS.get(str(entry["kind"]))
    if apply is not None:
        apply(carrier, entry)


def _moment(entry: Entry, name: str = "at") -> datetime:
    return datetime.fromisoformat(str(entry[name]))


def _text_or_none(entry: Entry, name: str) -> str | None:
    value = entry.get(name)
    return None if value is None else str(value)


def _message(carrier: Carrier, entry: Entry) -> None:
    send_at = _text_or_none(entry, "send_at")
    message = Message(
        sid=str(entry["sid"]),
        account_sid=carrier.account_sid,
        to=str(entry["to"]),
        from_=str(entry["from"]),
        body=str(entry["body"]),
        status=MessageStatus(str(entry["status"])),
        created=_moment(entry),
        direction=str(entry["direction"]),
        segments=int(str(entry["segments"])),
        messaging_service_sid=_text_or_none(entry, "messaging_service_sid"),
        status_callback=_text_or_none(entry, "status_callback"),
        send_at=datetime.fromisoformat(send_at) if send_at else None,
        reported=str(entry["status"]),
    )
    carrier.messages.add(message)
    if message.direction == "inbound":
        carrier.heed_words(message.from_, message.to, message.body)
    else:
        carrier.count_message(message)


def _message_status(carrier: Carrier, entry: Entry) -> None:
    message = carrier.messages.get(str(entry["sid"]))
    if message is None:
        return
    message.status = MessageStatus(str(entry["status"]))
    message.updated = _moment(entry)
    if message.status is MessageStatus.SENT:
        message.sent = message.updated
    if entry.get("error_code"):
        message.error_code = int(str(entry["error_code"]))


def _message_changed(carrier: Carrier, entry: Entry) -> None:
    message = carrier.messages.get(str(entry["sid"]))
    if message is not None and entry["change"] == "redacted":
        message.body = ""
    if message is not None and entry["change"] == "deleted":
        carrier.messages.remove(message.sid)


def _call(carrier: Carrier, entry: Entry) -> None:
    params = entry["params"]
    assert isinstance(params, dict)
    events = entry["events"]
    assert isinstance(events, list)
    parent = _text_or_none(entry, "parent_call_sid")
    call = Call(
        sid=str(entry["sid"]),
        account_sid=carrier.account_sid,
        to=str(entry["to"]),
        from_=str(entry["from"]),
        created=_moment(entry),
        direction="outbound-dial" if parent else "outbound-api",
        parent_call_sid=parent,
        params={str(name): str(value) for name, value in params.items()},
        events=tuple(str(event) for event in events),
    )
    carrier.calls.add(call)
    if parent is None:
        carrier.count_call(call)


def _call_status(carrier: Carrier, entry: Entry) -> None:
    call = carrier.calls.get(str(entry["sid"]))
    if call is None:
        return
    call.status = CallStatus(str(entry["status"]))
    call.updated = _moment(entry)
    call.answered_by = _text_or_none(entry, "answered_by") or call.answered_by
    if call.status is CallStatus.IN_PROGRESS:
        call.started = call.started or call.updated
    elif call.status is not CallStatus.RINGING:
        call.ended = call.updated


def _webhook(carrier: Carrier, entry: Entry) -> None:
    event = str(entry["event"])
    message = carrier.messages.get(str(entry["sid"]))
    if message is not None:
        message.reported = event
    call = carrier.calls.get(str(entry["sid"]))
    if call is not None and event == "completed":
        call.reported = event


_REPLAYS: Final[dict[str, Callable[[Carrier, Entry], None]]] = {
    "message": _message,
    "inbound": _message,
    "message_status": _message_status,
    "message_changed": _message_changed,
    "call": _call,
    "leg": _call,
    "call_status": _call_status,
    "webhook": _webhook,
}
