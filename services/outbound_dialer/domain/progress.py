"""Decisions on what providers and customers tell of a placed call: status, machine, keys."""

from dataclasses import replace
from types import MappingProxyType

from common.events.ledger import CallAnswered, CallKeyPressed, CallMachineDetected, CallRinging, ContactOptedOut
from common.events.model import LedgerFact
from common.events.vocabulary import CallOutcome, Channel
from common.kernel import attempts
from common.kernel.attempts import Attempt, AttemptState
from common.kernel.decision import Decision, Effect, Moment
from services.outbound_dialer.domain import facts
from services.outbound_dialer.domain.effects import HangUpCall, ProviderNews, ProviderStatus, Via
from services.outbound_dialer.domain.ending import cancel_call, end_call
from services.outbound_dialer.domain.lifecycle import CallEvent, CallStatus
from services.outbound_dialer.domain.orders import UNREFUSABLE
from services.outbound_dialer.domain.rules import OPT_OUT_MEANING, DialRules
from services.outbound_dialer.domain.state import Call, DialerState, KeyPress, call_id_of_attempt, number_of

EVENTS = MappingProxyType(
    {
        ProviderStatus.QUEUED: CallEvent.PLACED,
        ProviderStatus.RINGING: CallEvent.RANG,
        ProviderStatus.IN_PROGRESS: CallEvent.ANSWERED,
        ProviderStatus.COMPLETED: CallEvent.FINISHED,
        ProviderStatus.BUSY: CallEvent.FINISHED,
        ProviderStatus.NO_ANSWER: CallEvent.FINISHED,
        ProviderStatus.FAILED: CallEvent.FINISHED,
        ProviderStatus.CANCELED: CallEvent.FINISHED,
    }
)
OUTCOMES = MappingProxyType(
    {
        ProviderStatus.COMPLETED: CallOutcome.COMPLETED,
        ProviderStatus.BUSY: CallOutcome.BUSY,
        ProviderStatus.NO_ANSWER: CallOutcome.NO_ANSWER,
        ProviderStatus.FAILED: CallOutcome.FAILED,
        ProviderStatus.CANCELED: CallOutcome.CANCELLED,
    }
)


def decide_status_webhook(
    state: DialerState, attempt_id: str, news: ProviderNews, rules: DialRules, moment: Moment
) -> Decision[DialerState]:
    """A provider told of an attempt, in any order and any number of times; the call only moves forward."""
    call = state.calls.get(call_id_of_attempt(attempt_id))
    if call is None or not call.open:
        return Decision(state)
    return take_news(state, call, attempt_id, news, Via.WEBHOOK, rules, moment)


def take_news(
    state: DialerState, call: Call, attempt_id: str, news: ProviderNews, via: Via, rules: DialRules, moment: Moment
) -> Decision[DialerState]:
    """Applies what a provider told, whoever brought it."""
    origin = facts.origin_of(call)
    call, told = _acknowledged(call, attempt_id, news, via, rules, moment)
    if attempt_id != call.live_attempt:
        return Decision(state.with_call(call), told, origin=origin)
    call, more, effects = _with_machine(call, news, rules, moment)
    told += more
    event = EVENTS[news.status]
    if event is CallEvent.FINISHED:
        state, more = end_call(
            state,
            call,
            _outcome(call, news),
            moment.now,
            rules.limits,
            duration=news.duration,
            reason_code="" if news.status is ProviderStatus.COMPLETED else f"provider_{news.status.value}",
            error_code=news.error_code,
        )
        return Decision(state, told + more, origin=origin)
    call, more = _advanced(call, event, rules, moment)
    return Decision(state.with_call(call), told + more, effects, origin=origin)


def _outcome(call: Call, news: ProviderNews) -> CallOutcome:
    if news.status is ProviderStatus.COMPLETED and call.machine and not call.keys:
        return CallOutcome.MACHINE
    return OUTCOMES[news.status]


