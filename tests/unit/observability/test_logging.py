"""Logs are JSON lines of constant events that name their story and never show a phone number, whatever is logged."""

import io
import json
import logging
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr

from common.observability.logging import (
    LIBRARY_LEVELS,
    LogFormat,
    LogLevel,
    bind_correlation,
    configure_logging,
    get_logger,
)
from common.observability.masking import HIDDEN, TOO_DEEP, masked, masked_text

_log = get_logger("tests.logging")


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    loggers = [logging.getLogger(name) for name in LIBRARY_LEVELS]
    before = [(logger, logger.level, list(logger.handlers), logger.propagate) for logger in loggers]
    yield io.StringIO()
    structlog.reset_defaults()
    logging.captureWarnings(capture=False)
    for logger, level, handlers, propagate in before:
        logger.setLevel(level)
        logger.handlers, logger.propagate = handlers, propagate


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_names_time_level_service_component_and_story(stream: io.StringIO) -> None:
    configure_logging("notifier", stream=stream)
    with bind_correlation("corr-1", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"):
        _log.info("event_handled", customer_id="C-000123", attempts=2)
    (line,) = lines(stream)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "event_handled",
        "level": "info",
        "service": "notifier",
        "component": "tests.logging",
        "correlation_id": "corr-1",
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
        "customer_id": "C-000123",
        "attempts": 2,
    }


def test_without_a_story_the_line_has_no_empty_fields(stream: io.StringIO) -> None:
    configure_logging("notifier", stream=stream)
    _log.info("service_started")
    assert not {"correlation_id", "trace_id"} & lines(stream)[0].keys()


def test_a_look_at_the_group_s_members_is_not_worth_a_line(stream: io.StringIO) -> None:
    configure_logging("notifier", stream=stream)
    # kafka-python warns at each look: it cannot read the metadata that Faust gives the coordinator
    logging.getLogger("kafka.admin._groups").warning("Unable to decode member_metadata")
    assert lines(stream) == []


def test_the_level_holds_for_ours_and_for_libraries(stream: io.StringIO) -> None:
    configure_logging("notifier", level=LogLevel.WARNING, stream=stream)
    _log.info("unheard")
    logging.getLogger("grpc").info("unheard")
    _log.warning("heard")
    assert [line["event"] for line in lines(stream)] == ["heard"]


@pytest.mark.parametrize(
    "library", ["faust.app", "aiokafka.consumer", "twilio.async_http_client", "uvicorn.access", "mode"]
)
def test_talkative_libraries_are_quiet_even_when_we_debug(stream: io.StringIO, library: str) -> None:
    configure_logging("notifier", level=LogLevel.DEBUG, stream=stream)
    logging.getLogger(library).info("POST Request: whole bodies")
    assert lines(stream) == []


@pytest.mark.parametrize("library", ["faust.app", "aiokafka.consumer", "uvicorn.error", "grpc._server", "any.other"])
def test_errors_of_libraries_take_the_same_road_under_one_event_name(stream: io.StringIO, library: str) -> None:
    configure_logging("notifier", stream=stream)
    logging.getLogger(library).error("cannot reach %s for %s", "broker", "+12025550143")
    (line,) = lines(stream)
    assert line["event"] == "library_log"
    assert line["logger"] == library
    assert line["message"] == "cannot reach broker for +12*******43"
    assert line["service"] == "notifier"


def test_python_warnings_are_lines_too(stream: io.StringIO) -> None:
    configure_logging("notifier", stream=stream)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old way", DeprecationWarning, stacklevel=1)
    assert lines(stream)[0]["logger"] == "py.warnings"


def test_a_failure_is_one_line_with_its_chain_and_no_input_values(stream: io.StringIO) -> None:
    class Person(BaseModel):
        age: int

    configure_logging("notifier", stream=stream)
    try:
        try:
            Person.model_validate({"age": "Wang Xiaoming"})
        except ValueError as error:
            raise RuntimeError("profile of +12025550143 unreadable") from error
    except RuntimeError:
        _log.exception("bug_caught")
    (line,) = lines(stream)
    assert "Wang" not in line["exception"]
    assert "age: int_parsing" in line["exception"]
    assert "RuntimeError: profile of +12*******43 unreadable" in line["exception"]
    assert "test_logging.py" in line["exception"]


def test_an_exception_may_be_given_by_itself(stream: io.StringIO) -> None:
    configure_logging("notifier", stream=stream)
    _log.error("bug_caught", exc_info=KeyError("missing"))
    assert lines(stream)[0]["exception"] == "builtins.KeyError: 'missing'"


@pytest.mark.parametrize("odd", ["\ud800", 2**80, float("nan"), b"\xff", {1: {2: 3}}, object(), [SecretStr("s")]])
def test_nothing_that_is_logged_can_break_the_log(stream: io.StringIO, odd: object) -> None:
    configure_logging("notifier", stream=stream)
    _log.info("odd_value", value=odd)
    assert lines(stream)[0]["event"] == "odd_value"


def test_people_get_columns(stream: io.StringIO) -> None:
    configure_logging("notifier", form=LogFormat.CONSOLE, stream=stream)
    _log.info("event_handled", phone="+12025550143")
    text = stream.getvalue()
    assert "event_handled" in text
    assert "phone=+12*******43" in text
    assert "\x1b" not in text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("+12025550143", "+12*******43"),
        ("call +44 7700 900123 now", "call +44********23 now"),
        ("+1 (202) 555-0143.", "+12*******43."),
        ("To=%2B12025550143&From=%2b447700900001", "To=+12*******43&From=+44********01"),
        ("13800138000", "+86*********00"),
        ("tel:+12025550143,+12025550144", "tel:+12*******43,+12*******44"),
        ("+12*******43", "+12*******43"),
        ("P-2024-000451", "P-2024-000451"),
        ("2026-11-20T02:15:01.000000+00:00", "2026-11-20T02:15:01.000000+00:00"),
        ("1764000000000", "1764000000000"),
        ("SM0123456789abcdef0123456789abcdef", "SM0123456789abcdef0123456789abcdef"),
        ("127.0.0.1:19092", "127.0.0.1:19092"),
        ("offset 1380013800012", "offset 1380013800012"),
        ("1+1=2, +5 more", "1+1=2, +5 more"),
    ],
)
def test_numbers_are_masked_and_the_rest_is_left(text: str, shown: str) -> None:
    assert masked_text(text) == shown


def test_masking_reaches_every_depth() -> None:
    assert masked(
        {"a": [{"b": ("x", "+12025550143")}], "+12025550143": {"c"}, "auth_token": "s3", "n": 13800138000}
    ) == {
        "a": [{"b": ["x", "+12*******43"]}],
        "+12*******43": ["c"],
        "auth_token": HIDDEN,
        "n": HIDDEN,
    }
    endless: list[object] = []
    endless.append(endless)
    assert TOO_DEEP in json.dumps(masked(endless))


@given(
    digits=st.from_regex(r"[1-9][0-9]{7,14}", fullmatch=True),
    before=st.text(max_size=20),
    after=st.text(max_size=20).filter(lambda text: not text[:1].isdigit()),
)
def test_no_international_number_survives_anywhere(digits: str, before: str, after: str) -> None:
    assert digits not in masked_text(f"{before}+{digits}{after}").replace(before, "", 1)
