"""What providers and customers tell of a placed call."""

from dataclasses import replace
from datetime import timedelta

import pytest

from common.events.vocabulary import CallOutcome
from services.outbound_dialer.domain.clocks import clocks
from services.outbound_dialer.domain.effects import HangUpCall, ProviderNews, ProviderStatus
from services.outbound_dialer.domain.lifecycle import CallStatus
from services.outbound_dialer.domain.orders import decide_cancel_call
from services.outbound_dialer.domain.profiles import decide_profile
from services.outbound_dialer.domain.progress import decide_key, decide_status_webhook
from services.outbound_dialer.domain.state import KeyPress
from tests.unit.outbound_dialer.world import (
    ATTEMPT_ID,
    CALL_ID,
    PROFILE,
    RULES,
    SID,
    accepted,
    at,
    call_of,
    dialled,
    due,
    known_customer,
    placed,
    types,
)

PAY, HUMAN, STOP = KeyPress("1", "pay_link_requested"), KeyPress("2", "human_requested"), KeyPress("9", "opted_out")


def news(status: ProviderStatus, **changes: object) -> ProviderNews:
    return ProviderNews(SID, status, **changes)


def told(state, *statuses, **changes):
    decision = None
    for status in statuses:
        decision = decide_status_webhook(state, ATTEMPT_ID, news(status, **changes), RULES, at(5))
        state = decision.state
    return decision


def answered():
    return told(accepted(), ProviderStatus.RINGING, ProviderStatus.IN_PROGRESS).state


def pressed(state, press):
    return decide_key(state, ATTEMPT_ID, press, news(ProviderStatus.IN_PROGRESS), RULES, at(6))


def test_each_change_is_told_once():
    state, seen = accepted(), []
    for status in (ProviderStatus.QUEUED, ProviderStatus.RINGING, ProviderStatus.RINGING, ProviderStatus.IN_PROGRESS):
        decision = told(state, status)
        state, seen = decision.state, [*seen, *types(decision)]
    assert seen == ["call.ringing.v1", "call.answered.v1"]


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (ProviderStatus.COMPLETED, CallOutcome.COMPLETED),
        (ProviderStatus.BUSY, CallOutcome.BUSY),
        (ProviderStatus.NO_ANSWER, CallOutcome.NO_ANSWER),
        (ProviderStatus.FAILED, CallOutcome.FAILED),
        (ProviderStatus.CANCELED, CallOutcome.CANCELLED),
    ],
)
def test_final_statuses(status, outcome):
    decision = told(accepted(), status, duration=timedelta(seconds=42))
    [fact] = decision.ledger
    call = call_of(decision.state)
    assert (fact.outcome, fact.duration_seconds, fact.triggers) == (outcome, 42, True)
    assert (call.status, call.order.phone_number, call.order.variables) == (CallStatus.ENDED, "", {})
    assert clocks(decision.state) == {}
    assert told(decision.state, *ProviderStatus).state == decision.state


def test_news_that_come_late_change_nothing():
    state = answered()
    assert told(state, ProviderStatus.RINGING).state == state


def test_a_machine_is_hung_up_on_and_ends_as_a_machine():
    decision = told(answered(), ProviderStatus.IN_PROGRESS, machine="machine_start")
    assert types(decision) == ["call.machine_detected.v1"]
    [effect] = decision.effects
    assert isinstance(effect, HangUpCall)
    again = told(decision.state, ProviderStatus.IN_PROGRESS, machine="machine_start")
    assert again.effects == ()
    assert told(decision.state, ProviderStatus.COMPLETED).ledger[-1].outcome is CallOutcome.MACHINE


def test_who_presses_a_key_is_no_machine():
    state = pressed(answered(), PAY).state
    decision = told(state, ProviderStatus.IN_PROGRESS, machine="machine_start")
    assert decision.state == state
    state = told(answered(), ProviderStatus.IN_PROGRESS, machine="machine_start").state
    ended = told(pressed(state, PAY).state, ProviderStatus.COMPLETED)
    assert ended.ledger[-1].outcome is CallOutcome.COMPLETED


