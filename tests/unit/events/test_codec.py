"""The codec: what goes in comes out, and whatever cannot be understood is refused with field, reason and remedy."""

import json
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import InvalidEvent
from common.events.codec import MAX_AGE, MAX_FUTURE, decode, encode, encode_binary
from common.events.envelope import Envelope
from common.events.profiles import CustomerProfile
from common.events.topics import MAX_EVENT_BYTES, OUTREACH_EVENTS, POLICY_EVENTS
from common.events.upstream import PremiumPaymentFailed

NOW = datetime(2026, 11, 20, 2, 15, tzinfo=UTC)
CUSTOMER = "c-000451"
POLICY, PROFILES = "policy-events.v1", "customer-profiles.v1"

EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "id": "core-2026-000781",
    "source": "/insurer/core",
    "type": PremiumPaymentFailed.TYPE,
    "subject": CUSTOMER,
    "time": "2026-11-20T02:15:00Z",
    "datacontenttype": "application/json",
    "data": dict(PremiumPaymentFailed.EXAMPLE),
}
PROFILE = {**EVENT, "type": CustomerProfile.TYPE, "data": json.loads(json.dumps(CustomerProfile.EXAMPLE))}


def read(
    event: Any = EVENT,
    *,
    topic: str = POLICY,
    key: bytes | None = CUSTOMER.encode(),
    headers: list[tuple[str, bytes]] | None = None,
    recorded_at: datetime = NOW,
) -> Envelope:
    value = event if isinstance(event, bytes) or event is None else json.dumps(event).encode()
    return decode(topic=topic, key=key, value=value, headers=headers or [], recorded_at=recorded_at)


def refusal(event: Any = EVENT, **how: Any) -> InvalidEvent:
    with pytest.raises(InvalidEvent) as refused:
        read(event, **how)
    return refused.value


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in EVENT.items() if key != name}


def with_data(**fields: Any) -> dict[str, Any]:
    return {**EVENT, "data": {**EVENT["data"], **fields}}


def profile_with(**fields: Any) -> dict[str, Any]:
    return {**PROFILE, "data": {**PROFILE["data"], **fields}}


class TestReading:
    def test_structured_event(self) -> None:
        envelope = read()
        assert envelope == Envelope(
            id="core-2026-000781",
            source="/insurer/core",
            type="premium.payment_failed.v1",
            time=NOW,
            customer_id=CUSTOMER,
            data=PremiumPaymentFailed.example(),
        )

    @pytest.mark.parametrize("content_type", [b"application/cloudevents+json", b"application/json", b"text/plain"])
    def test_value_decides_whatever_the_content_type_of_a_structured_event(self, content_type: bytes) -> None:
        assert read(headers=[("content-type", content_type)]) == read()

    def test_foreign_and_null_headers_are_ignored(self) -> None:
        headers: list[Any] = [("nc-replayed-from", b"policy-events.v1/3/7"), ("empty", None), ("bytes", b"\xff")]
        assert read(headers=headers) == read()

    def test_subject_may_be_left_out_because_the_key_says_it(self) -> None:
        assert read(without("subject")).customer_id == CUSTOMER

    def test_time_is_kept_in_utc(self) -> None:
        envelope = read({**EVENT, "time": "2026-11-20T10:15:00.5+08:00"})
        assert envelope.time == NOW + timedelta(milliseconds=500)
        assert envelope.time.tzinfo is UTC

    @pytest.mark.parametrize(("text", "number"), [("42", 42), ("000000000042", 42), ("later", None), ("²", None)])
    def test_sequence_of_any_notation(self, text: str, number: int | None) -> None:
        assert read({**EVENT, "sequence": text}).sequence == number

    def test_lower_case_is_no_rule_for_header_names(self) -> None:
        binary = encode_binary(read())
        headers = [(name.title(), raw) for name, raw in binary.headers]
        assert read(binary.value, headers=headers) == read()

    def test_tombstone_erases_and_has_the_same_id_at_every_reading(self) -> None:
        erased = read(None, topic=PROFILES)
        assert erased.data is None
        assert erased.customer_id == CUSTOMER
        assert erased.id == read(None, topic=PROFILES).id
        assert erased.id != read(None, topic=PROFILES, recorded_at=NOW + timedelta(seconds=1)).id


class TestDigest:
    def test_same_content_written_otherwise_is_the_same(self) -> None:
        spaced = json.dumps(EVENT, indent=3).encode()
        reordered = dict(reversed(EVENT.items()))
        assert read(spaced).digest == read(reordered).digest == read().digest

    def test_trace_and_source_do_not_count(self) -> None:
        assert read({**EVENT, "traceparent": "00-a-b-01"}).digest == read().digest

    @pytest.mark.parametrize(
        "other", [with_data(amount="3650.01"), {**EVENT, "time": "2026-11-20T02:14:00Z"}, with_data(unknown_field=1)]
    )
    def test_other_content_is_another(self, other: dict[str, Any]) -> None:
        assert read(other).digest != read().digest


