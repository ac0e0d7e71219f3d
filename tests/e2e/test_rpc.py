"""The dialer's API seen from outside: found by reflection, precise in its errors, watched while a story goes on."""

import threading
from datetime import UTC, datetime, timedelta

import grpc
import pytest

from tests.e2e.customer import WAIT_SECONDS, Customer, fields_of
from tests.e2e.people import Habit
from tests.e2e.rpc import SERVICE, DialerClient, Json, call_order, details_of
from tests.e2e.stack import Stack
from tests.e2e.stories import story
from tests.support.polling import eventually

HEALTH = "grpc.health.v1.Health"


@story
def test_services_are_found_by_reflection_and_healthy(stack: Stack) -> None:
    with DialerClient(stack) as dialer:
        assert {SERVICE, HEALTH} <= set(dialer.services())
        assert dialer.call("Check", {"service": SERVICE}, HEALTH) == {"status": "SERVING"}
        assert dialer.call("Check", {}, HEALTH) == {"status": "SERVING"}


@story
def test_the_same_key_is_the_same_call_or_an_error_that_names_it(stack: Stack) -> None:
    customer = Customer(stack)
    customer.arrives()
    in_an_hour = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    order = call_order(customer.person, "once", earliest=in_an_hour)
    with DialerClient(stack) as dialer:
        first, again = dialer.call("PlaceCall", order), dialer.call("PlaceCall", order)
        assert (first["created"], again.get("created", False)) == (True, False)
        assert again["call"]["callId"] == first["call"]["callId"]
        with pytest.raises(grpc.RpcError) as caught:
            dialer.call("PlaceCall", order | {"language": "zh-CN"})
        code, details = details_of(caught.value)
        assert (code, details["ErrorInfo"]["reason"]) == ("ALREADY_EXISTS", "IDEMPOTENCY_KEY_REUSED")
        assert details["ResourceInfo"]["resourceName"] == first["call"]["callId"]
        target = {"customerId": customer.customer_id, "idempotencyKey": order["idempotencyKey"]}
        cancelled = dialer.call("CancelCall", target | {"reasonCode": "no_longer_needed"})
        assert cancelled["result"] == "CANCEL_RESULT_CANCELLED"
    customer.awaits("call.cancelled")
    assert len(customer.told("call.queued")) == 1
    assert customer.calls() == []


@story
def test_a_bad_request_names_each_wrong_field(stack: Stack) -> None:
    customer = Customer(stack)
    with DialerClient(stack) as dialer:
        for fields, wrong in (
            ({"phoneNumber": "555-0143"}, ["phone_number"]),
            ({"phoneNumber": "+12"}, ["phone_number"]),
            ({"phoneNumber": "12", "latest": "2001-01-01T00:00:00Z"}, ["phone_number", "latest"]),
            ({"customerId": "no body"}, ["customer_id"]),
            ({"flow": "unknown"}, ["flow"]),
        ):
            with pytest.raises(grpc.RpcError) as caught:
                dialer.place_call(customer.person, "bad", **fields)
            code, details = details_of(caught.value)
            named = [violation["field"] for violation in details["BadRequest"]["fieldViolations"]]
            assert (code, named) == ("INVALID_ARGUMENT", wrong)
        with pytest.raises(grpc.RpcError) as caught:
            dialer.call("GetCall", {"customerId": customer.customer_id, "callId": "c-000000000000"})
        assert details_of(caught.value)[0] == "NOT_FOUND"
    assert customer.ledger() == []


@story
def test_a_call_is_watched_from_the_queue_to_its_end(stack: Stack) -> None:
    customer = Customer(stack, Habit.PRESSES_1)
    customer.arrives()
    with DialerClient(stack) as dialer:
        seen: list[Json] = []
        watcher = threading.Thread(target=_watch, args=(dialer, customer.customer_id, seen))
        watcher.start()
        customer.fails_to_pay()
        watcher.join(WAIT_SECONDS)
        ended = fields_of(customer.awaits("call.ended"))
        assert seen[-1]["status"] == "CALL_STATUS_ENDED"
        assert seen[-1]["outcome"] == "CALL_OUTCOME_COMPLETED"
        assert seen[-1]["keys"] == [{"key": "1", "meaning": "pay_link_requested"}]
        assert [int(call["revision"]) for call in seen] == sorted({int(call["revision"]) for call in seen})
        assert {call["callId"] for call in seen} == {ended["call_id"]}
        assert all(call["maskedPhoneNumber"] == "+12*******81" for call in seen)

        target = {"customerId": customer.customer_id}
        assert dialer.call("GetCall", target | {"callId": ended["call_id"]})["call"] == seen[-1]
        assert dialer.call("ListCalls", target)["calls"] == [seen[-1]]


def _watch(dialer: DialerClient, customer_id: str, seen: list[Json]) -> None:
    for change in dialer.stream("WatchCalls", {"customerIds": [customer_id]}):
        seen.append(change["call"])
        if change["call"]["status"] == "CALL_STATUS_ENDED":
            return


@story
def test_who_refused_calls_is_not_called_for_others_either(stack: Stack) -> None:
    customer = Customer(stack, Habit.PRESSES_9)
    customer.arrives()
    with DialerClient(stack) as dialer:
        dialer.place_call(customer.person, "first")
        customer.awaits("contact.opted_out")
        with pytest.raises(grpc.RpcError) as caught:
            eventually(lambda: dialer.place_call(customer.person, "second"))
        code, details = details_of(caught.value)
    assert (code, details["ErrorInfo"]["reason"]) == ("FAILED_PRECONDITION", "OPTED_OUT")
    assert details["ErrorInfo"]["metadata"] == {"rule_id": "voice.opt_out"}
