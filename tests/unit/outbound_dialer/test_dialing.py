"""From the queue to the provider's answer."""

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from common.errors import OutcomeUnknown, PermanentError, TransientError
from common.events.vocabulary import CallOutcome
from common.kernel.attempts import AttemptState
from services.outbound_dialer.domain.clocks import clocks
from services.outbound_dialer.domain.decisions import decide_outcome
from services.outbound_dialer.domain.effects import (
    DialCall,
    FindCall,
    Found,
    NotFound,
    Placed,
    ProviderNews,
    ProviderStatus,
    SlotDenied,
    SlotGranted,
)
from services.outbound_dialer.domain.lifecycle import CallStatus
from services.outbound_dialer.domain.orders import decide_cancel_call
from services.outbound_dialer.domain.profiles import decide_profile
from services.outbound_dialer.domain.progress import decide_status_webhook
from services.outbound_dialer.domain.state import Contact, empty_state
from tests.unit.outbound_dialer.world import (
    ATTEMPT_ID,
    CALL_ID,
    NOON,
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
    slot_asked,
    types,
)

NEW_YORK = ZoneInfo("America/New_York")
RINGING = ProviderNews(SID, ProviderStatus.RINGING)


def test_the_attempt_is_reserved_in_the_decision_that_orders_the_dial():
    state, dial = dialled()
    call = call_of(state)
    assert dial.attempt_id == ATTEMPT_ID
    assert dial.phone_number == "+12025550143"
    assert dial.ring >= timedelta(seconds=20)
    assert call.live is not None
    assert call.live.state is AttemptState.RESERVED
    assert call.status is CallStatus.DIALING
    assert [contact.call_id for contact in state.contacts] == [CALL_ID]


def test_a_call_not_yet_due_waits_for_its_earliest():
    state = placed(earliest=NOON + timedelta(minutes=10))
    assert clocks(state) == {CALL_ID: NOON + timedelta(minutes=10)}


def test_a_window_that_closes_ends_the_call():
    decision = due(placed(), 7200)
    assert types(decision) == ["call.ended.v1"]
    assert decision.ledger[0].outcome is CallOutcome.EXPIRED
    assert clocks(decision.state) == {}


def test_without_a_profile_it_waits_and_says_so_and_goes_on_when_the_profile_comes():
    state = placed(empty_state("c-000451"))
    held = due(state)
    assert types(held) == ["call.held.v1"]
    assert clocks(held.state) == {CALL_ID: NOON + timedelta(hours=2)}
    known = decide_profile(held.state, PROFILE, at(60).now, RULES, at(60)).state
    assert clocks(known) == {CALL_ID: at(60).now}
    assert slot_asked(known, 60)


def test_calling_hours_of_the_called_zone_hold_the_call_until_they_open():
    night = datetime(2026, 11, 23, 22, 30, tzinfo=NEW_YORK)
    state = placed(latest=NOON + timedelta(days=2))
    seconds = (night - NOON).total_seconds()
    held = due(state, seconds)
    opening = datetime(2026, 11, 24, 8, 0, tzinfo=NEW_YORK)
    assert types(held) == ["call.held.v1"]
    assert held.ledger[0].decision.rule_id == "us-hours-service"
    assert clocks(held.state) == {CALL_ID: opening}
    assert slot_asked(held.state, (opening - NOON).total_seconds())


def test_hours_that_never_open_in_the_window_end_the_call_at_once():
    night = datetime(2026, 11, 23, 22, 30, tzinfo=NEW_YORK)
    state = placed(latest=night + timedelta(hours=2))
    ended = due(state, (night - NOON).total_seconds())
    assert ended.ledger[0].outcome is CallOutcome.EXPIRED
    assert call_of(ended.state).reason_code == "calling_hours"


@pytest.mark.parametrize(
    ("contacts", "code", "until"),
    [
        ([Contact(NOON - timedelta(minutes=1), "t-other", "c-other")], "redial_pause", timedelta(minutes=4)),
        (
            [Contact(NOON - timedelta(hours=hours), "t-77ab01c2d3e4", "c-other") for hours in (20, 10)],
            "frequency_cap",
            timedelta(hours=4),
        ),
        (
            [Contact(NOON - timedelta(hours=hours), f"t-{hours}", "c-other") for hours in (30, 22, 10, 5)],
            "frequency_cap",
            timedelta(hours=2),
        ),
    ],
)
def test_caps_and_pauses_hold_the_call(contacts, code, until):
    state = placed(replace(known_customer(), contacts=tuple(contacts)), latest=NOON + timedelta(days=2))
    held = due(state)
    assert held.ledger[0].decision.inputs["code"] == code
    assert clocks(held.state) == {CALL_ID: NOON + until}