class TestWriting:
    @pytest.mark.parametrize("write", [encode, encode_binary])
    def test_what_is_written_is_read_again(self, write: Any) -> None:
        envelope = replace(
            read(), correlation_id="corr", causation_id="cause", traceparent="00-a-b-01", sequence=7, service="notifier"
        )
        record = write(envelope)
        assert read(record.value, key=record.key, headers=record.headers) == envelope

    def test_time_is_written_in_utc(self) -> None:
        envelope = replace(read(), time=NOW.astimezone(timezone(timedelta(hours=8))))
        assert json.loads(encode(envelope).value)["time"] == "2026-11-20T02:15:00Z"

    def test_money_is_a_string(self) -> None:
        assert json.loads(encode(read(with_data(amount=3650.1))).value)["data"]["amount"] == "3650.1"

    def test_sequence_sorts_as_text(self) -> None:
        texts = [json.loads(encode(replace(read(), sequence=number)).value)["sequence"] for number in (9, 10, 100)]
        assert texts == sorted(texts)

    @pytest.mark.parametrize("write", [encode, encode_binary])
    def test_tombstone_is_no_event(self, write: Any) -> None:
        with pytest.raises(ValueError, match="null value"):
            write(replace(read(), data=None))


DEEP: Any = "x"
for _ in range(400):
    DEEP = [DEEP]

