"""Journeys and scenarios as decide functions use them, on the shipped pack."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from common.events.ledger import CallKeyPressed, TaskClosed
from common.events.upstream import PremiumPaymentFailed, PremiumPaymentSucceeded
from common.events.vocabulary import CallOutcome, Purpose
from common.packs import AfterCall, ClosingFact, ContactChannel, Mode, condition_variables
from tests.support.packs import shipped_pack

PACK = shipped_pack()
N2 = PACK.scenarios["N2"]
SHANGHAI = ZoneInfo("Asia/Shanghai")
FAILED = PremiumPaymentFailed.example().model_dump()
PAID = PremiumPaymentSucceeded.example().model_dump()


def test_a_failed_payment_is_told_by_sms_at_once() -> None:
    (rule,) = PACK.journeys_for(PremiumPaymentFailed.TYPE)
    assert rule.applies(condition_variables(FAILED, None))
    assert (rule.channel, rule.purpose, rule.send) == (ContactChannel.SMS, Purpose.SERVICE, timedelta())
    assert rule.merge_value(FAILED) == "P-2024-000451|2026-11-20"
    assert rule.merge_value({"policy_id": "P-1"}) == "P-1|"


@pytest.mark.parametrize(
    ("key", "applies"),
    [
        ({"meaning": "pay_link_requested"}, True),
        ({"meaning": "human_requested"}, False),
        ({"meaning": "pay_link_requested", "triggers": True}, True),
        ({"meaning": "pay_link_requested", "triggers": False}, False),  # paid during the call
    ],
)
def test_the_key_for_how_to_pay_is_answered_by_sms(key: Mapping[str, object], applies: bool) -> None:
    (rule,) = PACK.journeys_for(CallKeyPressed.TYPE)
    assert rule.applies(condition_variables({**CallKeyPressed.example().model_dump(), **key}, None)) is applies
    assert rule.asked_by_customer


def test_facts_without_rules_start_nothing() -> None:
    assert not PACK.journeys_for("claim.paid.v1")
    assert not PACK.scenarios_for("claim.paid.v1")


@pytest.mark.parametrize(
    ("closing", "closes"),
    [
        (PAID, True),
        ({**PAID, "due_date": "2026-11-20"}, True),  # read back from JSON
        ({**PAID, "due_date": None}, True),  # a payment for the whole policy
        ({**PAID, "due_date": "2027-11-20"}, False),
        ({**PAID, "policy_id": "P-other"}, False),
        ({**PAID, "policy_id": None}, False),
    ],
)
def test_a_payment_closes_message_and_task_of_its_premium(closing: Mapping[str, object], closes: bool) -> None:
    (rule,) = PACK.journeys_for(PremiumPaymentFailed.TYPE)
    assert rule.closed_by(FAILED, PremiumPaymentSucceeded.TYPE, closing) is closes
    assert N2.closed_by(FAILED, PremiumPaymentSucceeded.TYPE, closing) is closes
    assert not N2.closed_by(FAILED, PremiumPaymentFailed.TYPE, closing)


@pytest.mark.parametrize(("result", "closes"), [("paid", True), ("told_how_to_pay", False)])
def test_the_answer_to_a_key_is_dropped_when_its_task_was_paid(result: str, closes: bool) -> None:
    (rule,) = PACK.journeys_for(CallKeyPressed.TYPE)
    closed = {**TaskClosed.example().model_dump(), "result": result}
    assert rule.closed_by(CallKeyPressed.example().model_dump(), TaskClosed.TYPE, closed) is closes


def test_a_field_the_opening_fact_lacks_closes_nothing() -> None:
    fact = ClosingFact(type="premium.payment_succeeded.v1", match=("policy_id",))
    assert not fact.closes({}, "premium.payment_succeeded.v1", {"policy_id": "P-1"})


def test_n2_says_what_it_is_and_where_it_comes_from() -> None:
    assert PACK.scenarios_for(PremiumPaymentFailed.TYPE) == (N2,)
    assert N2.applies(condition_variables(FAILED, None))
    assert N2.mode is Mode.OFFLINE_PROACTIVE
    assert N2.first_call_after <= N2.first_call_within == timedelta(minutes=10)
    assert N2.source.text == "客户线上自助缴费失败场景下,公司通过电话主动服务,解决相关问题"
    assert [step.channel.value for step in N2.ladder] == ["sms", "voice_bot", "voice_human"]
    assert N2.merge_value(FAILED) == "P-2024-000451|2026-11-20"


@pytest.mark.parametrize(
    ("outcome", "meaning", "expected"),
    [
        (CallOutcome.BUSY, None, AfterCall(redial_after=timedelta(minutes=5))),
        (CallOutcome.NO_ANSWER, None, AfterCall(redial_after=timedelta(hours=2))),
        (CallOutcome.MACHINE, None, AfterCall(redial_after=timedelta(hours=2))),
        (CallOutcome.COMPLETED, "pay_link_requested", AfterCall(result="told_how_to_pay")),
        (CallOutcome.COMPLETED, "opted_out", AfterCall(result="refused_calls")),
        (CallOutcome.COMPLETED, "human_requested", AfterCall(escalate=True)),
        (CallOutcome.COMPLETED, "something_new", AfterCall(escalate=True)),
        (CallOutcome.CANCELLED, None, AfterCall(escalate=True)),
    ],
)
def test_what_follows_a_call(outcome: CallOutcome, meaning: str | None, expected: AfterCall) -> None:
    assert N2.after_call(outcome, meaning) == expected


@pytest.mark.parametrize(
    ("data", "deadline"),
    [
        ({"due_date": "2026-11-20", "grace_ends_on": "2026-12-31"}, "2027-01-01T00:00+08:00"),
        ({"due_date": "2026-11-20", "grace_ends_on": None}, "2027-01-20T00:00+08:00"),
        ({"due_date": FAILED["due_date"]}, "2027-01-20T00:00+08:00"),
        ({"due_date": datetime(2026, 11, 20, 5, tzinfo=UTC)}, "2027-01-20T00:00+08:00"),
        ({}, "2026-03-03T00:00+08:00"),  # counted from the opening, 1 January there already
    ],
)
def test_the_deadline_is_the_end_of_the_grace_period_where_the_customer_lives(
    data: Mapping[str, object], deadline: str
) -> None:
    opened_at = datetime(2025, 12, 31, 20, tzinfo=UTC)
    assert N2.deadline_at(data, opened_at, SHANGHAI) == datetime.fromisoformat(deadline)


def test_the_demo_overlay_changes_waiting_and_nothing_else() -> None:
    demo = shipped_pack("demo").scenarios["N2"]
    assert demo.first_call_within == timedelta(seconds=10)
    assert demo.outcomes[CallOutcome.BUSY].redial_after == timedelta(seconds=10)
    changed = {"first_call_after", "first_call_within", "outcomes", "attempts"}
    assert demo.model_dump(exclude=changed) == N2.model_dump(exclude=changed)
    assert shipped_pack("demo").journeys == PACK.journeys
