"""A failed payment becomes one SMS in the customer's language, and its receipt comes back."""

from tests.e2e.customer import Customer
from tests.e2e.people import Habit
from tests.e2e.stack import Stack
from tests.e2e.stories import story

SENT_ONCE = (
    "notification.scheduled",
    "notification.attempt_reserved",
    "notification.accepted",
    "notification.sent",
    "notification.delivered",
)


@story
def test_told_in_english_why_the_payment_failed(stack: Stack) -> None:
    customer = Customer(stack, jurisdiction="UK")
    causes = {customer.arrives().id, customer.fails_to_pay("51").id}  # whichever came second set it going
    customer.awaits("notification.delivered")
    [text] = customer.texts()
    person = customer.person
    assert text == (
        f"Example Life: {person.name}, the premium of $365.40 due {person.due_date:%B} {person.due_date.day}, "
        f"{person.due_date.year} for policy ..{person.policy_id[-4:]} was not paid: not enough money in the account. "
        "You stay covered for now; please pay again in the app. If you have paid, ignore this. Help: +1 202-555-0199"
    )
    types = [told for told in customer.types("notifier") if not told.startswith("fact.")]
    assert sorted(types) == sorted(SENT_ONCE)
    assert {event.correlation_id for event in customer.ledger()} <= causes


@story
def test_told_in_chinese_why_the_payment_failed(stack: Stack) -> None:
    customer = Customer(stack, language="zh-CN", jurisdiction="UK")
    customer.arrives()
    customer.fails_to_pay("51")
    customer.awaits("notification.delivered")
    [text] = customer.texts()
    due = customer.person.due_date
    assert text == (
        f"【示例人寿】{customer.person.name}您好，您尾号{customer.person.policy_id[-4:]}的保单应于"
        f"{due.year}年{due.month}月{due.day}日交纳的保费365.40美元未交费成功，原因：账户余额不足。"
        "保障在宽限期内继续有效，请在App内重新交费。如已交费请忽略，咨询+1 202-555-0199。"
    )


@story
def test_a_code_that_no_table_knows_is_told_in_general_words(stack: Stack) -> None:
    customer = Customer(stack, jurisdiction="UK")
    customer.arrives()
    customer.fails_to_pay("X-77")
    customer.awaits("notification.delivered")
    [text] = customer.texts()
    assert "was not paid: the bank did not accept it." in text
    assert "X-77" not in text


@story
def test_what_cannot_be_delivered_is_recorded_with_the_carriers_code(stack: Stack) -> None:
    customer = Customer.who_fails_to_pay(stack, Habit.UNDELIVERABLE, jurisdiction="UK")
    customer.awaits("notification.undelivered", error_code="30005")
    assert len(customer.texts()) == 1
