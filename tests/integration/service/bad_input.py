"""Records that nobody can understand, each with the code and field of the reason it must end with."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from common.events.codec import encode, encode_binary
from common.events.topics import CUSTOMER_PROFILES, OUTREACH_EVENTS, POLICY_EVENTS
from tests.chaos.customers import Customer

MEGABYTE = 1_000_000
STRAY_NUMBER = "+13125550188"
"""Somebody uses a phone number where only a pseudonym may stand."""


@dataclass(frozen=True)
class Bad:
    """One bad record.

    Attributes:
        code, field: of the reason.
        value: makes the record's value for a customer.
        key: makes its key.
        headers: makes its headers.
    """

    code: str
    field: str
    value: Callable[[Customer], bytes | None]
    key: Callable[[Customer], bytes | None] = lambda customer: customer.customer_id.encode()
    headers: Callable[[Customer], Sequence[tuple[str, bytes]]] = lambda _: ()
    topic: str = POLICY_EVENTS.name


def event(customer: Customer, **attributes: Any) -> dict[str, Any]:
    """A good event as JSON, with these attributes changed; None leaves one out."""
    plain: dict[str, Any] = {
        **orjson.loads(encode(customer.payment_failed()).value),
        "id": f"bad-{customer.customer_id}",
    }
    return {name: value for name, value in (plain | attributes).items() if value is not None}


def with_data(customer: Customer, **fields: Any) -> bytes:
    """A good event with these fields of its content changed; None leaves one out."""
    content = {**event(customer)["data"], **fields}
    data = {name: value for name, value in content.items() if value is not None}
    return orjson.dumps(event(customer, data=data))


def with_attributes(**attributes: Any) -> Callable[[Customer], bytes]:
    return lambda customer: orjson.dumps(event(customer, **attributes))


def told_at(shift: timedelta) -> Callable[[Customer], bytes]:
    return lambda customer: orjson.dumps(event(customer, time=(datetime.now(UTC) + shift).isoformat()))


def of_a_profile(**fields: Any) -> Callable[[Customer], bytes]:
    def value(customer: Customer) -> bytes:
        plain = orjson.loads(encode(customer.profile()).value)
        return orjson.dumps({**plain, "id": f"bad-{customer.customer_id}", "data": {**plain["data"], **fields}})

    return value


def broken_headers(customer: Customer) -> Sequence[tuple[str, bytes]]:
    headers = encode_binary(customer.payment_failed()).headers
    return [(name, b"\xff\xfe" if name == "ce_id" else value) for name, value in headers]


BAD: Mapping[str, Bad] = {
    "not JSON": Bad("not_json", "", lambda _: b"{not json"),
    "empty": Bad("not_json", "", lambda _: b""),
    "not UTF-8": Bad("not_utf8", "", lambda _: b'{"name": "\xff\xfe"}'),
    "no object": Bad("not_object", "", lambda _: b'["an", "array"]'),
    "no envelope": Bad("wrong_specversion", "specversion", lambda customer: orjson.dumps(event(customer)["data"])),
    "wrong envelope": Bad("wrong_specversion", "specversion", with_attributes(specversion="0.3")),
    "without id": Bad("missing_attribute", "id", with_attributes(id=None)),
    "unprintable id": Bad("wrong_id", "id", with_attributes(id="Ada Sample")),
    "unknown type": Bad("unknown_type", "type", with_attributes(type="premium.payment_vanished.v1")),
    "unknown version": Bad("unknown_version", "type", with_attributes(type="premium.payment_failed.v9")),
    "another topic's type": Bad("wrong_topic", "type", with_attributes(type="customer.profile.v1")),
    "without content": Bad("missing_field", "data", with_attributes(data=None)),
    "missing field": Bad("missing_field", "data.amount", lambda customer: with_data(customer, amount=None)),
    "30th of February": Bad(
        "wrong_field", "data.due_date", lambda customer: with_data(customer, due_date="2026-02-30")
    ),
    "year 9999": Bad("wrong_field", "data.due_date", lambda customer: with_data(customer, due_date="9999-12-31")),
    "amount is no number": Bad("wrong_field", "data.amount", lambda customer: with_data(customer, amount="NaN")),
    "one megabyte": Bad("too_large", "", lambda customer: with_data(customer, product_name="x" * MEGABYTE)),
    "nested too deep": Bad(
        "too_deep", "data", lambda customer: with_data(customer, more=None).replace(b'"amount"', _deep() + b',"amount"')
    ),
    "null value": Bad("no_value", "", lambda _: None),
    "time is no time": Bad("wrong_time", "time", with_attributes(time="yesterday")),
    "from the future": Bad("time_in_future", "time", told_at(timedelta(hours=1))),
    "ten years old": Bad("time_too_old", "time", told_at(timedelta(days=-3653))),
    "key is not subject": Bad("key_is_not_subject", "subject", with_attributes(subject="somebody-else")),
    "without key": Bad("missing_key", "key", with_attributes(), key=lambda _: None),
    "empty key": Bad("missing_key", "key", with_attributes(), key=lambda _: b""),
    "phone number as key": Bad(
        "wrong_key", "key", with_attributes(subject=STRAY_NUMBER), key=lambda _: STRAY_NUMBER.encode()
    ),
    "key is not UTF-8": Bad("wrong_key", "key", with_attributes(), key=lambda _: b"\xff\xfe"),
    "batch": Bad(
        "batch", "", with_attributes(), headers=lambda _: [("content-type", b"application/cloudevents-batch+json")]
    ),
    "binary mode, broken header": Bad("not_utf8", "", lambda _: b"{}", headers=broken_headers),
    "profile with a number that is none": Bad(
        "wrong_field",
        "data.phone_numbers.0.phone_number",
        of_a_profile(phone_numbers=[{"phone_number": "+1202"}]),
        topic=CUSTOMER_PROFILES.name,
    ),
    "profile born in the year 0": Bad(
        "wrong_field", "data.birth_date", of_a_profile(birth_date="0000-01-01"), topic=CUSTOMER_PROFILES.name
    ),
    "profile of somebody else": Bad(
        "key_is_not_content",
        "data.customer_id",
        of_a_profile(customer_id="somebody-else"),
        topic=CUSTOMER_PROFILES.name,
    ),
    "nonsense on the ledger": Bad("not_json", "", lambda _: b"\x00\x01", topic=OUTREACH_EVENTS.name),
}


def _deep() -> bytes:
    return b'"more":' + b"[" * 300 + b"]" * 300
