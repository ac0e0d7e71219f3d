"""What became of a call: knowledge only grows, and nothing is sent again before it is known."""

from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import permutations, product

import pytest

from common.errors import AppError, OutcomeUnknown, PermanentError, TransientError
from common.kernel.decision import Effect
from services.notifier.domain.effects import FindSms, MessageSeen, NothingFound, SendSms
from services.notifier.domain.model import ENDED, MAX_ENDED, Status
from services.notifier.domain.receipts import RANK, Receipt, advanced
from tests.unit.notifier.stage import NOON, TIMING, Stage, failed, paid


@dataclass
class Sending:
    stage: Stage
    effect: SendSms


@pytest.fixture
def sending() -> Sending:
    stage = Stage()
    stage.fact(failed())
    (effect,) = stage.ring()
    assert isinstance(effect, SendSms)
    return Sending(stage, effect)


def test_accepted_then_delivered(sending: Sending) -> None:
    stage = sending.stage
    stage.outcome(sending.effect, MessageSeen("SM1", Receipt.QUEUED))
    assert stage.status() is Status.ACCEPTED
    assert (stage.only.to, stage.only.text) == ("", "")
    stage.receipt("sent")
    stage.receipt("delivered")
    assert stage.status() is Status.DELIVERED
    assert stage.types[-3:] == ["notification.accepted", "notification.sent", "notification.delivered"]
    assert stage.only.clock is None


def test_a_webhook_before_the_answer_proves_acceptance(sending: Sending) -> None:
    stage = sending.stage
    stage.receipt("delivered")
    stage.outcome(sending.effect, MessageSeen("SM1", Receipt.QUEUED))
    assert stage.types[-2:] == ["notification.accepted", "notification.delivered"]
    assert stage.status() is Status.DELIVERED


@pytest.mark.parametrize("error", [TransientError("too_many_requests"), TransientError("not_started")])
def test_what_was_never_processed_is_tried_again_without_counting(sending: Sending, error: AppError) -> None:
    stage = sending.stage
    stage.outcome(sending.effect, error)
    assert stage.status() is Status.WAITING
    stage.later(minutes=1)
    (again,) = stage.ring()
    assert isinstance(again, SendSms)
    assert again.attempt_id != sending.effect.attempt_id
    reserved = [fact for fact in stage.told if fact.TYPE == "notification.attempt_reserved.v1"]
    assert reserved[-1].decision is not None
    assert reserved[-1].decision.inputs["attempt"] == 1


def test_the_outcome_of_an_older_try_changes_nothing(sending: Sending) -> None:
    stage = sending.stage
    stage.outcome(sending.effect, TransientError("too_many_requests"))
    stage.later(minutes=1)
    stage.ring()
    before = stage.state
    stage.outcome(sending.effect, TransientError("too_many_requests"))
    stage.outcome(sending.effect, PermanentError("number_invalid"))
    assert stage.state == before


def test_a_permanent_refusal_ends_it_with_the_providers_code(sending: Sending) -> None:
    stage = sending.stage
    stage.outcome(sending.effect, PermanentError("number_invalid", provider_code=21211))
    assert stage.status() is Status.FAILED
    assert stage.types[-2:] == ["notification.refused", "notification.failed"]


def unknown(sending: Sending) -> Effect:
    """The answer was lost; returns the look-up that follows."""
    sending.stage.outcome(sending.effect, OutcomeUnknown("provider_timeout"))
    (effect,) = sending.stage.ring()
    assert isinstance(effect, FindSms)
    return effect


def test_an_unknown_outcome_that_is_found_is_not_sent_again(sending: Sending) -> None:
    stage = sending.stage
    stage.outcome(unknown(sending), MessageSeen("SM1", Receipt.SENT))
    assert stage.types[-3:] == ["notification.reconciled", "notification.accepted", "notification.sent"]
    assert stage.status() is Status.SENT


def test_an_early_look_up_that_finds_nothing_proves_nothing(sending: Sending) -> None:
    stage = sending.stage
    stage.outcome(unknown(sending), NothingFound(stage.now))
    assert stage.status() is Status.SENDING
    assert stage.only.clock is not None


def test_only_after_the_settle_time_it_is_sent_again(sending: Sending) -> None:
    stage = sending.stage
    effect = unknown(sending)
    stage.now = NOON + TIMING.window + TIMING.settle
    stage.outcome(effect, NothingFound(stage.now))
    assert stage.types[-1] == "notification.reconciled"
    (again,) = stage.ring()
    assert isinstance(again, SendSms)
    assert again.attempt_id.endswith("/2")


def test_a_payment_that_came_while_it_was_unknown_ends_it_even_if_it_happened_before_the_message_was_made() -> None:
    stage = Stage(now=NOON + timedelta(minutes=10))  # the failure of noon was handled late
    stage.fact(failed())
    (sent,) = stage.ring()
    stage.outcome(sent, OutcomeUnknown("provider_timeout"))
    stage.fact(paid(at=NOON + timedelta(minutes=5)))
    stage.now += TIMING.window + TIMING.settle
    (effect,) = stage.ring()
    stage.outcome(effect, NothingFound(stage.now))
    assert stage.ring() == []
    assert stage.status() is Status.CANCELLED


