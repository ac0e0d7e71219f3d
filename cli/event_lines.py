"""One line of input to one record: a CloudEvent or the shorthand, checked by the codec that the services use."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from cli.kafka_records import NewRecord
from common.errors import InvalidEvent
from common.events import refusals
from common.events.codec import STRUCTURED_TYPE, decode
from common.events.profiles import CustomerProfile
from common.events.registry import LEDGER_MODELS, MODELS, topic_of
from common.events.topics import TOPICS, partition_for

SHORTHAND_FIELDS = {"type", "customer_id", "data", "id", "time"}
SHORTHAND_SOURCE = "/nineconnect/cli"

_PUBLISHABLE = {name: model for name, model in MODELS.items() if name not in LEDGER_MODELS}


def record_of(line: bytes, now: datetime) -> NewRecord:
    """The record that this line asks for.

    Args:
        line: a CloudEvents 1.0 object with a subject, or `{"type": …, "customer_id": …, "data": {…}}` with optional
            `id` and `time`; `"data": null` of a profile erases the customer.
        now: fills the shorthand's time, and is what an event's age counts from.

    Raises:
        InvalidEvent: field, reason and remedy; values are not repeated.
    """
    parsed = _object(line)
    event_type = _type_of(parsed)
    if "specversion" in parsed:
        return _checked(event_type, _text(parsed, "subject"), line, now)
    _refuse_unknown(parsed)
    customer_id = _text(parsed, "customer_id")
    if event_type == CustomerProfile.TYPE and parsed.get("data", {}) is None:
        return _checked(event_type, customer_id, None, now)
    event = {
        "specversion": "1.0",
        "id": parsed.get("id", str(uuid.uuid4())),
        "source": SHORTHAND_SOURCE,
        "type": event_type,
        "subject": customer_id,
        "time": parsed.get("time", now.isoformat()),
        "datacontenttype": "application/json",
        "data": parsed.get("data"),
    }
    return _checked(event_type, customer_id, orjson.dumps(event), now)


def _checked(event_type: str, customer_id: str, value: bytes | None, now: datetime) -> NewRecord:
    topic = TOPICS[topic_of(event_type)]
    key = customer_id.encode()
    decode(topic=topic.name, key=key, value=value, headers=[], recorded_at=now)
    return NewRecord(
        topic=topic.name,
        partition=partition_for(customer_id, topic.partitions),
        key=key,
        value=value,
        headers=[("content-type", STRUCTURED_TYPE)] if value is not None else [],
    )


def _object(line: bytes) -> Mapping[str, Any]:
    try:
        parsed = orjson.loads(line)
    except orjson.JSONDecodeError:
        raise refusals.not_json(line) from None
    if not isinstance(parsed, dict):
        raise refusals.not_object("line")
    return parsed


def _type_of(parsed: Mapping[str, Any]) -> str:
    event_type = _text(parsed, "type")
    if event_type in LEDGER_MODELS:
        raise InvalidEvent(
            "wrong_topic",
            field="type",
            reason="only the services write ledger events",
            remedy="publish facts and profiles; `nineconnect explain` reads the ledger",
        )
    if event_type not in _PUBLISHABLE:
        raise refusals.unknown_type(event_type, "policy-events.v1 and customer-profiles.v1", _PUBLISHABLE, _PUBLISHABLE)
    return event_type


def _refuse_unknown(parsed: Mapping[str, Any]) -> None:
    # Its own fields would be lost without a word; a misspelt "data" must not publish an empty fact.
    if not parsed.keys() <= SHORTHAND_FIELDS:
        raise InvalidEvent(
            "unknown_field",
            reason="the line has a field that the shorthand does not know and no specversion",
            remedy="use type, customer_id, data, id and time only, or send a whole CloudEvent",
        )


def _text(parsed: Mapping[str, Any], name: str) -> str:
    text = parsed.get(name)
    if text is None or text == "":
        raise refusals.missing_attribute(name)
    if not isinstance(text, str):
        raise refusals.attribute_is_no_text(name)
    return text
