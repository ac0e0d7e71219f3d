"""The last guard before a log line leaves: phone numbers and fields that must not be shown are masked, however deep."""

import re
from collections.abc import Iterable, Mapping

from pydantic import SecretStr

from common.privacy import mask_number

HIDDEN = "[hidden]"
TOO_DEEP = "[...]"
MAX_DEPTH = 6
COLLECTIONS = (Mapping, list, tuple, set, frozenset)

HIDDEN_FIELDS = frozenset(
    {"authorization", "auth_token", "body", "message_text", "password", "phone_number", "secret", "text", "token"}
)
"""Fields whose value is never of use to an operator and may be personal or secret."""

_PLUS = r"(?:\+|%2[Bb])"
_INTERNATIONAL = re.compile(_PLUS + r"\s?[1-9](?:[ .()/-]{0,2}\d){6,14}")
"""E.164 has up to 15 digits; people group them, and URLs write the plus as %2B."""

_CHINESE_MOBILE = re.compile(r"(?<![0-9A-Za-z])1[3-9]\d{9}(?![0-9A-Za-z])")
"""The only national form that can be told from ids and times by its look alone."""

_NOT_DIGIT = re.compile(r"\D")


def masked(value: object, depth: int = 0) -> object:
    """A copy of the value that is safe to log: numbers, booleans and None as they are, everything else masked."""
    if value is None or isinstance(value, (bool, float)):
        return value
    if isinstance(value, int):
        return HIDDEN if _CHINESE_MOBILE.fullmatch(str(value)) else value
    return _masked_collection(value, depth) if isinstance(value, COLLECTIONS) else _masked_scalar(value)


def masked_field(name: str, value: object) -> object:
    """The value of a log field, hidden whole when the field's name says that it must not be shown."""
    return _field(name, value, 0)


def masked_text(text: str) -> str:
    """The text with everything in it that looks like a phone number masked."""
    text = _INTERNATIONAL.sub(lambda found: mask_number("+" + _digits(found[0])), text)
    return _CHINESE_MOBILE.sub(lambda found: mask_number("+86" + found[0]), text)


def _masked_collection(value: object, depth: int) -> object:
    if depth >= MAX_DEPTH:
        return TOO_DEEP
    if isinstance(value, Mapping):
        return {masked_text(str(key)): _field(str(key), inner, depth + 1) for key, inner in value.items()}
    assert isinstance(value, Iterable)
    return [masked(inner, depth + 1) for inner in value]


def _masked_scalar(value: object) -> str:
    return HIDDEN if isinstance(value, SecretStr) else masked_text(str(value))


def _field(name: str, value: object, depth: int) -> object:
    return HIDDEN if name.lower() in HIDDEN_FIELDS and value else masked(value, depth)


def _digits(found: str) -> str:
    return _NOT_DIGIT.sub("", found.removeprefix("%2B").removeprefix("%2b"))