def test_an_attempt_that_shows_up_before_it_is_repeated_is_not_repeated(sending: Sending) -> None:
    stage = sending.stage
    effect = unknown(sending)
    stage.now = NOON + TIMING.window + TIMING.settle
    stage.outcome(effect, NothingFound(stage.now))
    stage.receipt("sent", attempt=sending.effect.attempt_id)
    assert stage.status() is Status.SENT
    assert stage.ring() == []


@pytest.mark.parametrize("outcome", [TransientError("too_many_requests"), OutcomeUnknown("provider_timeout")])
def test_an_attempt_that_shows_up_during_the_next_one_ends_the_repeating(sending: Sending, outcome: AppError) -> None:
    stage = sending.stage
    effect = unknown(sending)
    stage.now = NOON + TIMING.window + TIMING.settle
    stage.outcome(effect, NothingFound(stage.now))
    (again,) = stage.ring()
    stage.receipt("sent", attempt=sending.effect.attempt_id)
    stage.outcome(again, outcome)
    stage.now += TIMING.window + TIMING.settle
    for look in stage.ring():
        stage.outcome(look, NothingFound(stage.now))
    assert stage.status() is Status.ACCEPTED
    assert not any(isinstance(effect, SendSms) for effect in stage.ring())
    stage.receipt("delivered", attempt=sending.effect.attempt_id)
    assert stage.status() is Status.DELIVERED


def test_a_receipt_of_an_attempt_that_lost_writes_forgot_ends_the_search_for_an_older_one(sending: Sending) -> None:
    stage = sending.stage
    unknown(sending)
    stage.receipt("delivered", attempt=f"{sending.effect.item_id}/2")
    assert stage.status() is Status.DELIVERED
    assert stage.only.tries == 2


def test_a_receipt_finds_a_message_whose_attempt_lost_writes_forgot() -> None:
    stage = Stage()
    stage.fact(failed())
    stage.receipt("sent", attempt=f"{stage.only.notification_id}/1")
    assert stage.status() is Status.SENT
    assert stage.ring() == []


def test_an_equal_text_waits_until_the_one_under_way_is_known_because_the_list_could_not_tell_them_apart(
    sending: Sending,
) -> None:
    stage = sending.stage
    unknown(sending)
    stage.fact(failed("f-2"))
    second = next(item for item in stage.state.notifications.values() if item.status is Status.WAITING)
    assert stage.ring() == []
    assert stage.types[-1] == "notification.held"
    stage.outcome(sending.effect, MessageSeen("SM1", "queued"))
    stage.now = NOON + TIMING.window + TIMING.settle
    [again] = [effect for effect in stage.ring() if isinstance(effect, SendSms)]
    assert again.item_id == second.notification_id


def test_a_message_in_doubt_is_looked_for_since_its_fact_happened_however_long_it_was_held() -> None:
    night = NOON.replace(hour=3)
    stage = Stage(now=night, doubt_until=night)
    stage.fact(replace(failed(), happened_at=night, since=night, in_doubt=True))
    assert stage.ring() == []  # quiet hours
    stage.now = NOON
    stage.ring()
    (look,) = stage.ring()
    assert isinstance(look, FindSms)
    assert look.since <= night


def test_a_failed_look_up_leaves_the_doubt(sending: Sending) -> None:
    stage = sending.stage
    effect = unknown(sending)
    before = stage.state
    for error in (TransientError("provider_unreachable"), PermanentError("provider_not_found")):
        stage.outcome(effect, error)
    assert stage.state == before


def test_an_attempt_that_shows_up_after_settling_is_told(sending: Sending) -> None:
    stage = sending.stage
    effect = unknown(sending)
    stage.now = NOON + TIMING.window + TIMING.settle
    stage.outcome(effect, NothingFound(stage.now))
    stage.ring()
    first = sending.effect.attempt_id
    stage.receipt("delivered", sid="SM-late", attempt=first)
    stage.receipt("delivered", sid="SM-late", attempt=first)
    late = [fact for fact in stage.told if fact.TYPE == "notification.reconciled.v1"]
    assert len(late) == 2


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_receipts_in_any_order_and_number_give_the_same_state(count: int) -> None:
    for chosen in product(Receipt, repeat=count):
        ends = {_after(order) for order in permutations(chosen)}
        assert len(ends) == 1, chosen
        assert _after((*chosen, *chosen)) in ends


def _after(receipts: tuple[Receipt, ...]) -> Status:
    status = Status.ACCEPTED
    for receipt in receipts:
        status = advanced(status, receipt)
    return status


def test_a_receipt_never_moves_back_or_revives_what_was_not_sent() -> None:
    for status, receipt in product(Status, Receipt):
        after = advanced(status, receipt)
        if status not in RANK:
            assert after is status
        else:
            assert RANK[after] >= RANK[status]


def test_ended_messages_are_kept_up_to_a_bound() -> None:
    stage = Stage()
    for number in range(MAX_ENDED + 7):
        stage.later(seconds=1)
        stage.fact(failed(f"f-{number}", policy_id=f"P-{number}"))
        (effect,) = stage.ring()
        stage.outcome(effect, MessageSeen(f"SM{number}", Receipt.DELIVERED))
    assert len(stage.state.notifications) == MAX_ENDED
    assert all(item.status in ENDED for item in stage.state.notifications.values())
    assert f"f-{MAX_ENDED + 6}" in {item.origin.fact_id for item in stage.state.notifications.values()}
    assert stage.now - NOON == timedelta(seconds=MAX_ENDED + 7)
