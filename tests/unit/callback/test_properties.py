"""Whatever comes in whatever order: nobody is forgotten, nobody is called twice at once, closed stays closed."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from common.errors import AppError, InvalidEvent, OutcomeUnknown, PermanentError, TransientError
from common.events.envelope import Envelope
from common.events.ledger import TaskCallOrdered, TaskClosed
from common.events.model import Fact
from common.events.vocabulary import CallOutcome
from common.kernel.document import DocumentCodec
from services.callback.domain.clocks import ORDER, clocks
from services.callback.domain.effects import PlaceCallOrder
from services.callback.domain.state import OrderStatus, Task, TaskStatus
from services.callback.handlers import CALLBACK
from tests.unit.callback.world import CUSTOMER, FAR, World, failed, open_at_dialer, order_ids, paid, profile

CODEC = DocumentCodec(CALLBACK)

WEIGHTS = {
    "fails": 8,
    "pays": 3,
    "told_again": 2,
    "profile": 2,
    "erased": 1,
    "opted_out": 1,
    "performs": 6,
    "crashes": 2,
    "trouble": 3,
    "refuses": 2,
    "passes": 12,
    "dials": 2,
    "ends": 8,
}
TROUBLES: tuple[tuple[AppError, bool], ...] = (
    (TransientError("away"), False),
    (OutcomeUnknown("time_out"), False),
    (OutcomeUnknown("time_out"), True),
)
PROFILES: tuple[dict[str, object], ...] = (
    {},
    {},
    {"jurisdiction": "CN", "time_zone": "Asia/Shanghai"},
    {"phone_numbers": []},
    {"jurisdiction": "ZZ"},
)


@dataclass(frozen=True)
class Action:
    """One thing that happens; which of the parameters it uses depends on its name."""

    name: str
    policy_id: str
    due: date
    span: timedelta
    outcome: CallOutcome
    choice: str | None
    which: int
    yes: bool


ACTIONS = st.lists(
    st.builds(
        Action,
        name=st.sampled_from([name for name, weight in WEIGHTS.items() for _ in range(weight)]),
        policy_id=st.sampled_from(["P-1", "P-2"]),
        due=st.sampled_from([date(2026, 11, 20), date(2026, 12, 20)]),
        span=st.sampled_from([timedelta(seconds=7), timedelta(minutes=8), timedelta(hours=3), timedelta(days=2)]),
        outcome=st.sampled_from(CallOutcome),
        choice=st.sampled_from([None, "pay_link_requested", "human_requested", "opted_out", "never_heard_of"]),
        which=st.integers(0, 5),
        yes=st.booleans(),
    ),
    min_size=10,
    max_size=60,
)


@dataclass
class Life:
    """One customer, a dialer that fails in every way, and facts in any order and number."""

    world: World = field(default_factory=World)
    failures: list[Envelope] = field(default_factory=list)
    closed: dict[str, Task] = field(default_factory=dict)
    paid_at: dict[str, tuple[datetime, int]] = field(default_factory=dict)

    def do(self, action: Action) -> None:
        """Lets it happen."""
        getattr(self, action.name)(action)

    def _take(self, data: Fact | None, at: datetime | None = None) -> Envelope | None:
        try:
            return self.world.take(data, at=at)
        except InvalidEvent:
            return None

    def fails(self, action: Action) -> None:
        """Often late: it happened before, as long ago as the span says."""
        happened = self.world.now - (action.span if action.yes else timedelta(0))
        journey = f"{action.policy_id}|{action.due}"
        if journey in self.paid_at and happened > self.paid_at[journey][0]:
            del self.paid_at[journey]
        fact = self._take(failed(action.policy_id, action.due), happened)
        self.failures += [fact] if fact else []

    def pays(self, action: Action) -> None:
        orders = len(self.world.told(TaskCallOrdered))
        self._take(paid(action.policy_id, action.due))
        self.paid_at[f"{action.policy_id}|{action.due}"] = (self.world.now, orders)

    def told_again(self, action: Action) -> None:
        """The seen mark was lost, or the audit heals what had been handled."""
        if self.failures:
            self.world.retake(self.failures[action.which % len(self.failures)])

    def profile(self, action: Action) -> None:
        self._take(profile(**PROFILES[action.which % len(PROFILES)]))

    def erased(self, action: Action) -> None:
        """Rarely; what was known of payments is forgotten with the customer."""
        if action.which == 0:
            self._take(None)
            self.paid_at.clear()
            self.closed.clear()
            self.failures.clear()

    def opted_out(self, action: Action) -> None:
        self.world.opted_out("marketing" if action.which else "service")

    def performs(self, action: Action) -> None:
        if self.world.pending:
            self.world.perform(self.world.pending[action.which % len(self.world.pending)])

    def crashes(self, action: Action) -> None:
        self.world.lose_pending()

    def trouble(self, action: Action) -> None:
        error, processed = TROUBLES[action.which % len(TROUBLES)]
        self.world.dialer.fail_next(error, processed=processed)

    def refuses(self, action: Action) -> None:
        def refuses(_order: PlaceCallOrder) -> PermanentError | None:
            return PermanentError("opted_out") if action.which < 3 else None

        self.world.dialer.refuses = refuses

    def passes(self, action: Action) -> None:
        if action.yes:
            self.world.pass_time(action.span)
            return
        span = min(action.span, timedelta(minutes=8))
        # a request that is not started in time never is
        self.world.pending = [one for one in self.world.pending if one.act_before >= self.world.now + span]
        self.world.pass_time(span, perform=False)

    def dials(self, action: Action) -> None:
        for call in open_at_dialer(self.world):
            self.world.dialer.dial(CUSTOMER, call.order_id)

    def ends(self, action: Action) -> None:
        """Often nobody tells us."""
        choice = action.choice if action.outcome is CallOutcome.COMPLETED else None
        for call in open_at_dialer(self.world):
            if action.yes:
                self.world.call_ended(call.order_id, action.outcome, choice)
            else:
                self.world.dialer.end(CUSTOMER, call.order_id, action.outcome, choice)

    def check(self) -> None:
        """What always holds."""
        self._nobody_is_forgotten()
        self._one_person_one_conversation()
        self._closed_stays_closed()
        self._who_has_paid_is_left_alone()
        self._the_document_is_what_it_was()

    def _nobody_is_forgotten(self) -> None:
        state, due = self.world.state, clocks(self.world.state)
        assert all(at > self.world.now for at in due.values())
        assert (ORDER in due) == (state.order is not None)
        assert state.order is None or state.order.check_at <= self.world.now + timedelta(hours=1)
        for task in state.open_tasks:
            match task.status:
                case TaskStatus.SCHEDULED | TaskStatus.WAITING:
                    assert task.next_call_at
                case TaskStatus.CALLING:
                    assert state.order is not None
                    assert state.order.task_id == task.id
                case TaskStatus.ESCALATED:
                    assert task.queue

    def _one_person_one_conversation(self) -> None:
        assert len(open_at_dialer(self.world)) <= 1
        assert len(order_ids(self.world)) == len(set(order_ids(self.world)))

    def _closed_stays_closed(self) -> None:
        for task in self.world.state.tasks:
            known = self.closed.get(task.id, task)
            assert (task.status, task.result, task.closed_at) == (known.status, known.result, known.closed_at)
            if not task.open:
                self.closed[task.id] = task
        results = {one.id for one in self.world.pack.scenarios["N2"].results}
        assert all(fact.result in results or fact.closing_fact for fact in self.world.told(TaskClosed))

    def _who_has_paid_is_left_alone(self) -> None:
        ordered = self.world.told(TaskCallOrdered)
        for journey, (_, orders) in self.paid_at.items():
            tasks = {task.id: task for task in self.world.state.tasks if task.journey == journey}
            assert not any(task.open for task in tasks.values())
            assert not any(order.task_id in tasks for order in ordered[orders:])
        order = self.world.state.order
        task = self.world.state.task(order.task_id) if order else None
        if order and (task is None or not task.open):
            assert order.status in {OrderStatus.CANCELLING, OrderStatus.ENDING}

    def _the_document_is_what_it_was(self) -> None:
        encoded = CODEC.encode(self.world.state, 0, {})
        assert CODEC.decode(encoded, CALLBACK.schema).state == self.world.state

    def end(self) -> None:
        """Once everything works again, everything ends, even if nobody ever answers."""
        world = self.world
        world.dialer.recover()
        until = world.now + FAR
        while world.now < until and (due := clocks(world.state)):
            world.pass_time(min(due.values()) - world.now)
            for call in open_at_dialer(world):
                world.dialer.end(CUSTOMER, call.order_id, CallOutcome.NO_ANSWER)
        assert (world.state.open_tasks, world.state.order, world.state.held) == ((), None, ())


REACHED: Counter[str] = Counter()


@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[phase for phase in Phase if phase is not Phase.explain],  # explaining takes minutes
    report_multiple_bugs=False,
)
@given(known=st.integers(0, 4), actions=ACTIONS)
def test_whatever_comes(known: int, actions: list[Action]) -> None:
    life = Life()
    if known:
        life.world.take(profile())
    for action in actions:
        life.do(action)
        life.check()
    life.end()
    REACHED.update(type(fact).__name__ for fact in life.world.ledger)
