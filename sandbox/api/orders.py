"""Checks what is asked of the carrier, in the order and with the codes of the real one."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from sandbox.api.errors import ApiError
from sandbox.calling import CallOrder
from sandbox.carrier import Carrier
from sandbox.customers import Customers, nth
from sandbox.messaging import MessageOrder

Form = Mapping[str, str]
MAX_BODY_CHARACTERS: Final = 1600
MAX_RING_SECONDS: Final = 600
SCHEDULE_AT_LEAST: Final = timedelta(seconds=300)
SCHEDULE_AT_MOST: Final = timedelta(days=35)
CALL_EVENTS: Final = frozenset({"initiated", "ringing", "answered", "completed"})
E164 = re.compile(r"\+[1-9]\d{6,14}")
SENDER = re.compile(r"\+?[1-9]\d{2,14}|(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}")

# The carrier's own magic numbers (https://www.twilio.com/docs/iam/test-credentials).
MAGIC_TO_OF_MESSAGES: Final = {
    "+15005550001": 21211,
    "+15005550002": 21612,
    "+15005550003": 21408,
    "+15005550004": 21610,
    "+15005550009": 21614,
}
MAGIC_FROM_OF_MESSAGES: Final = {"+15005550001": 21212, "+15005550007": 21606, "+15005550008": 21611}
MAGIC_TO_OF_CALLS: Final = {"+15005550001": 21211}
MAGIC_FROM_OF_CALLS: Final = {"+15005550001": 21212}


def read_message_order(form: Form, carrier: Carrier, customers: Customers) -> MessageOrder:
    """The message that is asked for.

    Raises:
        ApiError: it is refused.
    """
    to, sender, service = form.get("To", ""), form.get("From", ""), form.get("MessagingServiceSid") or None
    if not to:
        raise ApiError(21604)
    if not sender and service is None:
        raise ApiError(21603)
    _check_body(form.get("Body", ""))
    _check_message_numbers(to, sender)
    callback = form.get("StatusCallback") or None
    if callback is not None and not is_web_address(callback):
        raise ApiError(21609, callback)
    if (to, sender) in carrier.opted_out:
        raise ApiError(21610)
    refuse = nth(customers.who(to).sms, carrier.messages.count_to(to)).refuse
    if refuse is not None:
        raise ApiError(refuse, to)
    return MessageOrder(to, sender, form.get("Body", ""), service, callback, _send_at(form, service))


def read_call_order(form: Form, repeated: Mapping[str, list[str]], carrier: Carrier, customers: Customers) -> CallOrder:
    """The call that is asked for.

    Args:
        form: each field once.
        repeated: each field with all its values; StatusCallbackEvent may come several times.
        carrier: knows earlier calls.
        customers: some are refused.

    Raises:
        ApiError: it is refused.
    """
    to, caller = form.get("To", ""), form.get("From", "")
    if not to:
        raise ApiError(21201)
    if not caller:
        raise ApiError(21213)
    _check_call_numbers(to, caller)
    if "Twiml" not in form and not is_web_address(form.get("Url", "")):
        raise ApiError(21205, form.get("Url", ""))
    if form.get("StatusCallback") and not is_web_address(form["StatusCallback"]):
        raise ApiError(21609, form["StatusCallback"])
    if not form.get("Timeout", "60").isdigit() or int(form.get("Timeout", "60")) > MAX_RING_SECONDS:
        raise ApiError(20001, "Timeout")
    refuse = nth(customers.who(to).voice, carrier.calls.count_to(to)).refuse
    if refuse is not None:
        raise ApiError(refuse, to)
    return CallOrder(to, caller, dict(form), _events(repeated))


def is_web_address(url: str) -> bool:
    """True for an absolute http(s) URL whose host has no underscore, which the carrier refuses."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    host = parts.hostname or ""
    return parts.scheme in {"http", "https"} and bool(host) and "_" not in host


def _check_body(body: str) -> None:
    if not body:
        raise ApiError(21602)
    if len(body) > MAX_BODY_CHARACTERS:
        raise ApiError(21617)


def _check_message_numbers(to: str, sender: str) -> None:
    if (code := MAGIC_TO_OF_MESSAGES.get(to)) is not None or not E164.fullmatch(to):
        raise ApiError(code or 21211, to)
    if not sender:
        return
    if (code := MAGIC_FROM_OF_MESSAGES.get(sender)) is not None or not SENDER.fullmatch(sender):
        raise ApiError(code or 21212, sender)
    if sender == to:
        raise ApiError(21266, to)


def _check_call_numbers(to: str, caller: str) -> None:
    if (code := MAGIC_TO_OF_CALLS.get(to)) is not None or not E164.fullmatch(to):
        raise ApiError(code or 21211, to)
    if (code := MAGIC_FROM_OF_CALLS.get(caller)) is not None or not E164.fullmatch(caller):
        raise ApiError(code or 21212, caller)


def _send_at(form: Form, service: str | None) -> datetime | None:
    if "ScheduleType" not in form and "SendAt" not in form:
        return None
    if form.get("ScheduleType") != "fixed":
        raise ApiError(35126)
    if service is None:
        raise ApiError(35118)
    try:
        moment = datetime.fromisoformat(form.get("SendAt", ""))
    except ValueError as error:
        raise ApiError(35114) from error
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if not SCHEDULE_AT_LEAST <= moment - datetime.now(UTC) <= SCHEDULE_AT_MOST:
        raise ApiError(35117)
    return moment.astimezone(UTC)


def _events(repeated: Mapping[str, list[str]]) -> tuple[str, ...]:
    asked = [event for value in repeated.get("StatusCallbackEvent", []) for event in value.split()]
    if not set(asked) <= CALL_EVENTS:
        raise ApiError(20001, "StatusCallbackEvent")
    return tuple(asked) or ("completed",)
