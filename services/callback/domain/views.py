"""A task as people and other programs see it; no phone number."""

from dataclasses import dataclass
from datetime import datetime

from common.events.vocabulary import CallOutcome, Priority
from services.callback.domain.rules import CallbackRules
from services.callback.domain.state import CallbackState, Task, TaskStatus


@dataclass(frozen=True, slots=True)
class CallOrderView:
    """One call order of a task; `outcome` is None while it is open, `status` then says how far it has come."""

    order_id: str
    attempt_number: int
    ordered_at: datetime
    status: str
    call_id: str | None = None
    ended_at: datetime | None = None
    outcome: CallOutcome | None = None
    choice: str | None = None


@dataclass(frozen=True, slots=True)
class TaskView:
    """One task; `fields` are those of the opening fact that a person needs, with attempts and the last outcome."""

    customer_id: str
    task_id: str
    scenario_id: str
    status: TaskStatus
    priority: Priority
    opened_at: datetime
    resolve_by: datetime
    next_call_at: datetime | None
    owner_queue: str
    queue: str | None
    queue_reason: str | None
    result: str | None
    closed_at: datetime | None
    closing_fact_id: str | None
    facts: int
    attempts: int
    pack_version: str
    source_sentence: str | None
    fields: dict[str, str]
    call_orders: tuple[CallOrderView, ...]


def view_of(state: CallbackState, task: Task, rules: CallbackRules) -> TaskView:
    """The task with its newest call orders."""
    rule = rules.pack.scenarios.get(task.scenario_id)
    return TaskView(
        customer_id=state.customer_id,
        task_id=task.id,
        scenario_id=task.scenario_id,
        status=task.status,
        priority=task.priority,
        opened_at=task.opened_at,
        resolve_by=task.deadline,
        next_call_at=task.next_call_at,
        owner_queue=task.owner_queue,
        queue=task.queue,
        queue_reason=task.queue_reason,
        result=task.result,
        closed_at=task.closed_at,
        closing_fact_id=task.closing_fact,
        facts=task.facts,
        attempts=task.attempts,
        pack_version=task.pack_version,
        source_sentence=rule.source.text if rule else None,
        fields=_fields(task),
        call_orders=_orders(state, task),
    )


def _fields(task: Task) -> dict[str, str]:
    last = task.orders[-1].outcome if task.orders else ""
    return {**task.data, "attempts": str(task.attempts), "last_outcome": last}


def _orders(state: CallbackState, task: Task) -> tuple[CallOrderView, ...]:
    ended = [
        CallOrderView(
            order_id=f"{task.id}/{order.number}",
            attempt_number=order.number,
            ordered_at=order.ordered_at,
            status="ended",
            call_id=order.call_id,
            ended_at=order.ended_at,
            outcome=order.outcome,
            choice=order.choice,
        )
        for order in task.orders
    ]
    still = state.order
    if still is None or still.task_id != task.id:
        return tuple(ended)
    return (*ended, CallOrderView(still.order_id, still.number, still.ordered_at, still.status, still.call_id))
