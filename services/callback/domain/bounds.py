"""Keeps a customer's document small: what is kept, how much of it, and for how long."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice

from services.callback.domain.state import CallbackState, HeldFact, Task

MAX_OPEN_TASKS = 10
"""More open tasks for one person are a fault upstream; the fact goes to the dead letters and can be replayed."""

MAX_CLOSED_TASKS = 20
KEEP_CLOSED = timedelta(days=30)

MAX_HELD_FACTS = 50
MAX_HELD_BYTES = 36_000
HELD_OVERHEAD_BYTES = 300
"""Names, times and quotes around what a held fact brings itself."""

MAX_CLOSINGS = 30
KEEP_CLOSINGS = timedelta(days=31)
"""Longer than a fact may be late (30 days), so that one that was overtaken by its closing fact is always recognised."""

MAX_CONTACTS = 50
KEEP_CONTACTS = timedelta(days=30)

MAX_DATA_CHARACTERS = 700
MAX_KEPT_ORDERS = 6
KEPT_FIELDS_WHEN_CLOSED = 3
KEPT_ORDERS_WHEN_CLOSED = 2


def pruned(state: CallbackState, now: datetime) -> CallbackState:
    """The same without what is too old or too much; open tasks and held facts are bounded where they come in."""
    closed = [task for task in state.tasks if task.closed_at and task.closed_at > now - KEEP_CLOSED]
    kept = {task.id for task in closed[-MAX_CLOSED_TASKS:]}
    return replace(
        state,
        tasks=tuple(_short(task) for task in state.tasks if task.open or task.id in kept),
        closings=tuple(closing for closing in state.closings if closing.at > now - KEEP_CLOSINGS)[-MAX_CLOSINGS:],
        contacts=tuple(contact for contact in state.contacts if contact.at > now - KEEP_CONTACTS)[-MAX_CONTACTS:],
    )


def _short(task: Task) -> Task:
    if task.open:
        return replace(task, orders=task.orders[-MAX_KEPT_ORDERS:]) if len(task.orders) > MAX_KEPT_ORDERS else task
    return replace(
        task,
        orders=task.orders[-KEPT_ORDERS_WHEN_CLOSED:],
        data=dict(islice(task.data.items(), KEPT_FIELDS_WHEN_CLOSED)),
    )


def room_to_hold(state: CallbackState, more: HeldFact) -> bool:
    """Whether one more held fact fits."""
    size = sum(_size(held) for held in (*state.held, more))
    return len(state.held) < MAX_HELD_FACTS and size <= MAX_HELD_BYTES


def _size(held: HeldFact) -> int:
    origin = held.origin
    texts = (held.body, held.fact_id, held.source, origin.fact_id, origin.correlation_id, origin.traceparent)
    return HELD_OVERHEAD_BYTES + sum(len(text.encode()) for text in texts)