def test_a_customer_without_rules_is_not_called():
    profile = PROFILE.model_copy(update={"jurisdiction": "ZZ"})
    state = placed(decide_profile(known_customer(), profile, at().now, RULES, at()).state)
    held = due(state)
    assert held.ledger[0].decision.inputs["code"] == "unknown_jurisdiction"
    assert held.effects == ()


def test_a_hold_is_told_once():
    held = due(placed(empty_state("c-000451"), latest=NOON + timedelta(days=3)))
    again = due(held.state, 10)
    assert again.ledger == ()


def test_who_opted_out_meanwhile_is_not_dialled():
    state = replace(placed(), opted_out={"service": NOON})
    assert types(due(state)) == ["call.cancelled.v1"]


def test_a_slot_in_the_future_is_waited_for():
    state, effect = slot_asked()
    granted = decide_outcome(state, effect, SlotGranted(at(3).now), RULES, at(0)).state
    assert call_of(granted).status is CallStatus.SLOT_RESERVED
    assert clocks(granted) == {CALL_ID: at(3).now}
    assert isinstance(due(granted, 3).effects[0], DialCall)


def test_a_slot_that_was_missed_is_asked_for_again():
    state, effect = slot_asked()
    granted = decide_outcome(state, effect, SlotGranted(at(0).now), RULES, at(0)).state
    late = due(granted, 3)
    assert not any(isinstance(effect, DialCall) for effect in late.effects)
    assert call_of(late.state).status is CallStatus.QUEUED


def test_no_slot_backs_off_further_each_time():
    state, effect = slot_asked()
    waits = []
    for _ in range(5):
        state = decide_outcome(state, effect, SlotDenied(at(0.1).now), RULES, at(0)).state
        waits.append(clocks(state)[CALL_ID] - NOON)
    assert waits == sorted(waits)
    assert waits[-1] <= RULES.limits.max_backoff


def test_a_lost_answer_of_the_limiter_is_asked_for_again():
    state, effect = slot_asked()
    state = decide_outcome(state, effect, TransientError("store_unavailable"), RULES, at(0)).state
    assert clocks(state) == {CALL_ID: at(5).now}
    assert due(state, 5).effects


def test_accepted():
    state, effect = dialled()
    decision = decide_outcome(state, effect, Placed(SID), RULES, at(1))
    assert types(decision) == ["call.accepted.v1"]
    assert clocks(decision.state)[CALL_ID] > at(30).now
    again = decide_outcome(decision.state, effect, Placed(SID), RULES, at(1))
    assert (again.state, again.ledger) == (decision.state, ())


def test_a_429_backs_off_and_counts_no_attempt():
    state, effect = dialled()
    error = TransientError("too_many_requests", retry_after=timedelta(seconds=7), provider_code=20429)
    decision = decide_outcome(state, effect, error, RULES, at(1))
    call = call_of(decision.state)
    assert types(decision) == ["call.refused.v1"]
    assert decision.ledger[0].error_code == "20429"
    assert call.status is CallStatus.QUEUED
    assert decision.state.contacts == ()
    assert clocks(decision.state) == {CALL_ID: at(8).now}
    _, second = dialled(decision.state, 8)
    assert second.attempt_id == f"{CALL_ID}/2"


def test_refused_for_good_ends_the_call():
    state, effect = dialled()
    decision = decide_outcome(state, effect, PermanentError("number_invalid", provider_code=21211), RULES, at(1))
    assert types(decision) == ["call.refused.v1", "call.ended.v1"]
    assert decision.ledger[1].outcome is CallOutcome.FAILED
    assert decision.ledger[1].error_code == "21211"
    assert decision.state.contacts == ()


def unknown_outcome():
    state, effect = dialled()
    return decide_outcome(state, effect, OutcomeUnknown("provider_timeout"), RULES, at(10))


def test_an_unknown_outcome_is_looked_up_and_never_dialled_again_before_it_is_certain():
    decision = unknown_outcome()
    assert types(decision) == ["call.outcome_unknown.v1"]
    state, seconds, looks = decision.state, 10.0, 0
    while call_of(state).status is CallStatus.DIALING:
        seconds = (clocks(state)[CALL_ID] - NOON).total_seconds()
        looking = due(state, seconds)
        [effect] = looking.effects
        assert isinstance(effect, FindCall)
        answer = decide_outcome(looking.state, effect, NotFound(), RULES, at(seconds))
        state, looks = answer.state, looks + 1
    timing = RULES.timing
    assert timedelta(seconds=seconds) >= timing.window + timing.settle
    assert looks > 5
    assert types(answer) == ["call.reconciled.v1"]
    assert state.contacts == ()
    assert call_of(state).status is CallStatus.QUEUED


def test_a_list_entry_proves_the_call():
    looking = due(unknown_outcome().state, 10)
    decision = decide_outcome(looking.state, looking.effects[0], Found(RINGING), RULES, at(11))
    assert types(decision) == ["call.reconciled.v1", "call.ringing.v1"]
    assert decision.ledger[0].via == "list"
    assert call_of(decision.state).status is CallStatus.RINGING


