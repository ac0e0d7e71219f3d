"""The call that follows: what a key means, and what follows from it."""

from datetime import timedelta

from common.packs import load_packs
from tests.e2e.customer import Customer, fields_of
from tests.e2e.packs import OVERLAY
from tests.e2e.people import Habit
from tests.e2e.stack import Stack
from tests.e2e.stories import story

HOTLINE = "+12025550199"
"""Of the rule pack; at the sandbox, a person at the page of phones."""

FIRST_CALL_WITHIN = timedelta(seconds=10)
CALLED_ONCE = ("call.queued", "call.dialing", "call.accepted", "call.key_pressed", "call.ended")


@story
def test_key_1_tells_by_sms_how_to_pay_and_closes_the_task(stack: Stack) -> None:
    customer = Customer.who_fails_to_pay(stack, Habit.PRESSES_1)
    opened = fields_of(customer.awaits("task.opened"))
    closed = fields_of(customer.awaits("task.closed"))
    customer.awaits("notification.delivered", times=2)

    assert (closed["task_id"], closed["result"]) == (opened["task_id"], "told_how_to_pay")
    assert opened["source_sentence"] == "客户线上自助缴费失败场景下,公司通过电话主动服务,解决相关问题"
    assert customer.heard() == [
        "Hello, this is Example Life. I am an automated assistant, calling about a premium payment.",
        "To be told by text message how to pay, press 1. To speak to a person, press 2. To stop such calls, press 9.",
        "You will get a text message at once. Goodbye.",
    ]
    first, second = customer.texts()
    assert "was not paid: not enough money in the account" in first
    assert "here is how to pay your premium" in second
    assert set(CALLED_ONCE) <= set(customer.types("dialer"))
    assert len(customer.calls()) == 1
    [task] = customer.tasks()
    assert (task["status"], task["result"], task["attempts"]) == ("closed", "told_how_to_pay", 1)


@story
def test_the_call_speaks_chinese_to_who_does(stack: Stack) -> None:
    customer = Customer.who_fails_to_pay(stack, Habit.PRESSES_1, language="zh-CN", jurisdiction="CN")
    customer.awaits("task.closed", result="told_how_to_pay")
    assert customer.heard() == [
        "您好，这里是示例人寿，我是自动语音助手，来电是为了提醒您续期交费的事项。",
        "需要短信告知交费方式请按1，转接人工服务请按2，不希望再接到此类来电请按9。",
        "好的，交费方式马上以短信发送给您，再见。",
    ]
    customer.awaits("notification.delivered", times=2)
    assert customer.texts()[1].startswith("【示例人寿】您好，按您的要求告知交费方式")


@story
def test_the_first_call_comes_within_the_time_that_the_rule_allows(stack: Stack) -> None:
    customer = Customer.who_fails_to_pay(stack, Habit.PRESSES_1)
    opened = fields_of(customer.awaits("task.opened"))
    ordered = customer.awaits("task.call_ordered")
    happened = min(event.time for event in customer.ledger())
    assert opened["first_call_at"] - happened <= FIRST_CALL_WITHIN
    assert ordered.time >= opened["first_call_at"]


@story
def test_the_whole_story_is_explained_rule_by_rule(stack: Stack) -> None:
    customer = Customer(stack, Habit.PRESSES_1)
    causes = {customer.arrives().id, customer.fails_to_pay().id}  # whichever came second set it going
    customer.awaits("task.closed")
    customer.awaits("notification.delivered", times=2)
    steps = customer.explained()

    assert sorted(step["id"] for step in steps) == sorted(event.id for event in customer.ledger())
    assert [step["time"] for step in steps] == sorted(step["time"] for step in steps)
    decided = {step["type"]: step["decision"] for step in steps if step["decision"]}
    assert {decision["pack_version"] for decision in decided.values()} == {load_packs(stack.policies, OVERLAY).version}
    assert {event_type: decision["rule_id"] for event_type, decision in decided.items()} == {
        "notification.scheduled.v1": "pay_link_requested_sms",
        "notification.attempt_reserved.v1": "pay_link_requested_sms",
        "task.opened.v1": "N2.open",
        "task.call_ordered.v1": "N2.call",
        "call.queued.v1": "dialer.order",
        "call.dialing.v1": "dialer.dial",
        "task.closed.v1": "N2.meanings.pay_link_requested",
    }
    assert all(decision["inputs"] and decision["reason"] for decision in decided.values())
    assert {step["correlation_id"] for step in steps} <= causes

    table = stack.command("explain", "--customer", customer.customer_id).text
    for words in (
        "payment_failed_sms",
        "N2.open",
        "attempts_in_all=3",
        "the call gave a result",
        str(customer.person.zone),
    ):
        assert words in table


@story
def test_key_2_connects_to_a_person_and_hands_the_task_over(stack: Stack) -> None:
    customer = Customer.who_fails_to_pay(stack, Habit.PRESSES_2)
    customer.acts("answer", number=HOTLINE)
    customer.acts("hang-up", number=HOTLINE)
    escalated = fields_of(customer.awaits("task.escalated"))
    assert escalated["queue"] == "premium_care"
    assert escalated["decision"]["inputs"]["code"] == "human_requested"
    assert customer.heard()[-1] == "I am connecting you to a person. Please hold."
    [task] = customer.tasks()
    assert (task["status"], task["queue"]) == ("escalated", "premium_care")
    assert task["fields"]["policy_id"] == customer.person.policy_id
    assert (len(customer.texts()), len(customer.calls())) == (1, 1)


@story
def test_key_9_stops_such_calls_for_ever(stack: Stack) -> None:
    customer = Customer.who_fails_to_pay(stack, Habit.PRESSES_9)
    refusal = fields_of(customer.awaits("contact.opted_out"))
    assert (refusal["channel"], refusal["scope"]) == ("voice", "service")
    customer.awaits("task.closed", result="refused_calls")

    customer.fails_to_pay(policy="P-another")
    escalated = fields_of(customer.awaits("task.escalated"))
    assert escalated["decision"]["inputs"]["code"] == "calls_refused"
    customer.awaits("notification.delivered", times=2)
    assert len(customer.calls()) == 1


@story
def test_who_listens_and_presses_nothing_is_called_again_later(stack: Stack) -> None:
    customer = Customer.who_fails_to_pay(stack, Habit.LISTENS)
    again = fields_of(customer.awaits("task.attempt_scheduled"))
    ended = fields_of(customer.awaits("call.ended", outcome="completed"))
    assert (ended["answered"], ended["choice"], again["attempt_number"]) == (True, None, 2)
    menu, goodbye = customer.heard()[1], customer.heard()[-1]
    assert customer.heard().count(menu) == 3
    assert goodbye.startswith("Thank you for your time.")
    assert customer.told("task.closed") == []


@story
def test_who_hangs_up_is_called_again_later(stack: Stack) -> None:
    customer = Customer.who_fails_to_pay(stack, Habit.HANGS_UP)
    again = customer.awaits("task.attempt_scheduled")
    customer.awaits("call.ended", outcome="completed", answered=True, choice=None)
    assert fields_of(again)["at"] - again.time == timedelta(minutes=1)  # the demo's time after "completed"
