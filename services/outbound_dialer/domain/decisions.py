"""The two decisions that the kernel asks for: a clock is due, an effect has an outcome."""

from common.kernel.decision import Decision, Effect, Moment
from services.outbound_dialer.domain.dialing import decide_dial_result, decide_slot, decide_undialled
from services.outbound_dialer.domain.effects import DialCall, FetchCall, FindCall, ReserveSlot, SlotDenied, SlotGranted
from services.outbound_dialer.domain.reconciling import (
    decide_fetched,
    decide_found,
    decide_open_attempt,
    decide_silent_call,
)
from services.outbound_dialer.domain.rules import DialRules
from services.outbound_dialer.domain.state import DialerState


def decide_due(state: DialerState, item_id: str, rules: DialRules, moment: Moment) -> Decision[DialerState]:
    """The clock of a call is due; what for follows from the call's state."""
    call = state.calls[item_id]
    if call.undialled:
        return decide_undialled(state, call, rules, moment)
    overdue = [attempt for attempt in call.attempts if attempt.open]
    if overdue:
        return decide_open_attempt(state, call, min(overdue, key=lambda one: one.check_at), rules, moment)
    return decide_silent_call(state, call, rules, moment)


def decide_outcome(
    state: DialerState, effect: Effect, outcome: object, rules: DialRules, moment: Moment
) -> Decision[DialerState]:
    """An effect ended with a value or an AppError. Where the answer is lost, the call's clock asks again."""
    match effect, outcome:
        case ReserveSlot(), SlotGranted() | SlotDenied():
            return decide_slot(state, effect.item_id, outcome, rules, moment)
        case DialCall(), _:
            return decide_dial_result(state, effect.item_id, effect.attempt_id, outcome, rules, moment)
        case FindCall(), _:
            return decide_found(state, effect, outcome, rules, moment)
        case FetchCall(), _:
            return decide_fetched(state, effect, outcome, rules, moment)
    return Decision(state)
