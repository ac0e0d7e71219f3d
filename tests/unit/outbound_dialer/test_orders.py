"""Taking and cancelling orders."""

from dataclasses import replace
from datetime import timedelta

import pytest

from common.errors import Rejected
from common.events.vocabulary import CallOutcome, Priority, Purpose
from common.rpc.refusals import Exhausted, InvalidRequest, KeyReused
from services.outbound_dialer.domain.lifecycle import CallStatus
from services.outbound_dialer.domain.orders import (
    CancelResult,
    cancel_result,
    decide_cancel_call,
    decide_place_call,
)
from services.outbound_dialer.domain.profiles import decide_profile
from services.outbound_dialer.domain.requests import check_identity
from services.outbound_dialer.domain.state import CallContext, call_id_of, empty_state
from tests.unit.outbound_dialer.world import (
    CALL_ID,
    KEY,
    NOON,
    RULES,
    accepted,
    at,
    call_of,
    known_customer,
    order,
    placed,
    types,
)


def test_an_order_is_queued_and_told_without_the_number():
    decision = decide_place_call(known_customer(), order(), RULES, at())
    [fact] = decision.ledger
    assert types(decision) == ["call.queued.v1"]
    assert fact.masked_number == "+12*******43"
    assert fact.task_id == "t-77ab01c2d3e4"
    assert fact.decision.pack_version == RULES.pack.version
    assert decision.origin.correlation_id == "f-1"
    assert call_of(decision.state).status is CallStatus.QUEUED


def test_the_same_order_again_changes_nothing_even_when_its_window_has_closed():
    state = placed()
    for seconds in (1, 100_000):
        again = decide_place_call(state, order(context=CallContext()), RULES, at(seconds))
        assert (again.state, again.ledger) == (state, ())


@pytest.mark.parametrize(
    "change",
    [
        {"phone_number": "+12025550144"},
        {"variables": {"a": "b"}},
        {"latest": NOON + timedelta(hours=3)},
        {"earliest": NOON},
        {"priority": Priority.P0},
        {"language": "zh-CN"},
    ],
)
def test_another_order_under_the_same_key_is_refused(change):
    with pytest.raises(KeyReused):
        decide_place_call(placed(), order(**change), RULES, at())


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"phone_number": "12025550143"}, ["phone_number"]),
        ({"phone_number": "+999123456789"}, ["phone_number"]),
        ({"phone_number": "+1202555"}, ["phone_number"]),
        ({"latest": None}, ["latest"]),
        ({"latest": NOON}, ["latest"]),
        ({"latest": NOON + timedelta(days=8)}, ["latest"]),
        ({"earliest": NOON + timedelta(hours=2)}, ["earliest"]),
        ({"purpose": None}, ["purpose"]),
        ({"purpose": Purpose.MARKETING}, ["purpose"]),
        ({"flow": "nonsense"}, ["flow"]),
        ({"language": "English"}, ["language"]),
        ({"variables": {str(number): "x" for number in range(33)}}, ["variables"]),
        ({"variables": {"name": "x" * 513}}, ["variables"]),
        ({"variables": {"a": "名" * 200, "b": "名" * 200}}, ["variables"]),
        ({"variables": {"a b": "x"}}, ["variables"]),
        ({"context": CallContext(task_id="a b")}, ["context.task_id"]),
        ({"context": CallContext(traceparent="x" * 129)}, ["context.traceparent"]),
        ({"phone_number": "", "latest": NOON, "purpose": None}, ["phone_number", "latest", "purpose"]),
    ],
)
def test_a_wrong_order_names_its_fields(change, fields):
    with pytest.raises(InvalidRequest) as caught:
        decide_place_call(known_customer(), order(**change), RULES, at())
    assert [violation.field for violation in caught.value.violations] == fields
    assert "555" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "field"),
    [({"idempotency_key": ""}, "idempotency_key"), ({"customer_id": "a/b"}, "customer_id")],
)
def test_what_names_a_call_is_checked_before_anything_is_read(change, field):
    with pytest.raises(InvalidRequest) as caught:
        check_identity(order(**change))
    assert [violation.field for violation in caught.value.violations] == [field]


def test_who_refused_such_calls_is_not_called_but_may_be_warned():
    state = replace(known_customer(), opted_out={"service": NOON})
    with pytest.raises(Rejected) as caught:
        decide_place_call(state, order(), RULES, at())
    assert caught.value.rule_id == "voice.opt_out"
    state = replace(state, opted_out={"emergency": NOON})
    decide_place_call(state, order(), RULES, at())


def test_an_erased_customer_is_not_called():
    state = decide_profile(known_customer(), None, at().now, RULES, at()).state
    with pytest.raises(Rejected, match="customer_erased"):
        decide_place_call(state, order(), RULES, at())


def test_open_calls_of_one_customer_are_bounded():
    state = known_customer()
    for number in range(RULES.limits.max_open_calls):
        state = placed(state, idempotency_key=f"t/{number}")
    with pytest.raises(Exhausted) as caught:
        placed(state, idempotency_key="t/more")
    assert caught.value.retry_after > timedelta(0)


def test_a_queued_call_is_cancelled_and_forgets_its_number():
    decision = decide_cancel_call(placed(), CALL_ID, KEY, "payment_succeeded", RULES, at(5))
    call = call_of(decision.state)
    assert types(decision) == ["call.cancelled.v1"]
    assert (call.status, call.outcome) == (CallStatus.ENDED, CallOutcome.CANCELLED)
    assert call.order.phone_number == ""
    assert cancel_result(call) is CancelResult.CANCELLED
    again = decide_cancel_call(decision.state, CALL_ID, KEY, "payment_succeeded", RULES, at(6))
    assert again.state == decision.state


def test_a_call_under_way_goes_on_and_is_marked():
    decision = decide_cancel_call(accepted(), CALL_ID, "", "payment_succeeded", RULES, at(5))
    call = call_of(decision.state)
    assert (call.status, call.cancelled) == (CallStatus.DIALING, "payment_succeeded")
    assert cancel_result(call) is CancelResult.TOO_LATE
    assert decision.ledger == ()


def test_a_cancelled_key_is_remembered_for_an_order_still_on_its_way():
    decision = decide_cancel_call(known_customer(), CALL_ID, KEY, "payment_succeeded", RULES, at())
    later = decide_place_call(decision.state, order(), RULES, at(1))
    assert types(decision) == ["call.cancelled.v1"]
    assert later.state == decision.state
    assert cancel_result(call_of(later.state)) is CancelResult.CANCELLED


def test_cancelling_an_unknown_call_id_changes_nothing():
    state = empty_state("c-1")
    assert decide_cancel_call(state, "c-unknown", "", "x", RULES, at()).state == state


def test_cancelled_keys_cannot_fill_the_document():
    state = known_customer()
    most = RULES.limits.max_kept_calls + RULES.limits.max_open_calls
    for number in range(most):
        key = f"t/{number}"
        state = decide_cancel_call(state, call_id_of(key), key, "x", RULES, at()).state
    with pytest.raises(Exhausted):
        decide_cancel_call(state, CALL_ID, KEY, "x", RULES, at())
