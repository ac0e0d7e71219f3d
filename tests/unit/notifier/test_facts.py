"""Facts in: what is told, held, joined, cancelled."""

from dataclasses import replace
from datetime import timedelta

import pytest

from common.errors import InvalidEvent
from services.notifier.domain.effects import MessageSeen
from services.notifier.domain.model import MAX_CLOSINGS, MAX_HELD, MAX_OPEN, NotifierState, Status
from tests.support.packs import pack_with
from tests.unit.notifier.stage import MARIA, NOON, RULES, Stage, failed, paid


def test_a_failed_payment_plans_one_message_due_at_once() -> None:
    stage = Stage()
    stage.fact(failed())
    assert stage.types == ["notification.scheduled"]
    assert (stage.only.status, stage.only.act_at) == (Status.WAITING, NOON)


def test_the_ledger_never_holds_the_number_or_the_name() -> None:
    stage = Stage()
    stage.fact(failed())
    stage.ring()
    told = " ".join(fact.model_dump_json() for fact in stage.told)
    assert "+12025550143" not in told
    assert "Maria" not in told


def test_the_same_failure_again_joins_the_message_that_waits() -> None:
    stage = Stage()
    stage.fact(failed("f-1"))
    stage.fact(failed("f-2", reason_code="card_expired"))
    assert stage.types == ["notification.scheduled", "fact.ignored"]
    assert stage.only.data["reason_code"] == "card_expired"


def test_the_same_fact_again_makes_no_second_message_even_if_its_seen_mark_was_lost() -> None:
    stage = Stage()
    stage.fact(failed())
    [send] = stage.ring()
    stage.outcome(send, MessageSeen("SM1", "queued"))
    stage.fact(failed())
    assert stage.types[-1] == "fact.ignored"
    assert stage.status() is Status.ACCEPTED
    assert stage.ring() == []


def test_payment_cancels_what_has_not_left() -> None:
    stage = Stage()
    stage.fact(failed())
    stage.fact(paid())
    assert stage.types == ["notification.scheduled", "notification.cancelled"]
    assert stage.status() is Status.CANCELLED
    assert stage.ring() == []


def test_payment_of_another_policy_cancels_nothing() -> None:
    stage = Stage()
    stage.fact(failed())
    stage.fact(paid(policy_id="P-2"))
    assert stage.status() is Status.WAITING


def test_a_failure_that_arrives_after_its_later_payment_is_not_told() -> None:
    stage = Stage()
    stage.fact(paid(at=NOON + timedelta(seconds=5)))
    stage.fact(failed())
    assert stage.types == ["notification.suppressed"]
    assert stage.state.notifications == {}


def test_a_failure_after_an_older_payment_is_told() -> None:
    stage = Stage()
    stage.fact(paid(at=NOON - timedelta(days=30)))
    stage.fact(failed())
    assert stage.types == ["notification.scheduled"]


def test_a_fact_of_an_unknown_customer_waits_for_the_profile() -> None:
    stage = Stage(NotifierState("c-1"))
    stage.fact(failed())
    assert stage.types == ["fact.held"]
    stage.profile(MARIA)
    assert stage.types == ["fact.held", "fact.released", "notification.scheduled"]
    assert stage.state.held == ()


def test_a_held_fact_that_was_paid_meanwhile_is_not_told() -> None:
    stage = Stage(NotifierState("c-1"))
    stage.fact(failed())
    stage.fact(paid(at=NOON + timedelta(hours=1)))
    stage.profile(MARIA)
    assert "notification.scheduled" not in stage.types
    assert stage.types[-1] == "notification.suppressed"


def test_a_held_fact_that_the_pack_cannot_judge_does_not_keep_the_profile_out() -> None:
    pack = pack_with(journeys="id: payment_failed_sms\nwhen: event.bank_name == 'Example Bank'\n")
    stage = Stage(NotifierState("c-1"), rules=replace(RULES, pack=pack))
    stage.fact(failed())
    stage.profile(MARIA)
    assert stage.state.profile == MARIA
    assert stage.types == ["fact.held", "fact.released", "fact.ignored"]


def test_held_facts_are_bounded() -> None:
    stage = Stage(NotifierState("c-1"))
    for number in range(MAX_HELD):
        stage.fact(failed(f"f-{number}", policy_id=f"P-{number}"))
    with pytest.raises(InvalidEvent, match="held_list_full"):
        stage.fact(failed("one-more"))


def test_only_a_newer_profile_counts() -> None:
    stage = Stage()
    stage.profile(replace(MARIA, language="zh-CN", told_at=MARIA.told_at - timedelta(days=1)))
    assert stage.state.profile == MARIA
    newer = replace(MARIA, language="zh-CN", told_at=NOON)
    stage.profile(newer)
    assert stage.state.profile == newer


def test_erasure_cancels_and_forgets() -> None:
    stage = Stage()
    stage.fact(failed())
    stage.erase()
    assert stage.state == NotifierState("c-1", erased_at=NOON)
    assert stage.types[-1] == "notification.cancelled"
    stage.fact(failed("f-2"))
    assert stage.types[-1] == "fact.ignored"


def test_what_was_said_before_an_erasure_does_not_come_back() -> None:
    stage = Stage()
    stage.erase()
    stage.profile(MARIA)
    assert stage.state == NotifierState("c-1", erased_at=NOON)
    newer = replace(MARIA, told_at=NOON + timedelta(days=1))
    stage.profile(newer)
    assert stage.state.profile == newer
    stage.fact(failed())  # happened before the erasure
    assert stage.types[-1] == "fact.ignored"


def test_an_erasure_that_comes_late_leaves_a_newer_profile() -> None:
    stage = Stage()
    newer = replace(MARIA, told_at=NOON + timedelta(days=1))
    stage.profile(newer)
    stage.erase()
    assert stage.state.profile == newer


def test_open_messages_and_remembered_payments_are_bounded() -> None:
    stage = Stage()
    for number in range(MAX_OPEN + 5):
        stage.fact(failed(f"f-{number}", policy_id=f"P-{number}"))
        stage.fact(paid(f"s-{number}", policy_id=f"Q-{number}"))
    assert len(stage.state.notifications) == MAX_OPEN
    assert len(stage.state.closings) == MAX_CLOSINGS
    assert stage.types[-1] == "notification.suppressed"
