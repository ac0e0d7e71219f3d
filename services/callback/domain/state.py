"""What the callback service knows of one customer: profile, tasks, the one open call order, held facts, contacts."""

from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from enum import StrEnum

from common.events.profiles import PhoneKind
from common.events.vocabulary import CallOutcome, Channel, Priority, Purpose
from common.kernel.decision import Origin


@dataclass(frozen=True, slots=True)
class Number:
    """One of the customer's numbers, E.164."""

    phone_number: str
    kind: PhoneKind


@dataclass(frozen=True, slots=True)
class Consent:
    """The customer's latest word on one purpose class."""

    granted: bool
    at: datetime
    proof: str | None = None


@dataclass(frozen=True, slots=True)
class Preferences:
    """What the customer asked for; None = never asked."""

    channel: Channel | None = None
    reminder_days_ahead: int | None = None
    reminder_time: time | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """The customer's profile without the name, which no rule and no call needs.

    All else is kept, because the conditions of a rule pack may speak of it.
    """

    phone_numbers: tuple[Number, ...]
    language: str
    time_zone: str
    region: str
    jurisdiction: str
    dialect: str | None = None
    birth_date: date | None = None
    consent: dict[Purpose, Consent] = field(default_factory=dict)
    preferences: Preferences = field(default_factory=Preferences)
    agent_of_record: str | None = None

    @property
    def voice_number(self) -> str | None:
        """The number to call: the first mobile one, else the first."""
        mobile = (number for number in self.phone_numbers if number.kind is PhoneKind.MOBILE)
        preferred = next(mobile, None) or next(iter(self.phone_numbers), None)
        return preferred.phone_number if preferred else None


@dataclass(frozen=True, slots=True)
class HeldFact:
    """A fact that waits for the customer's profile.

    Attributes:
        held_id: short and derived from source and id; names its clock.
        body: the fact's content as JSON text.
        doubtful: what it causes may have happened already.
    """

    held_id: str
    fact_id: str
    source: str
    type: str
    time: datetime
    body: str
    origin: Origin
    held_at: datetime
    doubtful: bool = False


@dataclass(frozen=True, slots=True)
class Closing:
    """A closing fact that was seen: what happened before `at` in the journeys it names is over.

    Attributes:
        values: the fields that closing and opening facts are matched by, as text; without those it leaves out.
        at: the fact's own time.
    """

    scenario_id: str
    type: str
    values: dict[str, str]
    at: datetime


@dataclass(frozen=True, slots=True)
class Contact:
    """One call to the customer, for frequency caps and pauses; `connected` = somebody spoke with us."""

    order_id: str
    at: datetime
    connected: bool = False

    @property
    def task_id(self) -> str:
        """The task that ordered it."""
        return self.order_id.rpartition("/")[0]


class TaskStatus(StrEnum):
    """Who or what has to act next; CALLING may also wait for a cancelled order to end."""

    SCHEDULED = "scheduled"
    WAITING = "waiting"
    CALLING = "calling"
    ESCALATED = "escalated"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class EndedOrder:
    """A call order that is over."""

    number: int
    ordered_at: datetime
    ended_at: datetime
    outcome: CallOutcome
    choice: str | None = None
    call_id: str | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """A broken journey that is followed until it is closed.

    Attributes:
        journey: the value of the rule's merge key; facts with the same one join this task.
        owner_queue: who takes over when no smart call can help.
        data: fields of the opening fact that rules, calls and people need, as text; no personal data but references.
        origin: the fact that opened it.
        next_call_at: while scheduled, when the next call is due; while waiting, when to look again.
        orders: the newest ended orders, oldest first.
        order_count: number of the newest order; makes order ids unique.
        attempts: how many orders may have rung.
        facts: how many facts belong to it.
        last_fact_at: the time of its newest fact.
        queue: whose turn it is, once escalated.
        doubtful: it may have been followed before without this document knowing; then ask before ordering.
    """

    id: str
    scenario_id: str
    journey: str
    priority: Priority
    purpose: Purpose
    owner_queue: str
    pack_version: str
    data: dict[str, str]
    origin: Origin
    opened_at: datetime
    deadline: datetime
    last_fact_at: datetime
    status: TaskStatus = TaskStatus.SCHEDULED
    next_call_at: datetime | None = None
    orders: tuple[EndedOrder, ...] = ()
    order_count: int = 0
    attempts: int = 0
    facts: int = 1
    queue: str | None = None
    queue_reason: str | None = None
    result: str | None = None
    closed_at: datetime | None = None
    closing_fact: str | None = None
    doubtful: bool = False

    @property
    def open(self) -> bool:
        """Whether it still waits for a result or a closing fact."""
        return self.status is not TaskStatus.CLOSED


