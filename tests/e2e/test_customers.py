"""Facts about customers nobody knows yet, and facts that are told twice."""

import orjson

from tests.e2e.customer import Customer
from tests.e2e.people import Habit
from tests.e2e.stack import Stack
from tests.e2e.stories import story


@story
def test_an_unknown_customers_fact_is_held_shown_and_goes_on_with_the_profile(stack: Stack) -> None:
    customer = Customer(stack, Habit.PRESSES_1)
    fact = customer.fails_to_pay()
    for service in ("notifier", "callback"):
        customer.awaits("fact.held", service=service, fact_id=fact.id)
    held = orjson.loads(stack.command("held", "list", "--json").text)
    [shown] = [one for one in held if one["customer_id"] == customer.customer_id]
    assert (shown["fact_id"], shown["services"]) == (fact.id, ["callback", "notifier"])

    customer.arrives()
    for service in ("notifier", "callback"):
        customer.awaits("fact.released", service=service, fact_id=fact.id)
    customer.awaits("task.closed", result="told_how_to_pay")
    customer.awaits("notification.delivered", times=2)
    assert (len(customer.texts()), len(customer.calls())) == (2, 1)
    assert customer.customer_id not in stack.command("held", "list", "--json").text


@story
def test_the_same_event_twice_does_everything_once(stack: Stack) -> None:
    customer = Customer(stack, Habit.PRESSES_1)
    customer.arrives()
    fact = customer.fails_to_pay()
    stack.tell(fact)
    customer.awaits("task.closed", result="told_how_to_pay")
    customer.awaits("notification.delivered", times=2)
    stack.tell(fact)
    customer.pays()
    customer.hears_no_more()
    assert (len(customer.texts()), len(customer.calls()), len(customer.told("task.opened"))) == (2, 1, 1)
    assert stack.services["notifier"].metric("nineconnect_events_in_total", outcome="seen") >= 2
