"""Records and documents that nobody can work with: each fact ends as a letter that says why, and delays no other."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from common.kafka.dead_letters import Position
from common.kernel.document import MAX_DOCUMENT_BYTES
from tests.chaos.customers import Customer
from tests.integration.service.bad_input import BAD, STRAY_NUMBER
from tests.integration.service.world import WAIT_SECONDS, World
from tests.support.polling import eventually

SOON = timedelta(seconds=10)
"""For a good event behind a bad one; it takes some milliseconds on a machine that does nothing else."""


@dataclass(frozen=True)
class Day:
    """What was put in, where, and the letters it became."""

    world: World
    bad: Mapping[str, Position]
    behind: Mapping[str, Customer]
    told_at: Mapping[str, datetime]
    letters: Mapping[Position, Mapping[str, Any]]


@pytest.fixture(scope="module")
def day(world: World) -> Day:
    """All bad records, each with a good one right behind it in its partition."""
    bad: dict[str, Position] = {}
    told_at: dict[str, datetime] = {}
    behind = dict(zip(BAD, world.customers(len(BAD)), strict=True))
    for name, customer in behind.items():
        record = BAD[name]
        bad[name] = world.send(
            record.value(customer),
            key=record.key(customer),
            headers=record.headers(customer),
            topic=record.topic,
            partition=customer.shard,
        )
        told_at[name] = datetime.now(UTC)
        world.tell(customer.payment_failed())
    for customer in behind.values():
        world.hears(customer)
    letters = eventually(lambda: all_of(world, bad), WAIT_SECONDS, interval=0.5)
    return Day(world, bad, behind, told_at, letters)


def all_of(world: World, wanted: Mapping[str, Position]) -> Mapping[Position, Mapping[str, Any]]:
    letters = world.letters()
    missing = [name for name, at in wanted.items() if at not in letters]
    assert not missing, missing
    return letters


@pytest.mark.parametrize("name", BAD)
def test_it_ends_as_a_letter_that_says_why(day: Day, name: str) -> None:
    letter, bad = day.letters[day.bad[name]], BAD[name]
    assert (letter["code"], letter["field"], letter["services"]) == (bad.code, bad.field, ["notifier"])
    assert letter["reason"]
    assert letter["remedy"]
    assert not letter["replayed"]


@pytest.mark.parametrize("name", BAD)
def test_what_came_right_behind_it_was_not_delayed(day: Day, name: str) -> None:
    customer = day.behind[name]
    [message] = day.world.carrier.book("message", to=customer.phone_number)
    assert datetime.fromisoformat(str(message["at"])) - day.told_at[name] < SOON


def test_it_is_not_taken_for_a_bug_and_ends_no_process(day: Day) -> None:
    notifier = day.world.notifier
    assert (notifier.exit_code, notifier.starts) == (None, 1)
    assert notifier.metric("nineconnect_bugs_total") == 0
    assert notifier.complaints() == {}
    assert notifier.events("intake_waits") == []


def test_each_is_counted_and_logged_once(day: Day) -> None:
    logged = [(line["topic"], line["partition"], line["offset"]) for line in day.world.notifier.events("dead_lettered")]
    for at in day.bad.values():
        assert logged.count((at.topic, at.partition, at.offset)) == 1


def test_the_list_for_people_shows_no_key_that_may_be_personal(day: Day) -> None:
    shown = day.world.cli("dlq", "list", "--last", "1000")
    assert "wrong_key" in shown
    assert STRAY_NUMBER not in shown


def test_replayed_without_being_mended_it_is_a_new_letter_of_the_same_record(day: Day) -> None:
    at = day.bad["missing field"]
    day.world.replay(at)

    def came_again() -> bool:
        return any(letter["replay_of"] == str(at) for letter in day.world.letters().values())

    assert eventually(came_again, WAIT_SECONDS, interval=0.5)
    assert day.world.letters()[at]["replayed"]


Spoil = Callable[[Any, str], None]


def with_garbage(redis: Any, key: str) -> None:
    redis.hset(key, "d", b"\x00garbage")


def with_another_shape(redis: Any, key: str) -> None:
    redis.hset(key, "d", orjson.dumps({"state": {"customer_id": 7}}))


def of_a_later_release(redis: Any, key: str) -> None:
    redis.hset(key, "s", 99)


def too_large_to_grow(redis: Any, key: str) -> None:
    document = orjson.loads(redis.hget(key, "d"))
    document["state"]["profile"]["region"] = "x" * MAX_DOCUMENT_BYTES
    redis.hset(key, "d", orjson.dumps(document))


def half_gone(redis: Any, key: str) -> None:
    redis.hdel(key, "s")


def of_another_kind(redis: Any, key: str) -> None:
    redis.delete(key)
    redis.set(key, b"garbage")


SPOILT: list[tuple[Spoil, str]] = [
    (with_garbage, "document_unreadable"),
    (with_another_shape, "document_unreadable"),
    (of_a_later_release, "document_unreadable"),
    (half_gone, "document_unreadable"),
    (of_another_kind, "document_unreadable"),
    (too_large_to_grow, "document_too_large"),
]


@pytest.mark.parametrize(("spoil", "code"), SPOILT, ids=lambda part: getattr(part, "__name__", ""))
def test_a_document(world: World, spoil: Spoil, code: str) -> None:
    customer, neighbour = world.customers(2)
    world.settles(customer)
    key = world.document_key(customer)
    whole: Any = world.redis.hgetall(key)
    spoil(world.redis, key)

    at = world.tell(customer.payment_failed())
    world.tell(neighbour.payment_failed())

    world.hears(neighbour)
    letter = world.letter(at)
    assert letter["code"] == code
    assert letter["reason"]
    assert letter["remedy"]
    world.redis.delete(key)
    world.redis.hset(key, mapping=whole)
    world.replay(at)
    world.hears(customer)
    world.settles(customer)
    world.hears(customer)


def test_a_webhook_for_it_is_no_bug_of_ours(world: World) -> None:
    customer = world.customer()
    world.tell(customer.payment_failed())
    world.settles(customer)
    key = world.document_key(customer)
    body = world.redis.hget(key, "d")
    with_garbage(world.redis, key)
    answered = world.webhook(customer, MessageStatus="delivered")
    world.redis.hset(key, "d", body)
    assert answered == 503
    assert [line for line in world.notifier.log().splitlines() if "Traceback" in line or "ASGI" in line] == []


def test_nothing_of_it_ended_the_process(world: World) -> None:
    assert (world.notifier.exit_code, world.notifier.starts) == (None, 1)
    assert world.notifier.complaints() == {}
