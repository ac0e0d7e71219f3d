"""A small world for decisions about tasks: one customer, a clock, and a dialer that does what the test says."""

from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar

from common.errors import AppError
from common.events.envelope import Envelope
from common.events.ledger import CallCancelled, CallEnded, CallRefused, ContactOptedOut
from common.events.model import Fact, LedgerFact
from common.events.profiles import CustomerProfile
from common.events.registry import MODELS
from common.events.upstream import PremiumPaymentFailed, PremiumPaymentSucceeded
from common.events.vocabulary import CallOutcome, Channel
from common.kernel.decision import Decision, Effect, Moment
from common.packs import Pack
from services.callback.adapters.memory_dialer import MemoryDialer
from services.callback.domain.answers import decide_outcome
from services.callback.domain.clocks import clocks
from services.callback.domain.due import decide_due
from services.callback.domain.effects import PlacedCall
from services.callback.domain.facts import decide_fact
from services.callback.domain.rules import CallbackRules
from services.callback.domain.state import CallbackState, Task, empty_state
from services.callback.handlers import ask
from tests.support.packs import shipped_pack

T = TypeVar("T")
CUSTOMER = "c-000451"
NOON = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)  # 12:00 in New York, a Monday
FAR = timedelta(days=200)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def profile(**changes: object) -> CustomerProfile:
    """In New York; shipped rules: calls from 8 to 21, 2 h between calls, 3 in 24 hours."""
    here = {"time_zone": "America/New_York", "jurisdiction": "US", "language": "en"}
    return CustomerProfile.model_validate({**CustomerProfile.EXAMPLE, **here, **changes})


def failed(policy_id: str = "P-1", due: date = date(2026, 11, 20), **changes: object) -> PremiumPaymentFailed:
    given = {"policy_id": policy_id, "due_date": due, "grace_ends_on": None}
    return PremiumPaymentFailed.model_validate({**PremiumPaymentFailed.EXAMPLE, **given, **changes})


def paid(policy_id: str = "P-1", due: date | None = date(2026, 11, 20)) -> PremiumPaymentSucceeded:
    return PremiumPaymentSucceeded.model_validate(
        {**PremiumPaymentSucceeded.EXAMPLE, "policy_id": policy_id, "due_date": due}
    )


def done(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that never waits."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("it waited")


@dataclass
class World:
    """Feeds decisions as the kernel does: what a decision reserved is pending until the test performs it."""

    pack: Pack = field(default_factory=shipped_pack)
    now: datetime = NOON
    state: CallbackState = field(default_factory=lambda: empty_state(CUSTOMER))
    dialer: MemoryDialer = field(default_factory=MemoryDialer)
    ledger: list[LedgerFact] = field(default_factory=list)
    pending: list[Effect] = field(default_factory=list)
    facts: int = 0
    doubt_until: datetime | None = None

    @property
    def rules(self) -> CallbackRules:
        return CallbackRules(self.pack)

    @property
    def task(self) -> Task:
        """The newest task."""
        return self.state.tasks[-1]

    def told(self, kind: type[T]) -> list[T]:
        return [entry for entry in self.ledger if isinstance(entry, kind)]

    def take(self, data: Fact | None, *, at: datetime | None = None, fact_id: str = "") -> Envelope:
        """A fact arrives now; `at` is its own time."""
        self.facts += 1
        fact = Envelope(
            id=fact_id or f"fact-{self.facts}",
            source="/core",
            type=data.TYPE if data else CustomerProfile.TYPE,
            time=at or self.now,
            customer_id=CUSTOMER,
            data=data,
        )
        self.retake(fact)
        return fact

    def retake(self, fact: Envelope) -> None:
        self._apply(decide_fact(self.state, fact, self.rules, self._moment()))
        self._ring()

    def call_ended(self, order_id: str, outcome: CallOutcome, choice: str | None = None, **more: object) -> None:
        """The dialer's ledger event about the end of a call; the dialer itself knows it too."""
        call = self.dialer.end(CUSTOMER, order_id, outcome, choice)
        told: Mapping[str, object] = {
            "call_id": call.call_id,
            "idempotency_key": order_id,
            "outcome": call.outcome,
            "answered": call.answered,
            "choice": call.choice,
            "triggers": call.triggers,
        }
        self.take(CallEnded.model_validate({**told, **more}))

    def call_cancelled(self, order_id: str) -> None:
        self.take(CallCancelled(call_id="c-1", idempotency_key=order_id))

    def call_refused(self, order_id: str, *, permanent: bool = True) -> None:
        call_id = f"c-{order_id}"
        self.take(CallRefused(call_id=call_id, attempt_id=f"{call_id}/1", error_code="21211", permanent=permanent))

    def opted_out(self, scope: str = "service", channel: Channel = Channel.VOICE) -> None:
        self.take(ContactOptedOut(channel=channel, scope=scope, evidence="call:c-1/9"))

    def perform(self, effect: Effect | None = None) -> object:
        """Performs one pending effect (the oldest) and decides on what came of it."""
        chosen = effect or self.pending[0]
        self.pending.remove(chosen)
        outcome = answer(self.dialer, chosen)
        self._apply(decide_outcome(self.state, chosen, outcome, self.rules, self._moment()))
        self._ring()
        return outcome

    def perform_all(self) -> None:
        while self.pending:
            self.perform()

    def lose_pending(self) -> None:
        """The process dies between commit and act."""
        self.pending.clear()

    def pass_time(self, span: timedelta, *, perform: bool = True) -> None:
        """Time passes; clocks ring when they are due, and effects are performed at once unless told otherwise."""
        until = self.now + span
        if perform:
            self.perform_all()
        while (next_at := min(clocks(self.state).values(), default=until)) < until:
            self.now = max(next_at, self.now)
            self._ring()
            if perform:
                self.perform_all()
        self.now = until
        self._ring()
        if perform:
            self.perform_all()

    def _ring(self) -> None:
        for _ in range(1000):
            name = next((name for name, at in clocks(self.state).items() if at <= self.now), None)
            if name is None:
                return
            since = clocks(self.state)[name]
            decision = decide_due(self.state, name, self.rules, replace(self._moment(), since=since))
            assert decision.state != self.state, f"the clock {name} did not move"
            self._apply(decision)
        raise AssertionError("clocks ring for ever")

    def _moment(self) -> Moment:
        return Moment(now=self.now, since=self.now, doubt_until=self.doubt_until)

    def _apply(self, decision: Decision[CallbackState]) -> None:
        self.state = decision.state
        for entry in decision.ledger:
            # what goes out must come in: every entry is a valid event
            MODELS[entry.TYPE].model_validate_json(entry.model_dump_json())
        self.ledger += decision.ledger
        self.pending += decision.effects


def answer(dialer: MemoryDialer, effect: Effect) -> object:
    """What the dialer answers, errors as the kernel hands them on."""
    try:
        return done(ask(dialer, CUSTOMER, effect))
    except AppError as error:
        return error


def order_ids(world: World) -> list[str]:
    """The orders the dialer took, in their order."""
    return [order.order_id for order in world.dialer.book]


def open_at_dialer(world: World) -> list[PlacedCall]:
    return world.dialer.open_calls(CUSTOMER)
