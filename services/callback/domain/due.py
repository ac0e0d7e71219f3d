"""What happens when a clock of the document is due."""

from dataclasses import replace

from common.errors import InvalidEvent
from common.events.envelope import Envelope
from common.events.ledger import FactIgnored, FactReleased
from common.events.registry import MODELS
from common.kernel.decision import Decision, Moment, Origin
from services.callback.domain.calling import call_due, deadline_passed
from services.callback.domain.clocks import CALL, DEADLINE, HELD, ORDER, clock_parts
from services.callback.domain.draft import Draft, reference
from services.callback.domain.facts import follow
from services.callback.domain.orders import check_order
from services.callback.domain.rules import CallbackRules
from services.callback.domain.state import CallbackState, HeldFact


def decide_due(state: CallbackState, item_id: str, rules: CallbackRules, moment: Moment) -> Decision[CallbackState]:
    """Lets one clock ring; a clock of something that is gone changes nothing."""
    draft = Draft(state, rules, moment)
    kind, name = clock_parts(item_id)
    origin: Origin | None = None
    if kind == ORDER and state.order:
        origin = state.order.origin
        check_order(draft)
    elif kind == HELD:
        held = next((held for held in state.held if held.held_id == name), None)
        origin = held.origin if held else None
        if held:
            _held_due(draft, held)
    elif task := state.task(name):
        origin = task.origin
        if kind == CALL and task.open:
            call_due(draft, task)
        elif kind == DEADLINE and task.open:
            deadline_passed(draft, task)
    return draft.decision(state, origin)


def _held_due(draft: Draft, held: HeldFact) -> None:
    """The profile arrived and the fact goes on, or none came in all the time it could be kept."""
    draft.state = replace(draft.state, held=tuple(other for other in draft.state.held if other != held))
    if draft.state.profile is None:
        _ignore(draft, held, "no profile of this customer arrived in time")
        return
    draft.tell(FactReleased(fact_id=reference(held.fact_id), fact_type=held.type))
    try:
        follow(draft, _envelope(draft.state, held), held.origin, doubtful=held.doubtful or draft.moment.in_doubt)
    except InvalidEvent as error:
        # a clock has no dead letter to write: the ledger says why the fact ends here
        _ignore(draft, held, f"{error.code}: {error.reason}")


def _ignore(draft: Draft, held: HeldFact, reason: str) -> None:
    draft.tell(FactIgnored(fact_id=reference(held.fact_id), fact_type=held.type, reason=reason))


def _envelope(state: CallbackState, held: HeldFact) -> Envelope:
    return Envelope(
        id=held.fact_id,
        source=held.source,
        type=held.type,
        time=held.time,
        customer_id=state.customer_id,
        data=MODELS[held.type].model_validate_json(held.body),
        correlation_id=held.origin.correlation_id,
        traceparent=held.origin.traceparent or None,
    )
