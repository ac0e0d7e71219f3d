"""The story of one failed payment, told end to end, and the ways it may go."""

from datetime import timedelta

import pytest

from common.events.ledger import (
    TaskAttemptScheduled,
    TaskCallOrdered,
    TaskCallOutcomeRecorded,
    TaskClosed,
    TaskEscalated,
    TaskOpened,
)
from common.events.vocabulary import CallOutcome
from services.callback.domain.state import TaskStatus
from tests.unit.callback.world import NOON, World, failed, minutes, order_ids, paid, profile


@pytest.fixture
def world() -> World:
    """A known customer whose payment has just failed."""
    world = World()
    world.take(profile())
    world.take(failed())
    return world


def called(world: World) -> str:
    """Lets time pass until the next call is ordered and taken; returns its order id."""
    before = len(order_ids(world))
    assert world.task.next_call_at is not None
    world.pass_time(world.task.next_call_at - world.now)
    assert len(order_ids(world)) == before + 1
    return order_ids(world)[-1]


def test_a_failed_payment_opens_a_task_with_its_source_and_deadline(world: World) -> None:
    opened = world.told(TaskOpened)[0]
    assert (opened.scenario_id, opened.policy_id, opened.owner_queue) == ("N2", "P-1", "premium_care")
    assert opened.source_sentence == "客户线上自助缴费失败场景下,公司通过电话主动服务,解决相关问题"
    assert opened.first_call_at == NOON + minutes(8)
    assert opened.resolve_by.isoformat() == "2027-01-20T05:00:00+00:00"  # 60 days after the due date, New York
    assert opened.decision is not None
    assert (opened.decision.rule_id, opened.decision.pack_version) == ("N2.open", world.pack.version)
    assert world.pending == []


def test_the_call_is_ordered_when_it_is_due(world: World) -> None:
    world.pass_time(minutes(8) - timedelta(seconds=1))
    assert order_ids(world) == []
    world.pass_time(timedelta(seconds=1))
    order = world.dialer.book[0]
    assert order.order_id == f"{world.task.id}/1"
    assert order.request.phone_number == "+12025550143"
    assert (order.request.flow, order.request.language) == ("payment_failed", "en")
    assert order.request.earliest == world.now
    assert order.request.latest.isoformat() == "2026-11-24T02:00:00+00:00"  # 21:00 in New York
    assert (order.context.task_id, order.context.scenario) == (world.task.id, "N2")
    assert order.context.correlation_id == world.task.origin.fact_id
    assert world.told(TaskCallOrdered)[0].order_id == order.order_id


@pytest.mark.parametrize(
    ("choice", "result"), [("pay_link_requested", "told_how_to_pay"), ("opted_out", "refused_calls")]
)
def test_a_key_closes_the_task_with_its_result(world: World, choice: str, result: str) -> None:
    world.call_ended(called(world), CallOutcome.COMPLETED, choice)
    closed = world.told(TaskClosed)[0]
    assert (closed.result, closed.closing_fact) == (result, None)
    assert world.task.status is TaskStatus.CLOSED
    world.pass_time(timedelta(days=70))
    assert len(order_ids(world)) == 1


def test_a_wish_for_a_person_goes_to_the_owner_queue(world: World) -> None:
    world.call_ended(called(world), CallOutcome.COMPLETED, "human_requested")
    assert world.told(TaskEscalated)[0].queue == "premium_care"
    assert (world.task.status, world.task.queue_reason) == (TaskStatus.ESCALATED, "human_requested")


@pytest.mark.parametrize(
    ("outcome", "pause"),
    [
        (CallOutcome.BUSY, minutes(5)),
        (CallOutcome.NO_ANSWER, timedelta(hours=2)),
        (CallOutcome.MACHINE, timedelta(hours=2)),
        (CallOutcome.FAILED, minutes(30)),
        (CallOutcome.COMPLETED, timedelta(days=1)),
    ],
)
def test_who_was_not_reached_is_called_again(world: World, outcome: CallOutcome, pause: timedelta) -> None:
    order_id = called(world)
    world.call_ended(order_id, outcome)
    recorded, scheduled = world.told(TaskCallOutcomeRecorded)[0], world.told(TaskAttemptScheduled)[0]
    assert (recorded.order_id, recorded.outcome) == (order_id, outcome)
    assert (scheduled.attempt_number, scheduled.at) == (2, world.now + pause)
    assert called(world) == f"{world.task.id}/2"


def test_two_attempts_a_day_then_the_next_morning_and_a_person_after_six(world: World) -> None:
    started = []
    while world.task.open and world.task.status is not TaskStatus.ESCALATED:
        order_id = called(world)
        started.append(world.now - NOON)
        world.call_ended(order_id, CallOutcome.NO_ANSWER)
    hours = [round(start.total_seconds() / 3600, 1) for start in started]
    # 12:08 and 14:08, then from 8:00 on: the cap counts 24 hours, so the third waits until 12:08 of the next day
    assert hours == [0.1, 2.1, 24.1, 26.1, 48.1, 50.1]
    assert world.task.queue_reason == "attempts_used_up"


@pytest.mark.parametrize("stage", ["at once", "ordered", "placed", "redial", "escalated"])
def test_a_payment_ends_everything_at_any_moment(world: World, stage: str) -> None:
    if stage != "at once":
        world.pass_time(minutes(8), perform=stage != "ordered")
    if stage in {"redial", "escalated"}:
        choice = "human_requested" if stage == "escalated" else None
        outcome = CallOutcome.COMPLETED if choice else CallOutcome.BUSY
        world.call_ended(order_ids(world)[0], outcome, choice)
    orders = len(world.told(TaskCallOrdered))
    payment = world.take(paid())
    world.pass_time(timedelta(days=90))
    closed = world.told(TaskClosed)
    assert [(fact.result, fact.closing_fact_id) for fact in closed] == [("paid", payment.id)]
    assert len(world.told(TaskCallOrdered)) == orders
    assert world.state.order is None
    assert world.dialer.cancelled == (
        {f"{world.task.id}/1": "premium.payment_succeeded.v1"} if stage in {"ordered", "placed"} else {}
    )


def test_the_result_of_a_call_in_progress_is_recorded_and_triggers_nothing(world: World) -> None:
    order_id = called(world)
    world.dialer.dial(world.state.customer_id, order_id)
    world.take(paid())
    world.perform_all()
    assert world.state.order is not None
    world.call_ended(order_id, CallOutcome.NO_ANSWER)
    assert world.told(TaskCallOutcomeRecorded)[0].outcome is CallOutcome.NO_ANSWER
    assert world.told(TaskAttemptScheduled) == []
    assert (world.task.result, world.state.order) == ("paid", None)


def test_an_unresolved_task_ends_with_the_grace_period(world: World) -> None:
    world.call_ended(called(world), CallOutcome.COMPLETED, "human_requested")
    world.pass_time(world.task.deadline - world.now)
    closed = world.told(TaskClosed)[0]
    assert (closed.result, closed.decision.rule_id if closed.decision else "") == ("grace_period_ended", "N2.deadline")
