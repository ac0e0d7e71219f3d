"""Servers that hang, die and come back: intake waits and says why, loses nothing, doubles nothing."""

import os
import signal
from collections.abc import Callable

import pytest

from cli.kafka_records import read_topic
from common.events.topics import POLICY_EVENTS, dlq_of
from common.kafka.dead_letters import Position, parse
from tests.chaos.customers import Customer
from tests.integration.service.world import WAIT_SECONDS, World
from tests.support.polling import eventually


def redis_hangs(world: World) -> Callable[[], None]:
    pid = world.redis_server.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    return lambda: os.kill(pid, signal.SIGCONT)


def redis_dies(world: World) -> Callable[[], None]:
    world.redis_server.kill()
    return world.redis_server.start


def complains_of(world: World, condition: str) -> None:
    """Returns once readiness names the condition, with a reason and what to do."""

    def said() -> bool:
        complaint = world.notifier.complaints().get(condition)
        return complaint is not None and bool(complaint["reason"]) and bool(complaint["remedy"])

    assert eventually(said, WAIT_SECONDS, interval=0.1)


def letters_of(world: World, at: Position) -> int:
    """How many letters there are of one record, doubles counted."""
    records = read_topic(world.kafka.bootstrap, dlq_of(POLICY_EVENTS), partitions=[at.partition])
    found = [parse(key=record.key, value=record.value, headers=record.headers) for record in records]
    return sum(letter.original == at for letter in found)


def well_again(world: World, customers: list[Customer]) -> None:
    """Everybody was told once, everything is published and audited, and the service is ready."""
    for customer in customers:
        world.hears(customer)
    for customer in customers:
        world.settles(customer)
        world.hears(customer)
    eventually(world.notifier.is_ready, WAIT_SECONDS)


@pytest.mark.parametrize("outage", [redis_hangs, redis_dies])
def test_without_redis_intake_waits_and_dead_letters_nothing(
    world: World, outage: Callable[[World], Callable[[], None]]
) -> None:
    customers = world.customers(6)
    before, during = customers[:3], customers[3:]
    for customer in before:
        world.tell(customer.payment_failed())
    comes_back = outage(world)
    for customer in during:
        world.tell(customer.payment_failed())
    bad = [world.send(b"no json", key=customer.customer_id.encode()) for customer in during]
    complains_of(world, "redis_reachable")
    complains_of(world, "intake")
    written = [letters_of(world, at) for at in bad]
    comes_back()
    well_again(world, customers)
    for at in bad:
        world.audited_past(at)
    assert written == [0, 0, 0]
    assert [letters_of(world, at) for at in bad] == [1, 1, 1]


def test_without_kafka_it_says_so_and_goes_on_afterwards(world: World) -> None:
    customers = world.customers(6)
    before, after = customers[:3], customers[3:]
    for customer in before:
        world.tell(customer.payment_failed())
    world.let_go_of_kafka()
    world.kafka.kill()
    complains_of(world, "kafka_reachable")
    world.kafka.start()
    for customer in after:
        world.tell(customer.payment_failed())
    well_again(world, customers)
    for customer in customers:
        assert "notification.delivered.v1" in world.told(customer)
