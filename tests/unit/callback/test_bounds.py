"""A customer's document stays small whatever comes."""

from datetime import date, timedelta

import pytest

from common.errors import InvalidEvent
from common.events.vocabulary import CallOutcome
from common.kernel.document import MAX_DOCUMENT_BYTES, DocumentCodec
from services.callback.domain.bounds import (
    MAX_CLOSED_TASKS,
    MAX_CLOSINGS,
    MAX_CONTACTS,
    MAX_HELD_FACTS,
    MAX_KEPT_ORDERS,
    MAX_OPEN_TASKS,
)
from services.callback.domain.state import CallbackState, EndedOrder
from services.callback.handlers import CALLBACK
from tests.unit.callback.world import NOON, World, failed, minutes, order_ids, paid, profile

WIDEST = "W" * 120
"""References may be 128 characters long."""

CODEC = DocumentCodec(CALLBACK)


def size_of(state: CallbackState) -> int:
    return len(CODEC.encode(state, 1_000_000, dict.fromkeys(("policy-events.v1", "outreach-events.v1"), 10**12)))


def test_years_of_failures_and_payments_keep_the_document_bounded() -> None:
    world = World()
    world.take(profile())
    for number in range(400):
        day = date(2026, 12, 1) + timedelta(days=number // 4)
        policy_id = f"{WIDEST}{number % 4}"
        world.take(failed(policy_id, day, reason_code=WIDEST))
        world.pass_time(timedelta(hours=7))
        if world.state.order:
            world.call_ended(world.state.order.order_id, CallOutcome.COMPLETED, "pay_link_requested")
        if number % 3:
            world.take(paid(policy_id, day))
        assert size_of(world.state) < MAX_DOCUMENT_BYTES
    assert len(world.state.tasks) <= MAX_OPEN_TASKS + MAX_CLOSED_TASKS
    assert len(world.state.closings) <= MAX_CLOSINGS
    assert len(world.state.contacts) <= MAX_CONTACTS
    assert len(order_ids(world)) > MAX_CONTACTS


def test_the_fullest_document_fits() -> None:
    """Every list full, every reference as long as it may be."""
    world = World()
    world.take(profile())
    for number in range(MAX_CLOSED_TASKS + MAX_CLOSINGS):
        world.take(failed(f"{WIDEST}{number}", reason_code=WIDEST))
        world.take(paid(f"{WIDEST}{number}"))
    for number in range(MAX_OPEN_TASKS):
        world.take(failed(f"{WIDEST}-{number}", reason_code=WIDEST))
    ended = EndedOrder(1, NOON, NOON, CallOutcome.NO_ANSWER, "pay_link_requested", "c-5a6b7c8d9e0f")
    for task in world.state.tasks:
        world.state = world.state.with_task(
            type(task)(**{name: getattr(task, name) for name in task.__slots__} | {"orders": (ended,) * 9})
        )
    world.pass_time(minutes(9))
    assert len(world.state.open_tasks) == MAX_OPEN_TASKS
    assert max(len(task.orders) for task in world.state.tasks) == MAX_KEPT_ORDERS
    assert size_of(world.state) < MAX_DOCUMENT_BYTES * 0.9


@pytest.mark.parametrize("widest", [True, False])
def test_held_facts_are_bounded_and_the_rest_is_refused(widest: bool) -> None:
    world = World()
    more = {"product_name": "名" * 120, "bank_name": "名" * 120, "reason_code": WIDEST} if widest else {}

    def hold_forever() -> None:
        for number in range(MAX_HELD_FACTS + 1):
            world.take(failed(f"P-{number}", **more), fact_id=f"{'i' * 200}{number}" if widest else "")

    with pytest.raises(InvalidEvent, match="too_many_held_facts"):
        hold_forever()
    assert len(world.state.held) >= (18 if widest else MAX_HELD_FACTS)
    assert size_of(world.state) < MAX_DOCUMENT_BYTES * 0.9


def test_old_things_are_forgotten() -> None:
    world = World()
    world.take(profile())
    world.take(failed())
    world.take(paid())
    world.pass_time(timedelta(days=32))
    world.take(failed("P-2"))
    assert [task.data["policy_id"] for task in world.state.tasks] == ["P-2"]
    assert world.state.closings == ()