def test_a_key_is_told_once_and_named_at_the_end():
    decision = pressed(answered(), PAY)
    assert types(decision) == ["call.key_pressed.v1"]
    assert (decision.ledger[0].task_id, decision.ledger[0].triggers) == ("t-77ab01c2d3e4", True)
    assert pressed(decision.state, PAY).ledger == ()
    ended = told(decision.state, ProviderStatus.COMPLETED)
    assert ended.ledger[-1].choice == "pay_link_requested"


def test_a_key_proves_that_somebody_answered():
    decision = pressed(dialled()[0], HUMAN)
    assert types(decision) == ["call.accepted.v1", "call.answered.v1", "call.key_pressed.v1"]


def test_opting_out_stops_the_calls_that_wait():
    state = placed(answered(), idempotency_key="t/other")
    decision = pressed(state, STOP)
    assert types(decision) == ["call.key_pressed.v1", "contact.opted_out.v1", "call.cancelled.v1"]
    assert decision.ledger[1].evidence == f"call:{CALL_ID}/9"
    assert list(decision.state.opted_out) == ["service"]


def test_opting_out_counts_even_after_the_call_has_ended():
    ended = told(answered(), ProviderStatus.COMPLETED).state
    decision = pressed(ended, STOP)
    assert types(decision) == ["call.key_pressed.v1", "contact.opted_out.v1"]
    assert call_of(decision.state).status is CallStatus.ENDED


def test_a_result_after_a_cancellation_is_recorded_and_triggers_nothing():
    state = decide_cancel_call(answered(), CALL_ID, "", "payment_succeeded", RULES, at(5)).state
    key = pressed(state, PAY)
    ended = told(key.state, ProviderStatus.COMPLETED)
    assert [fact.triggers for fact in (*key.ledger, *ended.ledger)] == [False, False]


def test_a_connected_call_counts_as_such():
    assert [one.connected for one in told(accepted(), ProviderStatus.COMPLETED).state.contacts] == [True]
    assert [one.connected for one in told(accepted(), ProviderStatus.BUSY).state.contacts] == [False]


def test_news_of_an_attempt_that_the_store_forgot_are_believed():
    decision = told(placed(), ProviderStatus.RINGING)
    call = call_of(decision.state)
    assert types(decision) == ["call.reconciled.v1", "call.ringing.v1"]
    assert (call.status, call.attempt_number) == (CallStatus.RINGING, 1)


def test_news_of_an_older_attempt_do_not_move_the_newer():
    state, _ = dialled()
    state = state.with_call(replace(call_of(state), attempt_number=2, live_attempt=f"{CALL_ID}/2"))
    decision = told(state, ProviderStatus.COMPLETED)
    assert types(decision) == ["call.accepted.v1"]
    assert call_of(decision.state).open


def test_news_of_an_unknown_call_change_nothing():
    state = known_customer()
    assert told(state, ProviderStatus.RINGING).state == state
    assert pressed(state, PAY).state == state


def test_erasing_a_customer_cancels_what_waits_and_keeps_no_number():
    waiting = decide_profile(placed(), None, at().now, RULES, at())
    assert types(waiting) == ["call.cancelled.v1"]
    under_way = decide_profile(answered(), None, at().now, RULES, at())
    ended = told(under_way.state, ProviderStatus.COMPLETED).state
    for state in (waiting.state, ended):
        assert state.profile is None
        assert call_of(state).order.phone_number == ""


def test_an_older_profile_does_not_replace_a_newer():
    state = known_customer()
    older = PROFILE.model_copy(update={"jurisdiction": "CN"})
    assert decide_profile(state, older, at(-60).now, RULES, at(5)).state == state
    assert decide_profile(state, None, at(-60).now, RULES, at(5)).state == state


def test_the_same_profile_changes_nothing():
    state = known_customer()
    assert decide_profile(state, PROFILE, at().now, RULES, at(5)).state == state


def test_a_call_that_waited_for_erased_profile_is_cancelled_when_due():
    state = replace(placed(), erased=True)
    assert types(due(state)) == ["call.cancelled.v1"]
