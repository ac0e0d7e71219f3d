"""Every moment at which a customer's document needs attention by itself."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from services.callback.domain.state import CallbackState, Task

HELD_FOR = timedelta(days=30)
"""How long a fact waits for a profile; as long as its seen mark lives."""

CALL = "call"
DEADLINE = "deadline"
HELD = "held"
ORDER = "order"
SEPARATOR = ":"


def clocks(state: CallbackState) -> Mapping[str, datetime]:
    """The clocks that follow from the state, the more urgent first where two are due at once."""
    due: dict[str, datetime] = {}
    if state.order:
        due[ORDER] = state.order.check_at
    for task in sorted(state.open_tasks, key=_urgency):
        due[clock_of(DEADLINE, task.id)] = task.deadline
        if task.next_call_at:
            due[clock_of(CALL, task.id)] = task.next_call_at
    for held in state.held:
        due[clock_of(HELD, held.held_id)] = state.profile_since or held.held_at + HELD_FOR
    return due


def clock_of(kind: str, item_id: str) -> str:
    """The name of a clock."""
    return f"{kind}{SEPARATOR}{item_id}"


def clock_parts(name: str) -> tuple[str, str]:
    """Kind and item of a clock; the order's clock has no item."""
    kind, _, item_id = name.partition(SEPARATOR)
    return kind, item_id


def _urgency(task: Task) -> tuple[str, datetime]:
    return task.priority, task.opened_at
