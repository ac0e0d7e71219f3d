"""A good event takes effect once, in whatever shape and however often it comes; a webhook that is not good has none."""

from dataclasses import replace
from typing import Any

import orjson
import pytest

from common.events.codec import encode, encode_binary
from common.events.topics import CUSTOMER_PARTITIONS
from common.events.upstream import EmergencyDeclared, PolicyIssued
from services.notifier.domain.model import MAX_HELD
from tests.chaos.customers import Customer
from tests.integration.service.bad_input import event
from tests.integration.service.world import WAIT_SECONDS, World
from tests.support.polling import eventually


def taken(world: World, outcome: str) -> float:
    return world.notifier.metric("nineconnect_events_in_total", topic="policy-events.v1", outcome=outcome)


def letter_codes(world: World, customer: Customer) -> list[str]:
    return [letter["code"] for letter in world.letters().values() if letter["customer"] == customer.customer_id]


def test_the_same_event_twice_is_one_message(world: World) -> None:
    customer, before = world.customer(), taken(world, "seen")
    failed = customer.payment_failed()
    world.tell(failed)
    world.tell(failed)
    eventually(lambda: taken(world, "seen") == before + 1, WAIT_SECONDS)
    world.settles(customer)
    world.hears(customer)
    assert letter_codes(world, customer) == []


def test_the_same_id_with_other_content_is_a_letter(world: World) -> None:
    customer = world.customer()
    world.tell(customer.payment_failed())
    other = event(customer, id=customer.payment_failed().id)
    other["data"]["amount"] = "1.00"
    world.send(orjson.dumps(other), key=customer.customer_id.encode())
    eventually(lambda: letter_codes(world, customer) == ["event_id_reused"], WAIT_SECONDS, interval=0.5)
    world.settles(customer)
    world.hears(customer)


def test_binary_mode(world: World) -> None:
    customer = world.customer()
    record = encode_binary(customer.payment_failed())
    world.send(record.value, key=record.key, headers=record.headers)
    world.hears(customer)


def test_without_any_header(world: World) -> None:
    customer = world.customer()
    world.send(encode(customer.payment_failed()).value, key=customer.customer_id.encode())
    world.hears(customer)


def test_in_a_partition_that_another_partitioner_chose(world: World) -> None:
    customer = world.customer()
    healed = world.notifier.metric("nineconnect_audit_gaps_healed_total")
    record = encode(customer.payment_failed())
    astray = (customer.shard + 1) % CUSTOMER_PARTITIONS
    at = world.send(record.value, key=record.key, headers=record.headers, partition=astray)
    world.hears(customer)
    world.audited_past(at)
    assert world.notifier.metric("nineconnect_audit_gaps_healed_total") == healed
    world.hears(customer)


def test_of_an_unknown_customer_it_is_held_until_the_profile_comes(world: World) -> None:
    customer = world.stranger()
    failed = customer.payment_failed()
    world.tell(failed)
    [held] = eventually(lambda: held_of(world, customer), WAIT_SECONDS, interval=0.5)
    assert (held["fact_id"], held["fact_type"], held["services"]) == (failed.id, failed.type, ["notifier"])
    assert held["reason"]
    world.tell(customer.profile())
    world.hears(customer)
    world.settles(customer)
    assert held_of(world, customer) == []
    assert world.told(customer)[:2] == ["fact.held.v1", "fact.released.v1"]


def test_more_than_can_be_held_is_a_letter_and_goes_on_when_it_is_replayed(world: World) -> None:
    customer = world.stranger()
    failed = customer.payment_failed()
    for number in range(MAX_HELD):
        world.tell(replace(failed, id=f"{failed.id}-{number}"))
    last = world.tell(failed)
    assert world.letter(last)["code"] == "held_list_full"
    world.tell(customer.profile())
    world.hears(customer)  # one message for them all: they are of one policy and due date
    world.replay(last)
    world.hears(customer, 2)
    world.settles(customer)
    world.hears(customer, 2)