class OrderStatus(StrEnum):
    """What is known of the open order, which says what its clock does next.

    UNSURE asks the dialer whether it has the order; PLACING orders it (again, with the same key); PLACED waits for the
    outcome and asks for it when it stays out; CANCELLING cancels it; ENDING waits for the end of a call that could not
    be cancelled any more.
    """

    UNSURE = "unsure"
    PLACING = "placing"
    PLACED = "placed"
    CANCELLING = "cancelling"
    ENDING = "ending"


@dataclass(frozen=True, slots=True)
class CallRequest:
    """What is ordered; frozen with the order, because the dialer takes a key again only with the same request."""

    phone_number: str
    language: str
    flow: str
    purpose: Purpose
    variables: dict[str, str]
    earliest: datetime
    latest: datetime
    priority: Priority


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """The customer's one open call order; while it exists, nothing else is ordered for this person.

    Attributes:
        order_id: `<task>/<number>`, the idempotency key.
        scenario_id: for the call's context.
        request: None once the customer was erased; then it is only cancelled.
        latest: the end of the call's window.
        check_at: when to act on it by itself.
        tries: requests to the dialer since its last answer; spaces them.
        refused_call: the call that the provider refused for good, as the ledger told before its end.
        refusal: code with which the dialer refused the order; final once the dialer says it has no such order.
        cancel_reason: constant name, once cancelled.
    """

    order_id: str
    task_id: str
    scenario_id: str
    number: int
    status: OrderStatus
    request: CallRequest | None
    origin: Origin
    ordered_at: datetime
    latest: datetime
    check_at: datetime
    tries: int = 0
    call_id: str | None = None
    refused_call: str | None = None
    refusal: str | None = None
    cancel_reason: str | None = None


@dataclass(frozen=True, slots=True)
class CallbackState:
    """One customer's document.

    Attributes:
        profile_since: when a profile arrived where none was.
        refusals: scope (`all` or a purpose class) → when the customer refused calls.
    """

    customer_id: str
    profile: Profile | None = None
    profile_since: datetime | None = None
    tasks: tuple[Task, ...] = ()
    order: OpenOrder | None = None
    held: tuple[HeldFact, ...] = ()
    closings: tuple[Closing, ...] = ()
    contacts: tuple[Contact, ...] = ()
    refusals: dict[str, datetime] = field(default_factory=dict)

    @property
    def open_tasks(self) -> tuple[Task, ...]:
        """The tasks that are not closed, in the order they were opened."""
        return tuple(task for task in self.tasks if task.open)

    def task(self, task_id: str) -> Task | None:
        """The task of this id, if it is still known."""
        return next((task for task in self.tasks if task.id == task_id), None)

    def with_task(self, task: Task) -> "CallbackState":
        """The same with this task added or changed."""
        if self.task(task.id) is None:
            return replace(self, tasks=(*self.tasks, task))
        return replace(self, tasks=tuple(task if known.id == task.id else known for known in self.tasks))


def empty_state(customer_id: str) -> CallbackState:
    """The state of a customer nobody has told us about."""
    return CallbackState(customer_id)
