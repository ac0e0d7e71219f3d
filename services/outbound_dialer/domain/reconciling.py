"""Decisions on what nobody told us: attempts of unknown outcome, and placed calls whose webhooks are missing."""

from dataclasses import replace

from common.errors import PermanentError
from common.events.vocabulary import CallOutcome
from common.kernel import attempts
from common.kernel.attempts import Attempt, AttemptState
from common.kernel.decision import Decision, Moment
from services.outbound_dialer.domain import facts
from services.outbound_dialer.domain.dialing import not_placed
from services.outbound_dialer.domain.effects import FetchCall, FindCall, Found, NotFound, Via
from services.outbound_dialer.domain.ending import end_call
from services.outbound_dialer.domain.progress import take_news
from services.outbound_dialer.domain.rules import DialRules
from services.outbound_dialer.domain.state import Call, DialerState


def decide_open_attempt(
    state: DialerState, call: Call, attempt: Attempt, rules: DialRules, moment: Moment
) -> Decision[DialerState]:
    """The outcome of an attempt is overdue: it becomes unknown, and is looked up."""
    origin = facts.origin_of(call)
    if attempt.state is AttemptState.RESERVED:
        doubted = call.having(attempts.unknown(attempt, moment.now))
        told = facts.outcome_unknown(call, attempt.attempt_id, "no_answer_recorded")
        return Decision(state.with_call(doubted), (told,), origin=origin)
    ask_again = moment.now + rules.timing.check_every
    effect = FindCall(
        call.call_id,
        attempt.attempt_id,
        ask_again,
        phone_number=call.order.phone_number,
        since=attempt.reserved_at,
        asked_at=moment.now,
        known_sids=tuple(one.provider_sid for one in call.attempts if one.provider_sid),
    )
    looking = call.having(replace(attempt, check_at=ask_again))
    return Decision(state.with_call(looking), effects=(effect,), origin=origin)


def decide_found(
    state: DialerState, effect: FindCall, outcome: object, rules: DialRules, moment: Moment
) -> Decision[DialerState]:
    """The provider's list was read; only a late enough look proves that a call was never placed."""
    call = state.calls.get(effect.item_id)
    attempt = call.attempt(effect.attempt_id) if call else None
    if call is None or attempt is None or not call.open or attempt.state is not AttemptState.UNKNOWN:
        return Decision(state)
    if isinstance(outcome, Found):
        return take_news(state, call, attempt.attempt_id, outcome.news, Via.LIST, rules, moment)
    if not isinstance(outcome, NotFound):
        return Decision(state)
    settled = attempts.not_found(attempt, effect.asked_at, moment.now, rules.timing)
    call = call.having(settled)
    if settled.state is not AttemptState.NEVER_SENT or attempt.attempt_id != call.live_attempt:
        return Decision(state.with_call(call), origin=facts.origin_of(call))
    return _never_sent(state, call, attempt.attempt_id, rules, moment)


def _never_sent(
    state: DialerState, call: Call, attempt_id: str, rules: DialRules, moment: Moment
) -> Decision[DialerState]:
    told = facts.reconciled(call, attempt_id, None, None)
    call = replace(call, never_sent=call.never_sent + 1)
    if call.never_sent >= rules.limits.max_never_sent:
        state, more = end_call(
            state, call, CallOutcome.FAILED, moment.now, rules.limits, reason_code="provider_loses_calls"
        )
    else:
        state, more = not_placed(state, call, moment.now, rules, moment)
    return Decision(state, (told, *more), origin=facts.origin_of(call))


def decide_silent_call(state: DialerState, call: Call, rules: DialRules, moment: Moment) -> Decision[DialerState]:
    """A placed call has been silent for too long: the provider is asked for its state."""
    ask_again = moment.now + rules.limits.fetch_every
    sid = (call.live.provider_sid if call.live else None) or ""
    effect = FetchCall(call.call_id, call.live_attempt, ask_again, provider_call_sid=sid)
    asking = replace(call, fetch_at=ask_again)
    return Decision(state.with_call(asking), effects=(effect,), origin=facts.origin_of(call))


def decide_fetched(
    state: DialerState, effect: FetchCall, outcome: object, rules: DialRules, moment: Moment
) -> Decision[DialerState]:
    """The provider told the state of a placed call, or that it knows no such call."""
    call = state.calls.get(effect.item_id)
    if call is None or not call.open:
        return Decision(state)
    if isinstance(outcome, Found):
        return take_news(state, call, effect.attempt_id, outcome.news, Via.FETCH, rules, moment)
    if isinstance(outcome, PermanentError):
        state, told = end_call(
            state, call, CallOutcome.FAILED, moment.now, rules.limits, reason_code="provider_lost_call"
        )
        return Decision(state, told, origin=facts.origin_of(call))
    return Decision(state)
