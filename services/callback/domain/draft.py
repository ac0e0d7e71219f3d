"""A decision while it is being written: what the steps of one `decide_…` function add up to."""

import re
from dataclasses import dataclass, field, replace

from common.events.model import DecisionRecord, LedgerFact
from common.ids import derived_id
from common.kernel.decision import Decision, Effect, Moment, Origin
from services.callback.domain.bounds import pruned
from services.callback.domain.rules import CallbackRules
from services.callback.domain.state import CallbackState, Task

REFERENCE = re.compile(r"[A-Za-z0-9_./:+#-]{1,128}")
TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


@dataclass(slots=True)
class Draft:
    """Collects new state, ledger entries and effects; lives only inside one pure decision."""

    state: CallbackState
    rules: CallbackRules
    moment: Moment
    ledger: list[LedgerFact] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)

    def put(self, task: Task) -> Task:
        """Adds or changes a task; returns it."""
        self.state = self.state.with_task(task)
        return task

    def tell(self, fact: LedgerFact) -> None:
        """Adds a ledger entry."""
        self.ledger.append(fact)

    def act(self, effect: Effect) -> None:
        """Adds an effect; the state must hold what brings it about again if it gets lost."""
        self.effects.append(effect)

    def record(self, rule_id: str, reason: str, **inputs: str | int | float | bool | None) -> DecisionRecord:
        """Why something is done; neither reason nor inputs hold personal data."""
        return DecisionRecord(rule_id=rule_id, pack_version=self.rules.pack.version, inputs=inputs, reason=reason)

    def decision(self, before: CallbackState, origin: Origin | None = None) -> Decision[CallbackState]:
        """The finished decision; the state is kept within its bounds whenever it changed."""
        state = before if self.state == before else pruned(self.state, self.moment.now)
        return Decision(state, tuple(self.ledger), tuple(self.effects), origin)


def reference(foreign_id: str) -> str:
    """The id as the ledger can carry it: itself, or a digest where it has other characters or is too long."""
    return foreign_id if REFERENCE.fullmatch(foreign_id) else derived_id("x", foreign_id)


def traced(origin: Origin) -> tuple[str, str, str]:
    """Correlation id, causation id and traceparent as a call's context can carry them."""
    story = origin.correlation_id or origin.fact_id
    trace = origin.traceparent if TRACEPARENT.fullmatch(origin.traceparent) else ""
    return (reference(story) if story else "", reference(origin.fact_id) if origin.fact_id else "", trace)


def caused_by(origin: Origin, fact_id: str) -> Origin:
    """The same story with this fact as the cause."""
    return replace(origin, fact_id=fact_id)