def _acknowledged(
    call: Call, attempt_id: str, news: ProviderNews, via: Via, rules: DialRules, moment: Moment
) -> tuple[Call, tuple[LedgerFact, ...]]:
    """News prove that the provider has the attempt, whatever was believed; a forgotten attempt is taken back."""
    attempt = call.attempt(attempt_id)
    if attempt is not None and attempt.state is AttemptState.ACCEPTED:
        return call, ()
    surprising = attempt is None or attempt.state is not AttemptState.RESERVED
    known = attempt or _forgotten(attempt_id, call, rules, moment)
    call = call.having(attempts.accepted(known, news.provider_call_sid))
    call = replace(call, attempt_number=max(call.attempt_number, number_of(attempt_id)))
    if call.undialled:
        call = replace(call, live_attempt=attempt_id, try_at=None)
    if attempt_id == call.live_attempt:
        fetch_at = moment.now + rules.limits.ring + rules.limits.grace
        call = replace(call.moved(CallEvent.PLACED), fetch_at=fetch_at, refusals=0)
    if surprising:
        return call, (facts.reconciled(call, attempt_id, news.provider_call_sid, via),)
    return call, (facts.accepted(call, attempt_id, news.provider_call_sid),)


def _forgotten(attempt_id: str, call: Call, rules: DialRules, moment: Moment) -> Attempt:
    return attempts.reserve(attempt_id, rules.provider, call.order.request_hash[:16], moment, rules.timing)


def _advanced(call: Call, event: CallEvent, rules: DialRules, moment: Moment) -> tuple[Call, tuple[LedgerFact, ...]]:
    before, call = call.status, call.moved(event)
    if call.status is before:
        return call, ()
    if call.status is CallStatus.RINGING:
        fetch_at = moment.now + rules.limits.ring + rules.limits.grace
        return replace(call, fetch_at=fetch_at), (CallRinging(call_id=call.call_id),)
    if call.status is CallStatus.ANSWERED:
        fetch_at = moment.now + rules.limits.fetch_every
        answered = replace(call, fetch_at=fetch_at, answered_at=moment.now)
        return answered, (CallAnswered(call_id=call.call_id),)
    return call, ()


def _with_machine(
    call: Call, news: ProviderNews, rules: DialRules, moment: Moment
) -> tuple[Call, tuple[LedgerFact, ...], tuple[Effect, ...]]:
    """A machine answered; not believed once somebody has pressed a key."""
    if not news.machine or call.machine or call.keys:
        return call, (), ()
    hang_up = HangUpCall(
        call.call_id, call.live_attempt, moment.now + rules.timing.start_within, news.provider_call_sid
    )
    told = CallMachineDetected(call_id=call.call_id, kind=news.machine)
    return replace(call, machine=news.machine), (told,), (hang_up,)


def decide_key(
    state: DialerState, attempt_id: str, press: KeyPress, news: ProviderNews, rules: DialRules, moment: Moment
) -> Decision[DialerState]:
    """The customer pressed a key with a meaning; the same key told twice counts once."""
    decision = decide_status_webhook(state, attempt_id, news, rules, moment)
    state = decision.state
    # An ended call takes keys too: who presses 9 and hangs up may be overtaken by the news of the end.
    call = state.calls.get(call_id_of_attempt(attempt_id))
    if call is None or press in call.keys:
        return decision
    call = replace(call, keys=(*call.keys, press))
    task_id = call.order.context.task_id or None
    pressed = CallKeyPressed(
        call_id=call.call_id,
        key=press.key,
        meaning=press.meaning,
        task_id=task_id,
        triggers=not call.cancelled,
    )
    state, told = state.with_call(call), (*decision.ledger, pressed)
    if press.meaning == OPT_OUT_MEANING:
        state, more = _opted_out(state, call, press, rules, moment)
        told += more
    return Decision(state, told, decision.effects, origin=facts.origin_of(call))


def _opted_out(
    state: DialerState, call: Call, press: KeyPress, rules: DialRules, moment: Moment
) -> tuple[DialerState, tuple[LedgerFact, ...]]:
    """No more calls of this purpose; those that wait are cancelled."""
    purpose = call.order.purpose
    evidence = f"call:{call.call_id}/{press.key}"
    told: tuple[LedgerFact, ...] = (ContactOptedOut(channel=Channel.VOICE, scope=purpose.value, evidence=evidence),)
    state = replace(state, opted_out={**state.opted_out, purpose.value: moment.now})
    for other in list(state.calls.values()):
        if other.open and other.undialled and other.order.purpose is purpose and purpose not in UNREFUSABLE:
            state, more = cancel_call(state, other, "opted_out", moment.now, rules)
            told += more
    return state, told
