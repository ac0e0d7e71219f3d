"""Reading CloudEvents attributes: present, of the right kind, of a sane length."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from common.events import refusals
from common.events.vocabulary import CUSTOMER_ID, REFERENCE_PATTERN

MAX_ATTRIBUTE_CHARS = 256

_REFERENCE = re.compile(REFERENCE_PATTERN.removesuffix("$") + r"\Z")
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)\Z")


def required_text(attributes: Mapping[str, Any], name: str) -> str:
    """The attribute `name`, non-empty and at most 256 characters; raises `InvalidEvent`."""
    text = optional_text(attributes, name)
    if not text:
        raise refusals.missing_attribute(name)
    return text


def optional_text(attributes: Mapping[str, Any], name: str) -> str | None:
    """The attribute `name` or None; raises `InvalidEvent` when it is no text or too long."""
    text = attributes.get(name)
    if text is None:
        return None
    if not isinstance(text, str):
        raise refusals.attribute_is_no_text(name)
    if len(text) > MAX_ATTRIBUTE_CHARS or not text.isprintable():
        raise refusals.attribute_unreadable(name, MAX_ATTRIBUTE_CHARS)
    return text


def id_of(attributes: Mapping[str, Any]) -> str:
    """The attribute `id`, in the alphabet that every later reference to the event uses; raises `InvalidEvent`."""
    text = required_text(attributes, "id")
    if not _REFERENCE.match(text):
        raise refusals.wrong_id()
    return text


def customer_id_of(attributes: Mapping[str, Any], key: bytes | None) -> str:
    """The customer id: the record's key, which the subject, if there is one, must equal; raises `InvalidEvent`."""
    if not key:
        raise refusals.missing_key()
    try:
        customer_id = key.decode("ascii")
    except UnicodeDecodeError:
        raise refusals.wrong_key() from None
    if not CUSTOMER_ID.match(customer_id):
        raise refusals.wrong_key()
    if optional_text(attributes, "subject") not in {None, customer_id}:
        raise refusals.key_is_not_subject()
    return customer_id


def moment_of(attributes: Mapping[str, Any]) -> datetime:
    """The attribute `time` (RFC 3339), aware, in UTC; raises `InvalidEvent`."""
    text = required_text(attributes, "time")
    if not _RFC3339.match(text):
        raise refusals.wrong_time()
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise refusals.wrong_time() from None


def sequence_of(attributes: Mapping[str, Any]) -> int | None:
    """The `sequence` extension as a number, or None; a foreign producer's other notation counts as none."""
    text = attributes.get("sequence")
    if isinstance(text, str) and text.isascii() and text.isdigit() and len(text) <= 18:  # noqa: PLR2004 (fits 64 bits)
        return int(text)
    return None
