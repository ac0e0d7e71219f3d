"""The smallest service that uses all of the kernel: a desk with notes, alarms and letters to post."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from common.errors import AppError
from common.events.ledger import FactReleased
from common.events.model import LedgerFact
from common.kernel.decision import Decision, Effect, Moment, Origin
from common.kernel.document import AggregateType
from common.kernel.kernel import Behaviour, Decide

CUSTOMER = "c-000451"
START_WITHIN = timedelta(seconds=5)


@dataclass(frozen=True)
class Desk:
    """Notes in the order things happened, and alarms that will ring."""

    customer_id: str
    notes: tuple[str, ...] = ()
    alarms: dict[str, datetime] = field(default_factory=dict)

    def noting(self, *notes: str) -> "Desk":
        return replace(self, notes=(*self.notes, *notes))

    def with_alarm(self, name: str, at: datetime) -> "Desk":
        return replace(self, alarms={**self.alarms, name: at})

    def without_alarm(self, name: str) -> "Desk":
        return replace(self, alarms={key: at for key, at in self.alarms.items() if key != name})


DESK = AggregateType(service="desk", state=Desk, schema=1, empty=Desk, clocks=lambda state: state.alarms)


def entry(text: str) -> LedgerFact:
    """A ledger entry that carries a word."""
    return FactReleased(fact_id=text, fact_type="desk.noted.v1")


def note(
    text: str, *, alarm: tuple[str, datetime] | None = None, post: str = "", origin: Origin | None = None
) -> Decide[Desk]:
    """Decides to write a note, tell of it, and perhaps to set an alarm and post a letter."""

    def decide(state: Desk, moment: Moment) -> Decision[Desk]:
        noted = state.noting(text)
        effects = (Effect("letter", post, moment.now + START_WITHIN),) if post else ()
        return Decision(noted.with_alarm(*alarm) if alarm else noted, (entry(text),), effects, origin)

    return decide


def nothing(state: Desk, _: Moment) -> Decision[Desk]:
    """Decides that nothing changes."""
    return Decision(state)


def ring(state: Desk, item_id: str, moment: Moment) -> Decision[Desk]:
    """An alarm rings once and is gone; one named `stuck` never moves, one named `post` posts a letter."""
    if item_id == "stuck":
        return Decision(state)
    rung = state.without_alarm(item_id).noting(f"{item_id} rang{' in doubt' if moment.in_doubt else ''}")
    effects = (Effect("letter", f"{item_id}/1", moment.now + START_WITHIN),) if item_id == "post" else ()
    return Decision(rung, (entry(f"{item_id}-rang"),), effects, Origin("alarm", "alarm"))


def posted(state: Desk, effect: Effect, outcome: object, _: Moment) -> Decision[Desk]:
    """The outcome of a letter is noted."""
    told = outcome.code if isinstance(outcome, AppError) else str(outcome)
    return Decision(state.noting(f"{effect.attempt_id} {told}"), (entry("posted"),))


def desk_behaviour(perform: Callable[[str, Effect], Awaitable[object]]) -> Behaviour[Desk]:
    return Behaviour(decide_due=ring, decide_outcome=posted, perform=perform)