def test_a_webhook_proves_the_call_while_it_is_looked_for():
    looking = due(unknown_outcome().state, 10)
    decision = decide_status_webhook(looking.state, ATTEMPT_ID, RINGING, RULES, at(11))
    assert types(decision) == ["call.reconciled.v1", "call.ringing.v1"]
    late = decide_outcome(decision.state, looking.effects[0], NotFound(), RULES, at(200))
    assert late.state == decision.state


def test_a_webhook_may_come_before_the_answer():
    state, effect = dialled()
    decision = decide_status_webhook(state, ATTEMPT_ID, RINGING, RULES, at(1))
    assert types(decision) == ["call.accepted.v1", "call.ringing.v1"]
    for answer in (Placed(SID), OutcomeUnknown("x"), TransientError("x"), PermanentError("x")):
        assert decide_outcome(decision.state, effect, answer, RULES, at(2)).state == decision.state


def test_an_answer_that_never_comes_is_noticed():
    state, _ = dialled()
    seconds = (clocks(state)[CALL_ID] - NOON).total_seconds()
    assert types(due(state, seconds)) == ["call.outcome_unknown.v1"]


def test_what_may_have_been_dialled_before_the_store_lost_writes_is_looked_up_first():
    # The store came back as it was when the slot was asked for; the grant, and perhaps a dial, are lost.
    state, _ = slot_asked()
    state, effect = slot_asked(state, 5)
    lost_until = at(1).now
    granted = decide_outcome(state, effect, SlotGranted(at(5).now), RULES, at(5, doubt_until=lost_until)).state
    decision = due(granted, 5, doubt_until=lost_until)
    assert decision.effects == ()
    assert types(decision) == ["call.dialing.v1", "call.outcome_unknown.v1"]
    looking = due(decision.state, 5, doubt_until=lost_until).effects[0]
    assert isinstance(looking, FindCall)
    assert looking.since <= NOON


def test_a_doubt_met_before_the_slot_is_kept_until_the_dial():
    healed = due(placed(), 0, healed=True)
    granted = decide_outcome(healed.state, healed.effects[0], SlotGranted(at(1).now), RULES, at(1)).state
    assert types(due(granted, 1)) == ["call.dialing.v1", "call.outcome_unknown.v1"]


def test_once_looked_up_a_doubt_is_over():
    state, seconds = due(placed(), 0, healed=True).state, 0.0
    while call_of(state).attempt_number < 2 and seconds < 600:
        seconds = (clocks(state)[CALL_ID] - NOON).total_seconds()
        decision = due(state, seconds)
        state = decision.state
        for effect in decision.effects:
            answer = NotFound() if isinstance(effect, FindCall) else SlotGranted(at(seconds).now)
            state = decide_outcome(state, effect, answer, RULES, at(seconds)).state
    assert isinstance(decision.effects[0], DialCall)


def test_a_provider_that_loses_every_call_is_given_up():
    state, seconds = placed(latest=NOON + timedelta(days=1)), 0.0
    while call_of(state).open and seconds < 3600:
        seconds += 300  # the pause between calls
        state, effect = dialled(state, seconds)
        state = decide_outcome(state, effect, OutcomeUnknown("provider_timeout"), RULES, at(seconds)).state
        seconds += 100
        looking = due(state, seconds)
        state = decide_outcome(looking.state, looking.effects[0], NotFound(), RULES, at(seconds)).state
    assert call_of(state).reason_code == "provider_loses_calls"
    assert call_of(state).attempt_number == RULES.limits.max_never_sent


def test_cancelled_while_the_outcome_is_open_it_is_not_dialled_again():
    state, effect = dialled()
    state = decide_cancel_call(state, CALL_ID, "", "payment_succeeded", RULES, at(1)).state
    decision = decide_outcome(state, effect, TransientError("too_many_requests"), RULES, at(2))
    assert types(decision) == ["call.refused.v1", "call.cancelled.v1"]
    assert clocks(decision.state) == {}


def test_a_silent_call_is_asked_for_until_the_provider_tells():
    state = accepted()
    seconds = (clocks(state)[CALL_ID] - NOON).total_seconds()
    asking = due(state, seconds)
    news = ProviderNews(SID, ProviderStatus.NO_ANSWER)
    lost = decide_outcome(asking.state, asking.effects[0], TransientError("x"), RULES, at(seconds))
    told = decide_outcome(asking.state, asking.effects[0], Found(news), RULES, at(seconds))
    gone = decide_outcome(asking.state, asking.effects[0], PermanentError("provider_not_found"), RULES, at(seconds))
    assert clocks(lost.state)[CALL_ID] == at(seconds + 60).now
    assert told.ledger[-1].outcome is CallOutcome.NO_ANSWER
    assert gone.ledger[-1].outcome is CallOutcome.FAILED
