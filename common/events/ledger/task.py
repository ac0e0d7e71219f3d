"""Ledger events of the callback service: the life of one task, from the broken journey to its result."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field

from common.events.ledger.example_decision import EXAMPLE_DECISION
from common.events.model import LedgerFact
from common.events.vocabulary import CallOutcome, Moment, Name, Priority, Reference, Sentence

_TASK: Mapping[str, Any] = {"task_id": "t-77ab01c2d3e4"}
_ORDER: Mapping[str, Any] = {**_TASK, "order_id": "t-77ab01c2d3e4/1"}

AttemptNumber = Annotated[int, Field(ge=1, le=1000)]


class TaskFact(LedgerFact):
    """What every event of one task names."""

    task_id: Reference


class TaskOpened(TaskFact):
    """A broken journey is followed from now on; `source_sentence` is the sentence the scenario comes from."""

    TYPE: ClassVar[str] = "task.opened.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        **_TASK,
        "scenario_id": "N2",
        "priority": "P1",
        "policy_id": "P-2024-000451",
        "first_call_at": "2026-11-20T02:25:00Z",
        "resolve_by": "2027-01-19T16:00:00Z",
        "source_sentence": "客户线上自助缴费失败场景下,公司通过电话主动服务,解决相关问题",
        "owner_queue": "premium_care",
        "decision": EXAMPLE_DECISION,
    }

    scenario_id: Name
    priority: Priority
    policy_id: Reference | None = None
    first_call_at: Moment | None = None
    resolve_by: Moment
    source_sentence: Sentence
    owner_queue: Name


class TaskFactJoined(TaskFact):
    """Another fact belongs to a task that is open already; no second task."""

    TYPE: ClassVar[str] = "task.fact_joined.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        **_TASK,
        "fact_id": "core-2026-000781",
        "fact_type": "premium.payment_failed.v1",
        "decision": EXAMPLE_DECISION,
    }

    fact_id: Reference
    fact_type: Name


class TaskCallOrdered(TaskFact):
    """A call is ordered from the dialer; `order_id` is the idempotency key of the order."""

    TYPE: ClassVar[str] = "task.call_ordered.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {**_ORDER, "attempt_number": 1, "decision": EXAMPLE_DECISION}

    order_id: Reference
    attempt_number: AttemptNumber


class TaskCallOutcomeRecorded(TaskFact):
    """The outcome of an ordered call has reached the task."""

    TYPE: ClassVar[str] = "task.call_outcome_recorded.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {**_ORDER, "call_id": "c-5a6b7c8d9e0f", "outcome": "no_answer"}

    order_id: Reference
    call_id: Reference | None = None
    outcome: CallOutcome


class TaskAttemptScheduled(TaskFact):
    """The next attempt is due at `at`."""

    TYPE: ClassVar[str] = "task.attempt_scheduled.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        **_TASK,
        "attempt_number": 2,
        "at": "2026-11-20T04:25:00Z",
        "decision": EXAMPLE_DECISION,
    }

    attempt_number: AttemptNumber
    at: Moment


class TaskEscalated(TaskFact):
    """Handed to people: `queue` owns it now."""

    TYPE: ClassVar[str] = "task.escalated.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {**_TASK, "queue": "premium_care", "decision": EXAMPLE_DECISION}

    queue: Name


class TaskClosed(TaskFact):
    """Closed with a result, or by the fact that made it pointless; there is no other way to close."""

    TYPE: ClassVar[str] = "task.closed.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        **_TASK,
        "result": "paid",
        "closing_fact": "premium.payment_succeeded.v1",
        "closing_fact_id": "core-2026-000782",
        "decision": EXAMPLE_DECISION,
    }

    result: Name
    closing_fact: Name | None = None
    closing_fact_id: Reference | None = None
