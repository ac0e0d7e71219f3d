"""Protobuf messages and the domain's values say the same."""

from dataclasses import replace
from datetime import UTC, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.events.vocabulary import CallOutcome, Priority, Purpose
from common.rpc.refusals import InvalidRequest
from nineconnect.dialer.v1 import dialer_pb2 as pb
from services.outbound_dialer.domain.lifecycle import CallStatus
from services.outbound_dialer.domain.orders import CancelResult, decide_cancel_call
from services.outbound_dialer.domain.state import KeyPress
from services.outbound_dialer.entrypoints.messages import (
    CANCEL_RESULTS,
    EPOCH,
    OUTCOMES,
    PRIORITIES,
    PURPOSES,
    STATUSES,
    call_message,
    call_request,
)
from tests.unit.outbound_dialer.world import CALL_ID, KEY, NOON, RULES, SID, accepted, at, call_of, placed

# all that a protobuf timestamp can hold, as an offset in seconds and microseconds
MOMENTS = st.timedeltas(timedelta(days=-719_000), timedelta(days=2_932_000)).map(lambda offset: EPOCH + offset)


def test_an_order_is_read_field_by_field():
    message = pb.PlaceCallRequest(
        idempotency_key=KEY,
        customer_id="c-1",
        phone_number="+12025550143",
        purpose=pb.PURPOSE_STATUTORY,
        flow="payment_failed",
        language="en",
        variables={"name": "Lin"},
        priority=pb.PRIORITY_P0,
        context=pb.CallContext(task_id="t", scenario="N2", correlation_id="c", causation_id="f", traceparent="00"),
    )
    message.latest.FromDatetime(NOON)
    request = call_request(message)
    assert (request.purpose, request.priority) == (Purpose.STATUTORY, Priority.P0)
    assert (request.earliest, request.latest) == (None, NOON)
    assert request.variables == {"name": "Lin"}
    assert (request.context.task_id, request.context.traceparent) == ("t", "00")


def test_what_is_not_said_takes_its_default_or_is_refused_later():
    request = call_request(pb.PlaceCallRequest())
    assert (request.purpose, request.priority, request.latest) == (None, Priority.P2, None)


@given(MOMENTS)
def test_times_survive_both_ways(moment):
    message = pb.PlaceCallRequest()
    message.latest.FromDatetime(moment)
    assert call_request(message).latest == moment
    shown = call_message("c-1", replace(call_of(placed()), ended_at=moment))
    assert shown.ended_at.ToDatetime(UTC) == moment


@pytest.mark.parametrize("seconds", [253_402_300_800, -62_135_596_801, 2**62])
def test_a_time_that_no_clock_shows_names_its_field(seconds):
    message = pb.PlaceCallRequest()
    message.earliest.seconds = seconds
    with pytest.raises(InvalidRequest) as caught:
        call_request(message)
    assert [violation.field for violation in caught.value.violations] == ["earliest"]


def test_a_call_is_shown_without_its_number():
    call = replace(call_of(accepted()), keys=(KeyPress("1", "pay_link_requested"),))
    message = call_message("c-1", call)
    assert "+12025550143" not in str(message)
    assert (message.masked_phone_number, message.provider_call_sid) == ("+12*******43", SID)
    assert (message.status, message.attempt_count) == (pb.CALL_STATUS_DIALING, 1)
    assert [(press.key, press.meaning) for press in message.keys] == [("1", "pay_link_requested")]
    assert message.context.scenario == "N2"
    assert not message.cancelled_too_late


def test_a_cancellation_is_shown_as_in_time_or_too_late():
    in_time = decide_cancel_call(placed(), CALL_ID, "", "payment_succeeded", RULES, at(1)).state
    too_late = decide_cancel_call(accepted(), CALL_ID, "", "payment_succeeded", RULES, at(1)).state
    assert not call_message("c-1", call_of(in_time)).cancelled_too_late
    assert call_message("c-1", call_of(too_late)).cancelled_too_late


@pytest.mark.parametrize(
    ("table", "ours", "theirs"),
    [
        (STATUSES, CallStatus, pb.CallStatus),
        (OUTCOMES, CallOutcome, pb.CallOutcome),
        (CANCEL_RESULTS, CancelResult, pb.CancelResult),
        ({value: number for number, value in PRIORITIES.items()}, Priority, pb.Priority),
    ],
)
def test_every_value_has_its_number_and_name(table, ours, theirs):
    assert set(table) == set(ours)
    for value, number in table.items():
        assert theirs.Name(number).endswith(value.value.upper())


def test_every_purpose_of_a_call_has_its_number():
    assert {purpose.value.upper() for purpose in PURPOSES.values()} == {
        name.removeprefix("PURPOSE_") for name, number in pb.Purpose.items() if number
    }
