"""Lines of `nineconnect publish`: CloudEvents and shorthand become records; wrong ones are refused in words."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cli.event_lines import record_of
from cli.kafka_records import NewRecord
from common.errors import InvalidEvent
from common.events.codec import decode
from common.events.envelope import Envelope
from common.events.ledger import TaskOpened
from common.events.profiles import CustomerProfile
from common.events.topics import partition_for
from common.events.upstream import PremiumPaymentFailed

NOW = datetime(2026, 11, 20, 2, 15, tzinfo=UTC)
SHORT: dict[str, Any] = {
    "type": PremiumPaymentFailed.TYPE,
    "customer_id": "c-000451",
    "data": dict(PremiumPaymentFailed.EXAMPLE),
}
WHOLE: dict[str, Any] = {
    "specversion": "1.0",
    "id": "core-1",
    "source": "/insurer/core",
    "type": PremiumPaymentFailed.TYPE,
    "subject": "c-000451",
    "time": "2026-11-20T02:15:00Z",
    "data": {**PremiumPaymentFailed.EXAMPLE, "added_by_the_producer": 1},
}


def line(content: Any) -> bytes:
    return json.dumps(content).encode()


def read(record: NewRecord) -> Envelope:
    return decode(topic=record.topic, key=record.key, value=record.value, headers=list(record.headers), recorded_at=NOW)


class TestGoodLines:
    def test_shorthand_becomes_a_whole_event(self) -> None:
        record = record_of(line(SHORT), NOW)
        event = read(record)
        assert (record.topic, record.key) == ("policy-events.v1", b"c-000451")
        assert record.partition == partition_for("c-000451")
        assert (event.time, event.data) == (NOW, PremiumPaymentFailed.example())

    def test_shorthand_without_id_is_a_new_event_each_time(self) -> None:
        assert read(record_of(line(SHORT), NOW)).id != read(record_of(line(SHORT), NOW)).id

    def test_shorthand_may_name_id_and_time(self) -> None:
        event = read(record_of(line({**SHORT, "id": "mine-1", "time": "2026-11-20T02:00:00Z"}), NOW))
        assert (event.id, event.time) == ("mine-1", NOW - timedelta(minutes=15))

    def test_cloud_event_is_published_byte_for_byte(self) -> None:
        record = record_of(line(WHOLE), NOW)
        assert record.value == line(WHOLE)
        assert read(record).id == "core-1"

    def test_profile_goes_to_its_own_topic(self) -> None:
        example = json.loads(json.dumps(CustomerProfile.EXAMPLE))
        record = record_of(
            line({"type": CustomerProfile.TYPE, "customer_id": example["customer_id"], "data": example}), NOW
        )
        assert record.topic == "customer-profiles.v1"

    def test_profile_of_null_erases(self) -> None:
        record = record_of(line({"type": CustomerProfile.TYPE, "customer_id": "c-1", "data": None}), NOW)
        assert (record.topic, record.key, record.value) == ("customer-profiles.v1", b"c-1", None)


@pytest.mark.parametrize(
    ("content", "code", "field"),
    [
        (b"{", "not_json", ""),
        (b'{"type": "\xff"}', "not_utf8", ""),
        (line([SHORT]), "not_object", ""),
        (line({"customer_id": "c-1", "data": {}}), "missing_attribute", "type"),
        (line({**SHORT, "type": 7}), "wrong_attribute", "type"),
        (line({**SHORT, "type": "premium.payment_faild.v1"}), "unknown_type", "type"),
        (line({**SHORT, "type": "premium.payment_failed.v2"}), "unknown_version", "type"),
        (line({**SHORT, "type": TaskOpened.TYPE}), "wrong_topic", "type"),
        (line({"type": SHORT["type"], "data": {}}), "missing_attribute", "customer_id"),
        (line({**SHORT, "customer_id": 451}), "wrong_attribute", "customer_id"),
        (line({**SHORT, "customer_id": "Lin Example"}), "wrong_key", "key"),
        (line({**SHORT, "daat": {}}), "unknown_field", ""),
        (line({**SHORT, "data": None}), "missing_field", "data"),
        (line({"type": CustomerProfile.TYPE, "customer_id": "c-1"}), "missing_field", "data"),
        (line({**SHORT, "data": {**SHORT["data"], "amount": "much"}}), "wrong_field", "data.amount"),
        (line({**SHORT, "time": "2016-11-20T02:00:00Z"}), "time_too_old", "time"),
        (line({**SHORT, "id": "a b"}), "wrong_id", "id"),
        (line({key: value for key, value in WHOLE.items() if key != "subject"}), "missing_attribute", "subject"),
        (line({**WHOLE, "specversion": "0.3"}), "wrong_specversion", "specversion"),
        (line({**WHOLE, "note": "x" * 70_000}), "too_large", ""),
    ],
)
def test_wrong_line_is_refused_with_field_reason_and_remedy(content: bytes, code: str, field: str) -> None:
    with pytest.raises(InvalidEvent) as refused:
        record_of(content, NOW)
    assert (refused.value.code, refused.value.field) == (code, field)
    assert refused.value.reason
    assert refused.value.remedy
