"""Every way to refuse an event, in words: field, reason and remedy; values are never repeated, they may be personal."""

from collections.abc import Mapping
from datetime import timedelta
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from pydantic import ValidationError

from common.errors import InvalidEvent
from common.events.model import Fact


def too_large(size: int, limit: int) -> InvalidEvent:
    """More bytes than an event may have."""
    return InvalidEvent(
        "too_large",
        reason=f"the event has {size} bytes, {limit} are allowed",
        remedy="publish the fact only; put documents elsewhere and refer to them",
    )


def not_json(value: bytes) -> InvalidEvent:
    """The value cannot be parsed; told apart: bytes that are no UTF-8, and text that is no JSON."""
    try:
        value.decode()
    except UnicodeDecodeError:
        return InvalidEvent("not_utf8", reason="the value is not valid UTF-8", remedy="encode the JSON text as UTF-8")
    return InvalidEvent(
        "not_json", reason="the value is not valid JSON", remedy="publish a CloudEvents 1.0 JSON object"
    )


def not_object(what: str) -> InvalidEvent:
    """JSON, but no object."""
    return InvalidEvent(
        "not_object", reason=f"the {what} is JSON but not an object", remedy="publish one JSON object for each record"
    )


def batch() -> InvalidEvent:
    """A CloudEvents batch."""
    return InvalidEvent("batch", reason="CloudEvents batches are not read", remedy="publish one event for each record")


def header_not_utf8() -> InvalidEvent:
    """A `ce_` header with bytes that are no UTF-8."""
    return InvalidEvent("not_utf8", reason="a ce_ header is not valid UTF-8", remedy="encode attributes as UTF-8")


def wrong_content_type() -> InvalidEvent:
    """Binary mode with content that is no JSON by its own word."""
    return InvalidEvent(
        "wrong_content_type",
        field="datacontenttype",
        reason="the content type of the data is not application/json",
        remedy="publish the data as application/json",
    )


def wrong_specversion() -> InvalidEvent:
    """No CloudEvents 1.0."""
    return InvalidEvent(
        "wrong_specversion",
        field="specversion",
        reason="the attribute is missing or is not 1.0",
        remedy='wrap the fact in a CloudEvents envelope with "specversion": "1.0"',
    )


def missing_attribute(name: str) -> InvalidEvent:
    """A required attribute is absent or empty."""
    return InvalidEvent(
        "missing_attribute", field=name, reason="the attribute is missing or empty", remedy=f"set the attribute {name}"
    )


def attribute_is_no_text(name: str) -> InvalidEvent:
    """An attribute of another JSON type."""
    return InvalidEvent(
        "wrong_attribute", field=name, reason="the attribute is not text", remedy=f"send {name} as a JSON string"
    )


def attribute_unreadable(name: str, limit: int) -> InvalidEvent:
    """An attribute too long or with control characters."""
    return InvalidEvent(
        "wrong_attribute",
        field=name,
        reason=f"the attribute is longer than {limit} characters or holds control characters",
        remedy=f"send {name} as short printable text",
    )


def wrong_id() -> InvalidEvent:
    """An id that other events could not repeat as a reference."""
    return InvalidEvent(
        "wrong_id",
        field="id",
        reason="the id is longer than 128 characters or holds others than letters, digits and _ . / : + # -",
        remedy="use for example a UUID",
    )


def too_deep() -> InvalidEvent:
    """JSON nested beyond any sense."""
    return InvalidEvent(
        "too_deep", field="data", reason="data is nested too deeply", remedy="send the fields of the type only"
    )


def missing_key() -> InvalidEvent:
    """A record without a key has no customer and no partition of its own."""
    return InvalidEvent(
        "missing_key", field="key", reason="the record has no key", remedy="use the customer id as the Kafka key"
    )


def wrong_key() -> InvalidEvent:
    """The key is no customer id."""
    return InvalidEvent(
        "wrong_key",
        field="key",
        reason="the key is not a customer id: 1 to 64 letters, digits, underscores or hyphens",
        remedy="use the pseudonymous customer id as the Kafka key",
    )


