"""What the dialer's answers and the ledger's call events mean for the open order."""

from dataclasses import replace

from common.errors import PermanentError, TransientError
from common.events.envelope import Envelope
from common.events.ledger import CallCancelled, CallEnded, CallRefused
from common.events.vocabulary import CallOutcome
from common.kernel.decision import Decision, Effect, Moment
from services.callback.domain.calling import Ending, order_over
from services.callback.domain.draft import Draft, caused_by
from services.callback.domain.effects import CancelCall, LookUpCall, PlaceCall, PlacedCall
from services.callback.domain.orders import pause, request_again
from services.callback.domain.rules import CallbackRules
from services.callback.domain.state import CallbackState, OpenOrder, OrderStatus


def decide_outcome(
    state: CallbackState, effect: Effect, outcome: object, rules: CallbackRules, moment: Moment
) -> Decision[CallbackState]:
    """A request to the dialer ended, possibly after the order it was about, or after the ledger told more."""
    order = state.order
    if order is None or order.order_id != effect.item_id:
        return Decision(state)
    draft = Draft(state, rules, moment)
    match outcome:
        case PlacedCall():
            _take_call(draft, order, outcome, answers_cancel=isinstance(effect, CancelCall))
        case None if isinstance(effect, LookUpCall):
            _take_unknown(draft, order)
        case PermanentError() if isinstance(effect, PlaceCall) and order.status is OrderStatus.PLACING:
            # an earlier request with this key may have been taken, so the refusal holds only if the dialer has no call
            doubted = replace(order, status=OrderStatus.UNSURE, refusal=outcome.code, tries=0)
            draft.state = replace(state, order=doubted)
            request_again(draft)
        case PermanentError() if moment.now >= order.latest:
            # the window has closed, so nothing can be dialled any more whatever the dialer objects to
            order_over(draft, Ending(CallOutcome.CANCELLED if order.cancel_reason else CallOutcome.EXPIRED))
        case _:
            retry_after = outcome.retry_after if isinstance(outcome, TransientError) else pause(order, draft)
            check_at = moment.now + max(retry_after, pause(order, draft))
            draft.state = replace(state, order=replace(order, check_at=check_at))
    return draft.decision(state, order.origin)


def _take_call(draft: Draft, order: OpenOrder, call: PlacedCall, *, answers_cancel: bool) -> None:
    """The dialer has the call: it ended, goes on, or could not be cancelled any more."""
    if call.outcome is not None:
        order_over(draft, Ending(call.outcome, call.answered, call.choice, call.call_id, triggers=call.triggers))
        return
    now, every = draft.moment.now, draft.rules.timing.watch_every
    watch_at = now + max(every, min((now - order.ordered_at) / 2, draft.rules.timing.watch_at_most))
    known = replace(order, call_id=call.call_id, refusal=None)
    match order.status:
        case OrderStatus.CANCELLING if answers_cancel:
            known = replace(known, status=OrderStatus.ENDING, check_at=now + every, tries=0)
        case OrderStatus.CANCELLING:
            pass
        case OrderStatus.ENDING:
            known = replace(known, check_at=now + every, tries=0)
        case _:
            known = replace(known, status=OrderStatus.PLACED, check_at=watch_at, tries=0)
    draft.state = replace(draft.state, order=known)


def _take_unknown(draft: Draft, order: OpenOrder) -> None:
    """The dialer has no such order: it was refused, is too late, was cancelled, or is simply ordered (again)."""
    if order.refusal:
        order_over(draft, Ending(CallOutcome.FAILED, refusal=order.refusal))
    elif order.status in {OrderStatus.CANCELLING, OrderStatus.ENDING}:
        order_over(draft, Ending(CallOutcome.CANCELLED))
    elif draft.moment.now >= order.latest:
        order_over(draft, Ending(CallOutcome.EXPIRED))
    else:
        draft.state = replace(draft.state, order=replace(order, status=OrderStatus.PLACING, tries=0))
        request_again(draft)


def decide_call_event(
    state: CallbackState, fact: Envelope, rules: CallbackRules, moment: Moment
) -> Decision[CallbackState]:
    """The ledger tells of a call; those of other orders, or told before, mean nothing here."""
    draft, order, data = Draft(state, rules, moment), state.order, fact.data
    if order is None:
        return Decision(state)
    match data:
        case CallEnded() if data.idempotency_key == order.order_id:
            order_over(draft, _ending(order, data))
        case CallCancelled() if data.idempotency_key == order.order_id:
            order_over(draft, Ending(CallOutcome.CANCELLED, call_id=data.call_id))
        case CallRefused() if data.permanent:
            # names no order: kept until the end of that call comes, and forgotten if it is another's
            draft.state = replace(state, order=replace(order, refused_call=data.call_id))
    return draft.decision(state, caused_by(order.origin, fact.id))


def _ending(order: OpenOrder, ended: CallEnded) -> Ending:
    # a call that the provider refused for good fails again whenever it is tried
    refused = ended.outcome is CallOutcome.FAILED and ended.call_id == order.refused_call
    return Ending(
        ended.outcome,
        ended.answered,
        ended.choice,
        ended.call_id,
        refusal="refused_by_provider" if refused else None,
        triggers=ended.triggers,
    )