BAD: dict[str, tuple[Any, dict[str, Any], str, str]] = {
    # name: (event, how it comes, code, field)
    "empty": (b"", {}, "not_json", ""),
    "not JSON": (b"{'a': 1}", {}, "not_json", ""),
    "cut off": (json.dumps(EVENT).encode()[:-9], {}, "not_json", ""),
    "invalid UTF-8": (b'{"id": "\xff\xfe"}', {}, "not_utf8", ""),
    "NaN": (b'{"specversion": NaN}', {}, "not_json", ""),
    "list": ([EVENT], {}, "not_object", ""),
    "batch": ([EVENT], {"headers": [("content-type", b"application/cloudevents-batch+json")]}, "batch", ""),
    "too large": (with_data(note="x" * 1_000_000), {}, "too_large", ""),
    "nested too deeply": (with_data(note=DEEP), {}, "too_deep", "data"),
    "bare fact": (EVENT["data"], {}, "wrong_specversion", "specversion"),
    "other version of CloudEvents": ({**EVENT, "specversion": "0.3"}, {}, "wrong_specversion", "specversion"),
    "no id": (without("id"), {}, "missing_attribute", "id"),
    "empty id": ({**EVENT, "id": ""}, {}, "missing_attribute", "id"),
    "id of another kind": ({**EVENT, "id": 7}, {}, "wrong_attribute", "id"),
    "id with spaces": ({**EVENT, "id": "a b"}, {}, "wrong_id", "id"),
    "id with a line end": ({**EVENT, "id": "ab\n"}, {}, "wrong_attribute", "id"),
    "long id": ({**EVENT, "id": "x" * 129}, {}, "wrong_id", "id"),
    "no source": (without("source"), {}, "missing_attribute", "source"),
    "long source": ({**EVENT, "source": "x" * 257}, {}, "wrong_attribute", "source"),
    "no type": (without("type"), {}, "missing_attribute", "type"),
    "unknown type": ({**EVENT, "type": "premium.forgotten.v1"}, {}, "unknown_type", "type"),
    "unknown version": ({**EVENT, "type": "premium.payment_failed.v9"}, {}, "unknown_version", "type"),
    "type of another topic": (PROFILE, {}, "wrong_topic", "type"),
    "no time": (without("time"), {}, "missing_attribute", "time"),
    "time without offset": ({**EVENT, "time": "2026-11-20T02:15:00"}, {}, "wrong_time", "time"),
    "absurd time": ({**EVENT, "time": "2026-02-31T02:15:00Z"}, {}, "wrong_time", "time"),
    "time before all time": ({**EVENT, "time": "0001-01-01T00:00:00+14:00"}, {}, "wrong_time", "time"),
    "time as a number": ({**EVENT, "time": 1_795_140_900}, {}, "wrong_attribute", "time"),
    "time in the future": ({**EVENT, "time": "2026-11-20T02:26:00Z"}, {}, "time_in_future", "time"),
    "ten years back": ({**EVENT, "time": "2016-11-20T02:15:00Z"}, {}, "time_too_old", "time"),
    "no key": (EVENT, {"key": None}, "missing_key", "key"),
    "empty key": (EVENT, {"key": b""}, "missing_key", "key"),
    "key in another alphabet": (EVENT, {"key": "客户".encode()}, "wrong_key", "key"),
    "key with a line end": (EVENT, {"key": b"c-000451\n"}, "wrong_key", "key"),
    "long key": (EVENT, {"key": b"c" * 65}, "wrong_key", "key"),
    "other subject": (EVENT, {"key": b"c-000452"}, "key_is_not_subject", "subject"),
    "no data": (without("data"), {}, "missing_field", "data"),
    "data as text": ({**EVENT, "data": "{}"}, {}, "missing_field", "data"),
    "missing field": ({**EVENT, "data": {"policy_id": "P-1"}}, {}, "missing_field", "data.amount"),
    "absurd date": (with_data(due_date="2026-02-31"), {}, "wrong_field", "data.due_date"),
    "date in the year 9999": (with_data(due_date="9999-12-31"), {}, "wrong_field", "data.due_date"),
    "moment without offset": (with_data(failed_at="2026-11-20T02:15:00"), {}, "wrong_field", "data.failed_at"),
    "amount that is none": (with_data(amount="much"), {}, "wrong_field", "data.amount"),
    "negative amount": (with_data(amount="-1"), {}, "wrong_field", "data.amount"),
    "a third of a cent": (with_data(amount="1.333"), {}, "wrong_field", "data.amount"),
    "currency that is none": (with_data(currency="yuan"), {}, "wrong_field", "data.currency"),
    "tombstone of a fact": (None, {}, "no_value", ""),
    "tombstone without key": (None, {"topic": PROFILES, "key": None}, "missing_key", "key"),
    "topic nobody knows": (EVENT, {"topic": "other.v1"}, "wrong_topic", "type"),
    "number that is none": (
        profile_with(phone_numbers=[{"phone_number": "call me"}]),
        {"topic": PROFILES},
        "wrong_field",
        "data.phone_numbers.0.phone_number",
    ),
    "number of a country that is none": (
        profile_with(phone_numbers=[{"phone_number": "+9991234567"}]),
        {"topic": PROFILES},
        "wrong_field",
        "data.phone_numbers.0.phone_number",
    ),
    "number too short for its country": (
        profile_with(phone_numbers=[{"phone_number": "+120255501"}]),
        {"topic": PROFILES},
        "wrong_field",
        "data.phone_numbers.0.phone_number",
    ),
    "zone that is none": (
        profile_with(time_zone="Asia/Nowhere"),
        {"topic": PROFILES},
        "wrong_field",
        "data.time_zone",
    ),
    "zone that climbs": (
        profile_with(time_zone="../../etc/passwd"),
        {"topic": PROFILES},
        "wrong_field",
        "data.time_zone",
    ),
    "consent to a purpose that is none": (
        profile_with(consent={"Lin Example": {"granted": True, "at": "2024-03-01T09:00:00Z"}}),
        {"topic": PROFILES},
        "wrong_field",
        "data.consent.*.*",
    ),
    "profile of another": (
        profile_with(customer_id="c-000452"),
        {"topic": PROFILES},
        "key_is_not_content",
        "data.customer_id",
    ),
    "header that is no text": (
        json.dumps(EVENT["data"]).encode(),
        {"headers": [("ce_specversion", b"1.0"), ("ce_id", b"\xff")]},
        "not_utf8",
        "",
    ),
    "binary with other content": (
        b"<xml/>",
        {"headers": [("ce_specversion", b"1.0"), ("content-type", b"application/xml")]},
        "wrong_content_type",
        "datacontenttype",
    ),
    "binary without attributes": (b"{}", {"headers": [("ce_specversion", b"1.0")]}, "missing_attribute", "type"),
    "binary with a list": (b"[]", {"headers": [("ce_specversion", b"1.0"), ("ce_id", b"1")]}, "not_object", ""),
}


@pytest.mark.parametrize(("event", "how", "code", "field"), BAD.values(), ids=BAD.keys())
def test_bad_input_is_refused_with_field_reason_and_remedy(event: Any, how: Any, code: str, field: str) -> None:
    refused = refusal(event, **how)
    assert (refused.code, refused.field) == (code, field)
    assert refused.reason
    assert refused.remedy


