"""At night nothing goes out, and anybody can see until when and by which rule."""

from datetime import time

from tests.e2e.customer import Customer, fields_of
from tests.e2e.people import NIGHT
from tests.e2e.stack import Stack
from tests.e2e.stories import story


@story
def test_sms_and_call_wait_for_the_morning_of_the_customers_zone(stack: Stack) -> None:
    customer = Customer.who_fails_to_pay(stack, jurisdiction="CN", language="zh-CN", hour=NIGHT)
    held = fields_of(customer.awaits("notification.held"))
    opened = fields_of(customer.awaits("task.opened"))

    zone = customer.person.zone
    morning = held["until"].astimezone(zone)
    assert morning.time() == time(8)
    assert morning - customer.ledger()[0].time.astimezone(zone) < morning - morning.replace(hour=0)
    assert held["decision"]["rule_id"] == "cn-hours-service-sms"
    assert held["decision"]["inputs"] == {"purpose": "service", "time_zone": str(zone), "jurisdiction": "CN"}
    assert opened["first_call_at"].astimezone(zone).time() == time(9)
    assert opened["decision"]["inputs"]["moved_by"] == "cn-hours-voice"

    told = stack.command("explain", "--customer", customer.customer_id).text
    for words in (f"{morning:%m-%d} 08:00:00", "cn-hours-service-sms", "cn-hours-voice", f"{morning:%m-%d} 09:00:00"):
        assert words in told
    assert (customer.texts(), customer.calls()) == ([], [])
