"""Calls that reach nobody: again by the rule, then a person."""

from datetime import timedelta
from itertools import pairwise

from tests.e2e.customer import Customer, fields_of
from tests.e2e.people import Habit
from tests.e2e.stack import Stack
from tests.e2e.stories import story

ATTEMPTS = 3
REDIAL_AFTER = timedelta(seconds=2)


def reaches_nobody(stack: Stack, habit: Habit, outcome: str) -> None:
    customer = Customer.who_fails_to_pay(stack, habit)
    escalated = fields_of(customer.awaits("task.escalated"))
    assert escalated["queue"] == "premium_care"
    assert escalated["decision"]["inputs"] == {"code": "attempts_used_up", "attempts": ATTEMPTS, "orders": ATTEMPTS}

    assert len(customer.calls()) == ATTEMPTS
    recorded = customer.told("task.call_outcome_recorded", outcome=outcome)
    assert len(recorded) == ATTEMPTS
    planned = customer.told("task.attempt_scheduled")
    assert [fields_of(event)["attempt_number"] for event in planned] == [2, 3]
    for event in planned:
        assert fields_of(event)["at"] - event.time >= REDIAL_AFTER
        assert fields_of(event)["decision"]["rule_id"] in {"N2.redial", "us-dialing"}
    for before, after in pairwise(customer.told("call.dialing")):
        assert after.time - before.time >= REDIAL_AFTER
    [task] = customer.tasks()
    assert (task["status"], task["fields"]["last_outcome"]) == ("escalated", outcome)


@story
def test_busy(stack: Stack) -> None:
    reaches_nobody(stack, Habit.BUSY, "busy")


@story
def test_no_answer(stack: Stack) -> None:
    reaches_nobody(stack, Habit.NO_ANSWER, "no_answer")


@story
def test_an_answering_machine(stack: Stack) -> None:
    reaches_nobody(stack, Habit.MACHINE, "machine")


@story
def test_calls_that_fail(stack: Stack) -> None:
    reaches_nobody(stack, Habit.CALL_FAILS, "failed")


@story
def test_reached_at_the_third_attempt(stack: Stack) -> None:
    customer = Customer.who_fails_to_pay(stack, Habit.THIRD_TIME)
    customer.awaits("task.closed", result="told_how_to_pay")
    outcomes = [fields_of(event)["outcome"] for event in customer.told("task.call_outcome_recorded")]
    assert outcomes == ["no_answer", "busy", "completed"]
    assert len(customer.calls()) == ATTEMPTS


@story
def test_a_number_that_the_carrier_refuses_for_good_goes_to_a_person_at_once(stack: Stack) -> None:
    customer = Customer.who_fails_to_pay(stack, Habit.REFUSED)
    customer.awaits("notification.failed", error_code="21211")
    customer.awaits("call.refused", permanent=True, error_code="21211")
    escalated = fields_of(customer.awaits("task.escalated"))
    assert escalated["decision"]["inputs"]["code"] == "refused_by_provider"
    assert len(customer.told("call.dialing")) == 1
    assert (customer.texts(), customer.calls()) == ([], [])