class TestLimits:
    def test_exactly_the_largest_event_is_read(self) -> None:
        empty = len(json.dumps(with_data(note="")).encode())
        read(with_data(note="x" * (MAX_EVENT_BYTES - empty)))
        assert refusal(with_data(note="x" * (MAX_EVENT_BYTES - empty + 1))).code == "too_large"

    def test_age_counts_from_when_it_was_recorded_so_that_a_replay_ends_the_same(self) -> None:
        read(recorded_at=NOW + MAX_AGE)
        read(recorded_at=NOW - MAX_FUTURE)
        assert refusal(recorded_at=NOW + MAX_AGE + timedelta(seconds=1)).code == "time_too_old"
        assert refusal(recorded_at=NOW - MAX_FUTURE - timedelta(seconds=1)).code == "time_in_future"


class TestRemedies:
    def test_typing_mistake_is_guessed(self) -> None:
        assert (
            refusal({**EVENT, "type": "premium.payment_faild.v1"}).remedy == "did you mean premium.payment_failed.v1?"
        )

    def test_known_versions_are_named(self) -> None:
        assert refusal({**EVENT, "type": "premium.payment_failed.v9"}).remedy == "publish premium.payment_failed.v1"

    def test_type_without_likeness_points_to_the_schemas(self) -> None:
        assert "schemas/" in refusal({**EVENT, "type": "zzz"}).remedy

    def test_missing_subject_of_an_emergency_is_its_region(self) -> None:
        data = {"emergency_id": "E-1", "region": "CN-GD", "lifted_at": "2026-11-20T02:15:00Z"}
        lifted = {**without("subject"), "type": "emergency.lifted.v1", "data": data}
        assert read(lifted, key=b"CN-GD").customer_id == "CN-GD"
        assert refusal(lifted, key=b"CN-GX").field == "data.region"


SECRET = "Zebulon+12025550199"
PLACES: list[Any] = [
    SECRET.encode(),
    SECRET,
    *({**EVENT, name: SECRET + "\n"} for name in EVENT if name != "datacontenttype"),
    *({**EVENT, name: [SECRET]} for name in EVENT if name != "datacontenttype"),
    *(with_data(**{name: [SECRET]}) for name in EVENT["data"]),
    with_data(currency=SECRET, amount=SECRET),
]
PROFILE_PLACES: list[Any] = [
    *(profile_with(**{name: [SECRET]}) for name in PROFILE["data"]),
    *(profile_with(**{name: {SECRET: {SECRET: SECRET}}}) for name in PROFILE["data"] if name != "preferences"),
    profile_with(phone_numbers=[{"phone_number": SECRET, "kind": SECRET}]),
    profile_with(time_zone=SECRET, language=SECRET, jurisdiction=SECRET),
]


@pytest.mark.parametrize(
    ("event", "topic"), [(event, POLICY) for event in PLACES] + [(event, PROFILES) for event in PROFILE_PLACES]
)
def test_refusal_never_repeats_a_value(event: Any, topic: str) -> None:
    refused = refusal(event, topic=topic)
    said = " ".join([str(refused), repr(refused), refused.field, refused.reason, refused.remedy])
    assert "Zebulon" not in said
    assert "5550199" not in said


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)


class TestWhateverComes:
    """The guard around intake relies on it: bad bytes raise `InvalidEvent` and nothing else."""

    @given(value=st.binary(max_size=200), key=st.none() | st.binary(max_size=20))
    def test_any_bytes(self, value: bytes, key: bytes | None) -> None:
        self.read_or_refuse(value, key, [])

    @given(
        name=st.sampled_from([*EVENT, *EVENT["data"]]),
        value=json_values,
        topic=st.sampled_from([POLICY, PROFILES, OUTREACH_EVENTS.name]),
    )
    def test_any_value_in_any_place(self, name: str, value: Any, topic: str) -> None:
        event = {**EVENT, name: value} if name in EVENT else with_data(**{name: value})
        self.read_or_refuse(json.dumps(event).encode(), CUSTOMER.encode(), [], topic)

    @given(
        headers=st.lists(
            st.tuples(
                st.sampled_from(["ce_id", "ce_specversion", "ce_time", "ce_type", "ce_source", "content-type"]),
                st.sampled_from([b"1.0", b"application/json", EVENT["type"].encode()]) | st.binary(max_size=30),
            )
        )
    )
    def test_any_headers(self, headers: list[tuple[str, bytes]]) -> None:
        self.read_or_refuse(json.dumps(EVENT["data"]).encode(), CUSTOMER.encode(), headers)

    def read_or_refuse(
        self, value: bytes, key: bytes | None, headers: list[tuple[str, bytes]], topic: str = POLICY_EVENTS.name
    ) -> None:
        with suppress(InvalidEvent):
            decode(topic=topic, key=key, value=value, headers=headers, recorded_at=NOW)
