"""Dead letters: the original untouched, the reason readable, the replay marked."""

from datetime import UTC, datetime
from typing import Any

import pytest

from common.errors import InvalidEvent
from common.kafka.dead_letters import (
    HEADER_MEANINGS,
    REPLAYED_FROM,
    Position,
    Record,
    build,
    parse,
    replay_of,
    replayed_from,
)

AT = datetime(2026, 11, 20, 2, 15, tzinfo=UTC)
WHERE = Position("policy-events.v1", 12, 3345)
ERROR = InvalidEvent("missing_field", field="data.amount", reason="the field is missing", remedy="send it")
ORIGINAL: dict[str, Any] = {"key": b"c-1", "value": b'{"id": "\xff"}', "headers": [("ce_id", b"1"), ("raw", b"\xff")]}


def letter(original: dict[str, Any] = ORIGINAL, error: InvalidEvent = ERROR) -> Record:
    return build(original=WHERE, error=error, service="notifier", at=AT, **original)


def read(record: Record) -> Any:
    return parse(key=record.key, value=record.value, headers=record.headers)


class TestBuild:
    def test_keeps_key_bytes_and_headers_and_explains(self) -> None:
        record = letter()
        assert (record.key, record.value) == (ORIGINAL["key"], ORIGINAL["value"])
        assert record.headers[:2] == ORIGINAL["headers"]
        assert dict(record.headers[2:]) == {
            "nc-dlq-code": b"missing_field",
            "nc-dlq-field": b"data.amount",
            "nc-dlq-reason": b"the field is missing",
            "nc-dlq-remedy": b"send it",
            "nc-dlq-service": b"notifier",
            "nc-dlq-topic": b"policy-events.v1",
            "nc-dlq-partition": b"12",
            "nc-dlq-offset": b"3345",
            "nc-dlq-at": b"2026-11-20T02:15:00+00:00",
        }
        assert [name for name, _ in record.headers[2:]] == list(HEADER_MEANINGS)

    def test_forged_explanation_of_the_sender_is_dropped(self) -> None:
        forged = {**ORIGINAL, "headers": [("nc-dlq-reason", b"all is well")]}
        assert read(letter(forged)).reason == "the field is missing"

    def test_nothing_to_keep_is_kept_as_well(self) -> None:
        read_again = read(letter({"key": None, "value": None, "headers": []}))
        assert (read_again.key, read_again.value, read_again.headers) == (None, None, ())


class TestParse:
    def test_reads_what_was_built(self) -> None:
        found = read(letter())
        assert (found.original, found.service, found.at) == (WHERE, "notifier", AT)
        assert (found.code, found.field, found.reason, found.remedy) == (
            "missing_field",
            "data.amount",
            "the field is missing",
            "send it",
        )
        assert (found.key, found.value) == (ORIGINAL["key"], ORIGINAL["value"])
        assert list(found.headers) == ORIGINAL["headers"]

    @pytest.mark.parametrize("name", HEADER_MEANINGS)
    def test_refuses_what_somebody_else_wrote(self, name: str) -> None:
        headers = [header for header in letter().headers if header[0] != name]
        with pytest.raises(InvalidEvent, match="not_a_dead_letter"):
            parse(key=b"k", value=b"v", headers=headers)

    @pytest.mark.parametrize("name", ["nc-dlq-offset", "nc-dlq-partition", "nc-dlq-at", "nc-dlq-reason"])
    def test_refuses_headers_that_cannot_be_read(self, name: str) -> None:
        headers = [(header, b"\xff" if header == name else raw) for header, raw in letter().headers]
        with pytest.raises(InvalidEvent, match="not_a_dead_letter"):
            parse(key=b"k", value=b"v", headers=headers)


class TestReplay:
    def test_is_the_original_with_a_mark(self) -> None:
        record = replay_of(read(letter()))
        assert (record.key, record.value) == (ORIGINAL["key"], ORIGINAL["value"])
        assert record.headers == [*ORIGINAL["headers"], (REPLAYED_FROM, b"policy-events.v1/12/3345")]
        assert replayed_from(record.headers) == WHERE

    def test_replay_that_is_refused_again_knows_where_it_came_from_and_keeps_one_mark(self) -> None:
        first = replay_of(read(letter()))
        second_place = Position("policy-events.v1", 12, 3400)
        again = build(
            original=second_place,
            key=first.key,
            value=first.value,
            headers=first.headers,
            error=ERROR,
            service="notifier",
            at=AT,
        )
        refused_again = read(again)
        assert refused_again.replayed_from == WHERE
        marks = [raw for name, raw in replay_of(refused_again).headers if name == REPLAYED_FROM]
        assert marks == [b"policy-events.v1/12/3400"]

    @pytest.mark.parametrize("raw", [b"", b"policy-events.v1", b"a/b/c", b"\xff/1/2"])
    def test_mark_that_cannot_be_read_counts_as_none(self, raw: bytes) -> None:
        assert replayed_from([(REPLAYED_FROM, raw)]) is None
