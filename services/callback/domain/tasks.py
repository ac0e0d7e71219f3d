"""The life of a task: opened by a fact, joined by others, escalated to people, closed with a result."""

from collections.abc import Mapping
from dataclasses import replace

from common.events.envelope import Envelope
from common.events.ledger import TaskAttemptScheduled, TaskClosed, TaskEscalated, TaskFactJoined, TaskOpened
from common.events.model import DecisionRecord
from common.ids import derived_id
from common.kernel.decision import Origin
from common.packs import ScenarioRule
from services.callback.domain.bounds import MAX_DATA_CHARACTERS
from services.callback.domain.draft import Draft, reference
from services.callback.domain.orders import cancel_order
from services.callback.domain.planning import CallSlot, Obstacle, plan_call, zone_of
from services.callback.domain.state import Task, TaskStatus

ERASED = "erased"
"""Result of a task whose customer was erased: closed by that fact, not by a person or a call."""


def task_id_of(fact: Envelope, rule: ScenarioRule) -> str:
    """The same fact under the same rule always opens the same task, even if its opening was forgotten."""
    return derived_id("t", fact.source, fact.id, rule.id)


def open_task(draft: Draft, fact: Envelope, rule: ScenarioRule, origin: Origin, *, doubtful: bool) -> None:
    """Opens a task and plans its first call, or hands it to people at once where no smart call is possible."""
    assert fact.data is not None
    now, data = draft.moment.now, fact.data.model_dump()
    task = Task(
        id=task_id_of(fact, rule),
        scenario_id=rule.id,
        journey=rule.merge_value(data),
        priority=rule.priority,
        purpose=rule.purpose,
        owner_queue=rule.owner_queue,
        pack_version=draft.rules.pack.version,
        data=_kept_fields(rule, data),
        origin=origin,
        opened_at=now,
        deadline=rule.deadline_at(data, now, zone_of(draft.state)),
        last_fact_at=fact.time,
        doubtful=doubtful,
    )
    first_call = max(draft.moment.since + rule.first_call_after, now)
    plan = plan_call(draft.state, task, rule, draft.rules, first_call)
    at = plan.at if isinstance(plan, CallSlot) else None
    draft.put(replace(task, next_call_at=at))
    draft.tell(
        TaskOpened(
            task_id=task.id,
            scenario_id=rule.id,
            priority=rule.priority,
            policy_id=task.data.get("policy_id"),
            first_call_at=at,
            resolve_by=task.deadline,
            source_sentence=rule.source.text,
            owner_queue=rule.owner_queue,
            decision=_opening_record(draft, fact, rule, plan),
        )
    )
    if isinstance(plan, Obstacle):
        escalate(draft, task, plan.code, plan.reason)


def _opening_record(draft: Draft, fact: Envelope, rule: ScenarioRule, plan: CallSlot | Obstacle) -> DecisionRecord:
    return draft.record(
        f"{rule.id}.open",
        "a fact that the scenario follows",
        fact_type=fact.type,
        first_call_after_seconds=rule.first_call_after.total_seconds(),
        first_call_within_seconds=rule.first_call_within.total_seconds(),
        moved_by=(plan.rule_id or None) if isinstance(plan, CallSlot) else None,
    )


def _kept_fields(rule: ScenarioRule, data: Mapping[str, object]) -> dict[str, str]:
    """The fields that matching, calls and people need, in this order, as far as they fit."""
    matched = (name for closing in rule.closing_facts for name in closing.match)
    names = dict.fromkeys((*rule.merge_key, *matched, *rule.flow_variables, *rule.hand_over))
    kept: dict[str, str] = {}
    room = MAX_DATA_CHARACTERS
    for name in names:
        value = data.get(name)
        room -= len(name) + len(str(value))
        if value is not None and room >= 0:
            kept[name] = str(value)
    return kept


def join_task(draft: Draft, task: Task, fact: Envelope, rule: ScenarioRule) -> None:
    """The fact belongs to a journey that is followed already; nothing is planned anew."""
    draft.put(replace(task, facts=task.facts + 1, last_fact_at=max(task.last_fact_at, fact.time)))
    draft.tell(
        TaskFactJoined(
            task_id=task.id,
            fact_id=reference(fact.id),
            fact_type=fact.type,
            decision=draft.record(f"{rule.id}.merge", "the same journey is followed already", facts=task.facts + 1),
        )
    )


def escalate(draft: Draft, task: Task, code: str, reason: str) -> None:
    """Hands the task to its owner queue; no smart call follows."""
    draft.put(replace(task, status=TaskStatus.ESCALATED, next_call_at=None, queue=task.owner_queue, queue_reason=code))
    record = draft.record(
        f"{task.scenario_id}.escalate", reason, code=code, attempts=task.attempts, orders=task.order_count
    )
    draft.tell(TaskEscalated(task_id=task.id, queue=task.owner_queue, decision=record))


def schedule(draft: Draft, task: Task, rule: ScenarioRule, plan: CallSlot | Obstacle, reason: str) -> None:
    """Sets the task's next call, or escalates where none is possible."""
    if isinstance(plan, Obstacle):
        escalate(draft, task, plan.code, plan.reason)
        return
    draft.put(replace(task, status=TaskStatus.SCHEDULED, next_call_at=plan.at))
    record = draft.record(
        plan.rule_id or f"{rule.id}.redial", reason, attempts=task.attempts, attempts_in_all=rule.attempts.in_all
    )
    draft.tell(TaskAttemptScheduled(task_id=task.id, attempt_number=task.order_count + 1, at=plan.at, decision=record))


def close_task(
    draft: Draft, task: Task, result: str, rule_id: str, reason: str, *, by: Envelope | None = None, code: str = ""
) -> None:
    """Closes the task with a result or by a fact, and cancels its call if one is ordered.

    Args:
        by: the closing fact.
        code: constant name of the reason, told to the dialer.
    """
    closed = replace(
        task,
        status=TaskStatus.CLOSED,
        next_call_at=None,
        result=result,
        closed_at=draft.moment.now,
        closing_fact=reference(by.id) if by else None,
    )
    draft.put(closed)
    draft.tell(
        TaskClosed(
            task_id=task.id,
            result=result,
            closing_fact=by.type if by else None,
            closing_fact_id=closed.closing_fact,
            decision=draft.record(rule_id, reason, attempts=task.attempts, was=task.status),
        )
    )
    if draft.state.order and draft.state.order.task_id == task.id:
        cancel_order(draft, code or result)
