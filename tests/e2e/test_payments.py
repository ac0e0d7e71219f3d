"""The premium is paid after all: whatever has not happened yet is cancelled, and nothing new begins."""

from tests.e2e.customer import LOOK_SECONDS, WAIT_SECONDS, Customer, fields_of
from tests.e2e.packs import CALLS_FROM
from tests.e2e.people import NIGHT, Habit
from tests.e2e.rpc import DialerClient
from tests.e2e.stack import Stack
from tests.e2e.stories import story
from tests.support.polling import eventually


@story
def test_paid_before_the_sms(stack: Stack) -> None:
    customer = Customer.who_fails_to_pay(stack, jurisdiction="CN", hour=NIGHT)
    customer.awaits("notification.held")
    paid = customer.pays()
    cancelled = fields_of(customer.awaits("notification.cancelled"))
    closed = fields_of(customer.awaits("task.closed"))
    assert cancelled["closing_fact_id"] == closed["closing_fact_id"] == paid.id
    assert closed["result"] == "paid"
    assert (customer.texts(), customer.calls()) == ([], [])


@story
def test_paid_before_the_call(stack: Stack) -> None:
    customer = Customer.who_fails_to_pay(stack, jurisdiction="UK")
    opened = fields_of(customer.awaits("task.opened"))
    assert f"{opened['first_call_at'].astimezone(customer.person.zone):%H:%M}" == CALLS_FROM
    assert opened["decision"]["inputs"]["moved_by"] == "uk-hours-calls"
    customer.awaits("notification.delivered")
    customer.pays()
    customer.awaits("task.closed", result="paid")
    assert customer.told("task.call_ordered") == []
    assert (len(customer.texts()), customer.calls()) == (1, [])


@story
def test_paid_while_the_call_waits_in_the_dialer(stack: Stack) -> None:
    customer = Customer(stack, Habit.LISTENS, jurisdiction="CN")
    customer.arrives()
    with DialerClient(stack) as dialer:  # somebody else's call: the shipped pause after it holds ours for minutes
        dialer.place_call(customer.person, "agent/1")
    customer.awaits("call.ended")
    customer.fails_to_pay()
    task = fields_of(customer.awaits("task.opened"))["task_id"]
    ours = fields_of(customer.awaits("call.queued", task_id=task))["call_id"]
    held = fields_of(customer.awaits("call.held", call_id=ours))
    assert held["decision"]["rule_id"] == "cn-dialing"
    customer.pays()
    customer.awaits("task.closed", result="paid")
    customer.awaits("call.cancelled", call_id=ours)
    customer.awaits("task.call_outcome_recorded", outcome="cancelled")
    assert len(customer.calls()) == 1


@story
def test_paid_while_the_phone_rings(stack: Stack) -> None:
    customer = Customer.who_fails_to_pay(stack, Habit.MANUAL)
    customer.awaits("call.ringing")
    customer.pays()
    customer.awaits("task.closed", result="paid")
    dialer_knows(stack, customer)
    customer.acts("answer")
    ended = fields_of(customer.awaits("call.ended"))
    assert (ended["outcome"], ended["triggers"]) == ("completed", False)
    assert [words.split(".")[0] for words in customer.heard()] == ["Thank you for your time"]
    customer.awaits("task.call_outcome_recorded", outcome="completed")
    customer.hears_no_more()
    assert (len(customer.texts()), len(customer.told("task.closed"))) == (1, 1)


@story
def test_paid_during_the_conversation(stack: Stack) -> None:
    customer = Customer.who_fails_to_pay(stack, Habit.MANUAL)
    customer.acts("answer")
    customer.awaits("call.answered")
    customer.pays()
    customer.awaits("task.closed", result="paid")
    dialer_knows(stack, customer)
    customer.acts("keys", digits="1")
    customer.awaits("call.key_pressed", key="1", meaning="pay_link_requested", triggers=False)
    ended = fields_of(customer.awaits("call.ended"))
    assert (ended["choice"], ended["triggers"]) == ("pay_link_requested", False)
    customer.awaits("task.call_outcome_recorded", outcome="completed")
    customer.hears_no_more()
    assert (len(customer.texts()), len(customer.told("task.closed"))) == (1, 1)


@story
def test_paid_after_everything(stack: Stack) -> None:
    customer = Customer.who_fails_to_pay(stack, Habit.PRESSES_1)
    customer.awaits("task.closed", result="told_how_to_pay")
    customer.awaits("notification.delivered", times=2)
    customer.pays()
    customer.hears_no_more()
    assert (len(customer.texts()), len(customer.calls()), len(customer.told("task.closed"))) == (2, 1, 1)


def dialer_knows(stack: Stack, customer: Customer) -> None:
    """Returns once the cancellation has reached the call in progress."""
    with DialerClient(stack) as dialer:

        def told() -> bool:
            [call] = dialer.call("ListCalls", {"customerId": customer.customer_id})["calls"]
            return bool(call.get("cancelledTooLate"))

        eventually(told, WAIT_SECONDS, interval=LOOK_SECONDS)
