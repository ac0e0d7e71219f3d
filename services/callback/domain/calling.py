"""A task's call falls due, and what follows when it is over."""

from dataclasses import dataclass, replace
from datetime import datetime

from common.events.ledger import TaskAttemptScheduled, TaskCallOutcomeRecorded
from common.events.vocabulary import CallOutcome
from common.packs import ScenarioRule
from services.callback.domain.draft import Draft
from services.callback.domain.orders import order_call
from services.callback.domain.planning import Obstacle, plan_call
from services.callback.domain.state import EndedOrder, OpenOrder, Task, TaskStatus
from services.callback.domain.tasks import close_task, escalate, schedule

UNDIALLED = frozenset({CallOutcome.EXPIRED, CallOutcome.CANCELLED})
"""Outcomes of orders whose call never left; they count neither as attempts nor as contacts."""

SCENARIO_GONE = ("scenario_gone", "the rule pack has no such scenario any more")


@dataclass(frozen=True, slots=True)
class Ending:
    """How the open order ended.

    Attributes:
        refusal: the number or the request was refused for good, by the dialer or the provider.
        triggers: False if the call was cancelled too late; its result is recorded and no more.
    """

    outcome: CallOutcome
    answered: bool = False
    choice: str | None = None
    call_id: str | None = None
    refusal: str | None = None
    triggers: bool = True


def rule_of(draft: Draft, task: Task) -> ScenarioRule | None:
    """The task's scenario as the present pack has it."""
    return draft.rules.pack.scenarios.get(task.scenario_id)


def call_due(draft: Draft, task: Task) -> None:
    """Orders the call if everything still allows it; all of it is decided again at this moment."""
    rule = rule_of(draft, task)
    if rule is None:
        escalate(draft, task, *SCENARIO_GONE)
        return
    if draft.state.order:
        _wait(draft, task, rule)
        return
    plan = plan_call(draft.state, task, rule, draft.rules, draft.moment.now)
    if isinstance(plan, Obstacle) or plan.at > draft.moment.now:
        schedule(draft, task, rule, plan, "not allowed now: decided again at the next allowed moment")
        return
    order_call(draft, task, rule, plan)


def _wait(draft: Draft, task: Task, rule: ScenarioRule) -> None:
    """One person, one conversation: the end of the other call wakes this task."""
    at = draft.moment.now + draft.rules.timing.wait
    if task.status is TaskStatus.SCHEDULED:
        record = draft.record(f"{rule.id}.one_conversation", "another call to the same person is ordered")
        draft.tell(TaskAttemptScheduled(task_id=task.id, attempt_number=task.order_count + 1, at=at, decision=record))
    draft.put(replace(task, status=TaskStatus.WAITING, next_call_at=at))


def deadline_passed(draft: Draft, task: Task) -> None:
    """What could not be resolved in time is closed as such; an escalated task too."""
    rule = rule_of(draft, task)
    result = rule.expired_result if rule else "expired"
    close_task(draft, task, result, f"{task.scenario_id}.deadline", "the deadline has passed", code="deadline_passed")


def order_over(draft: Draft, ending: Ending) -> None:
    """The open order ended: records it, lets its task go on, and wakes tasks that waited for the end of the call."""
    order = draft.state.order
    assert order is not None
    dialled = ending.outcome not in UNDIALLED and not ending.refusal
    contacts = tuple(
        replace(contact, connected=ending.answered) if contact.order_id == order.order_id else contact
        for contact in draft.state.contacts
        if dialled or contact.order_id != order.order_id
    )
    draft.state = replace(draft.state, order=None, contacts=contacts)
    draft.tell(
        TaskCallOutcomeRecorded(
            task_id=order.task_id,
            order_id=order.order_id,
            call_id=ending.call_id or order.call_id,
            outcome=ending.outcome,
        )
    )
    task = draft.state.task(order.task_id)
    if task:
        task = draft.put(_with_ended(task, order, ending, draft.moment.now, dialled=dialled))
        if task.status is TaskStatus.CALLING:
            _go_on(draft, task, ending, order.latest)
    _wake(draft)


def _with_ended(task: Task, order: OpenOrder, ending: Ending, now: datetime, *, dialled: bool) -> Task:
    ended = EndedOrder(
        number=order.number,
        ordered_at=order.ordered_at,
        ended_at=now,
        outcome=ending.outcome,
        choice=ending.choice,
        call_id=ending.call_id or order.call_id,
    )
    return replace(task, orders=(*task.orders, ended), attempts=task.attempts if dialled else max(task.attempts - 1, 0))


def _go_on(draft: Draft, task: Task, ending: Ending, window_end: datetime) -> None:
    """The rule's answer to the outcome: a result, a person, or the next attempt."""
    rule = rule_of(draft, task)
    if rule is None:
        escalate(draft, task, *SCENARIO_GONE)
        return
    if ending.refusal:
        escalate(draft, task, ending.refusal, "the number or the order was refused for good")
        return
    if not ending.triggers:
        escalate(draft, task, "cancelled", "somebody else cancelled the call while it was in progress")
        return
    after = rule.after_call(ending.outcome, ending.choice)
    if after.result:
        rule_id = f"{rule.id}.meanings" if ending.choice else f"{rule.id}.outcomes"
        close_task(draft, task, after.result, f"{rule_id}.{ending.choice or ending.outcome}", "the call gave a result")
    elif after.redial_after is None:
        escalate(draft, task, ending.choice or str(ending.outcome), "the call's outcome asks for a person")
    else:
        not_before = draft.moment.now + after.redial_after
        if ending.outcome is CallOutcome.EXPIRED:
            # the dialer found no allowed moment in this window; asking again within it would only go round in circles
            not_before = max(not_before, window_end)
        plan = plan_call(draft.state, task, rule, draft.rules, not_before)
        schedule(draft, task, rule, plan, f"the call ended as {ending.outcome}: redial")


def _wake(draft: Draft) -> None:
    for task in draft.state.open_tasks:
        if task.status is not TaskStatus.WAITING:
            continue
        rule = rule_of(draft, task)
        if rule is None:
            escalate(draft, task, *SCENARIO_GONE)
            continue
        plan = plan_call(draft.state, task, rule, draft.rules, draft.moment.now)
        schedule(draft, task, rule, plan, "the other call to this person is over")