def held_of(world: World, customer: Customer) -> list[dict[str, Any]]:
    return [fact for fact in world.held() if fact["customer_id"] == customer.customer_id]


@pytest.mark.parametrize("fact", [EmergencyDeclared.example(), PolicyIssued.example()], ids=lambda fact: fact.TYPE)
def test_what_no_rule_asks_for_is_passed_over(world: World, fact: EmergencyDeclared | PolicyIssued) -> None:
    key = str(getattr(fact, fact.KEY_FIELD)) if fact.KEY_FIELD else world.customer().customer_id
    before = taken(world, "ignored")
    told = replace(world.customer().payment_failed(), id=f"e-{key}", type=fact.TYPE, customer_id=key, data=fact)
    at = world.tell(told)
    eventually(lambda: taken(world, "ignored") == before + 1, WAIT_SECONDS)
    assert at not in world.letters()


STRANGER = "Mallory Specimen"
PATH = "/webhooks/twilio/messages/"


def refusals(world: World) -> list[object]:
    return [line["reason"] for line in world.notifier.events("webhook_refused")]


FORGED: dict[str, tuple[str, bytes, dict[str, str]]] = {
    "without signature": ("x", b"MessageSid=SM1&MessageStatus=delivered", {}),
    "wrong signature": ("x", b"MessageSid=SM1&MessageStatus=delivered", {"X-Twilio-Signature": "bm9uc2Vuc2U="}),
    "signature that is no text": ("x", b"", {"X-Twilio-Signature": "\xe9\xff"}),
    "no form": ("x", b"\xff\xfe\x00" * 100, {"X-Twilio-Signature": "x"}),
    "somebody's name": ("x", f"MessageStatus={STRANGER}".encode(), {"X-Twilio-Signature": STRANGER}),
    "very large": ("x", b"MessageStatus=" + b"x" * 1_000_000, {}),
    "path in another alphabet": ("%E2%98%83%00", b"MessageStatus=sent", {}),
}


@pytest.mark.parametrize("name", FORGED)
def test_forged(world: World, name: str) -> None:
    reference, body, headers = FORGED[name]
    before = len(refusals(world))
    assert world.notifier.post(PATH + reference, body, headers)[0] == 403
    assert refusals(world)[before:] == ["signature_invalid"]
    assert STRANGER not in world.notifier.log()


def test_signed_for_a_reference_that_we_never_sealed(world: World) -> None:
    before = len(refusals(world))
    assert world.signed(PATH + "bm90LXNlYWxlZA", MessageSid="SM1", MessageStatus="delivered") == 403
    assert refusals(world)[before:] == ["reference_forged"]


def test_repeated_and_out_of_order_it_changes_nothing(world: World) -> None:
    customer = world.customer()
    world.tell(customer.payment_failed())
    eventually(lambda: "notification.delivered.v1" in world.told(customer), WAIT_SECONDS, interval=0.5)
    world.settles(customer)
    before = world.told(customer)
    for status in ("delivered", "queued", "sent", "delivered", "a word of next year"):
        assert world.webhook(customer, MessageStatus=status) == 204
    world.settles(customer)
    assert world.told(customer) == before


@pytest.mark.parametrize("form", [{}, {"MessageStatus": ""}, {"MessageStatus": "sent"}, {"MessageSid": "x" * 10_000}])
def test_signed_and_malformed_it_is_ignored(world: World, form: dict[str, str]) -> None:
    customer = world.customer()
    world.tell(customer.payment_failed())
    world.hears(customer)
    assert world.signed_as(customer, form) in {204, 400}
    world.settles(customer)
    assert world.notifier.metric("nineconnect_bugs_total", entrypoint="http") == 0


def test_other_methods_and_paths_are_unknown(world: World) -> None:
    assert world.notifier.get(PATH + "x")[0] == 405
    assert world.notifier.post("/webhooks/unheard-of", b"")[0] == 404