def key_is_not_subject() -> InvalidEvent:
    """Key and subject name different customers."""
    return InvalidEvent(
        "key_is_not_subject",
        field="subject",
        reason="the subject differs from the record's key",
        remedy="set both the Kafka key and the subject to the customer id",
    )


def content_of_another(key_field: str) -> InvalidEvent:
    """The content names another customer or region than the record's key."""
    return InvalidEvent(
        "key_is_not_content",
        field=f"data.{key_field}",
        reason="the field differs from the record's key",
        remedy=f"set the Kafka key, the subject and data.{key_field} to the same id",
    )


def wrong_time() -> InvalidEvent:
    """The event's time cannot be read."""
    return InvalidEvent(
        "wrong_time",
        field="time",
        reason="the time is not an RFC 3339 timestamp with an offset",
        remedy="send for example 2026-11-20T02:15:00Z",
    )


def time_in_future(limit: timedelta) -> InvalidEvent:
    """The event claims to be later than its arrival."""
    return InvalidEvent(
        "time_in_future",
        field="time",
        reason=f"the time lies more than {limit.total_seconds() / 60:.0f} minutes after the record reached Kafka",
        remedy="send the moment at which the fact happened, and check the producer's clock and zone",
    )


def time_too_old(limit: timedelta) -> InvalidEvent:
    """The event is too old to act upon."""
    return InvalidEvent(
        "time_too_old",
        field="time",
        reason=f"the time lies more than {limit.days} days before the record reached Kafka",
        remedy="do not publish history here: nobody should be told of it now",
    )


def unexpected_tombstone() -> InvalidEvent:
    """A null value where it means nothing."""
    return InvalidEvent(
        "no_value", reason="the record has no value", remedy="publish the event as the value; only profiles are erased"
    )


def data_is_no_object() -> InvalidEvent:
    """No content, or content of another kind."""
    return InvalidEvent(
        "missing_field", field="data", reason="data is missing or is not an object", remedy="send the fact under data"
    )


def unknown_type(
    event_type: str, topic: str, known_here: Mapping[str, type[Fact]], known: Mapping[str, type[Fact]]
) -> InvalidEvent:
    """The type is none of this topic's: another version, another topic, or a typing mistake."""
    if event_type in known:
        return InvalidEvent(
            "wrong_topic",
            field="type",
            reason=f"{topic} does not carry this type",
            remedy="publish it on its own topic",
        )
    fact = event_type.rpartition(".v")[0]
    versions = [name for name in known_here if name.rpartition(".v")[0] == fact]
    if versions:
        return InvalidEvent(
            "unknown_version",
            field="type",
            reason="this version of the type is not known",
            remedy="publish " + " or ".join(versions),
        )
    close = get_close_matches(event_type[:80], known_here, n=1)
    remedy = f"did you mean {close[0]}?" if close else "see schemas/ for the types of each topic"
    return InvalidEvent("unknown_type", field="type", reason=f"no type of {topic} has this name", remedy=remedy)


def wrong_content(error: ValidationError, model: type[Fact]) -> InvalidEvent:
    """The first thing that is wrong with the data; the message comes from the model, never from the value."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    field = ".".join(("data", *(_safe(part, model) for part in first["loc"])))
    if first["type"] == "missing":
        return InvalidEvent(
            "missing_field",
            field=field,
            reason="the field is missing",
            remedy=f"send it as in the example of {model.TYPE}",
        )
    reason = first["msg"].removeprefix("Value error, ")
    return InvalidEvent(
        "wrong_field", field=field, reason=reason, remedy=f"correct it; schemas/ has an example of {model.TYPE}"
    )


def _safe(part: int | str, model: type[Fact]) -> str:
    # A key of a mapping is the sender's word and could be anything, so only our own field names are repeated.
    return str(part) if isinstance(part, int) or part in _field_names(model) else "*"


@lru_cache(maxsize=256)
def _field_names(model: type[Fact]) -> frozenset[str]:
    names: set[str] = set()

    def collect(schema: Any) -> None:
        if isinstance(schema, dict):
            names.update(schema.get("properties", {}))
            for part in schema.values():
                collect(part)
        elif isinstance(schema, list):
            for part in schema:
                collect(part)

    collect(model.model_json_schema())
    return frozenset(names)
