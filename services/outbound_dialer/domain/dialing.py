"""Decisions before and at the dial: what is due, the calls-per-second slot, the attempt and its direct answer."""

from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import blake2b

from common.errors import OutcomeUnknown, PermanentError, TransientError
from common.events.model import LedgerFact
from common.events.vocabulary import CallOutcome
from common.kernel import attempts
from common.kernel.attempts import AttemptState
from common.kernel.decision import Decision, Moment
from services.outbound_dialer.domain import facts
from services.outbound_dialer.domain.effects import DialCall, Placed, ReserveSlot, SlotDenied, SlotGranted
from services.outbound_dialer.domain.ending import (
    Step,
    cancel_call,
    end_call,
    with_contact,
    without_contact,
)
from services.outbound_dialer.domain.holds import Hold, hold_of, ring_of
from services.outbound_dialer.domain.lifecycle import CallEvent, CallStatus
from services.outbound_dialer.domain.orders import UNREFUSABLE
from services.outbound_dialer.domain.rules import DialLimits, DialRules
from services.outbound_dialer.domain.state import Call, DialerState, attempt_id_of

HASH_CHARACTERS = 16
BACKOFF_STEPS = 6


def decide_undialled(state: DialerState, call: Call, rules: DialRules, moment: Moment) -> Decision[DialerState]:
    """An undialled call is due: it expires, is cancelled, waits on, asks for a slot or is dialled."""
    origin = facts.origin_of(call)
    # The slot's answer comes in another decision, so a doubt met here must be kept until the dial.
    call = replace(call, order=replace(call.order, doubtful=call.order.doubtful or moment.in_doubt))
    if moment.now >= call.order.latest:
        return Decision(*_expire(state, call, "window_closed", "dialer.window", rules, moment), origin=origin)
    refusal = _refusal(state, call)
    if refusal:
        return Decision(*cancel_call(state, call, refusal, moment.now, rules), origin=origin)
    hold = _hold(state, call, rules, moment.now)
    if hold is not None:
        return Decision(*_wait(state, call, hold, rules, moment), origin=origin)
    if call.status is CallStatus.SLOT_RESERVED and _slot_is_fresh(call, rules, moment.now):
        return _dial(state, call, rules, moment)
    return _ask_for_slot(state, call, rules, moment)


def _slot_is_fresh(call: Call, rules: DialRules, now: datetime) -> bool:
    return call.try_at is not None and now <= call.try_at + rules.limits.slot_stale


def _expire(state: DialerState, call: Call, reason_code: str, rule_id: str, rules: DialRules, moment: Moment) -> Step:
    record = facts.expired(reason_code, rule_id, rules)
    return end_call(state, call, CallOutcome.EXPIRED, moment.now, rules.limits, reason_code=reason_code, record=record)


def _refusal(state: DialerState, call: Call) -> str:
    if state.erased:
        return "customer_erased"
    refused = call.order.purpose in state.opted_out and call.order.purpose not in UNREFUSABLE
    return "opted_out" if refused else ""


def _hold(state: DialerState, call: Call, rules: DialRules, now: datetime) -> Hold | None:
    if state.profile is None:
        return Hold(call.order.latest, "dialer.profile", "profile_unknown", "no profile of this customer has arrived")
    return hold_of(state, call, state.profile, rules, now)


def _wait(state: DialerState, call: Call, hold: Hold, rules: DialRules, moment: Moment) -> Step:
    waits_for_profile = hold.code == "profile_unknown"
    if hold.until >= call.order.latest and not waits_for_profile:
        # Said at once rather than at the end of the window: whoever ordered can still choose another way.
        return _expire(state, call, hold.code, hold.rule_id, rules, moment)
    told = (facts.held(call, hold.until, hold, rules),) if call.held_for != hold.code else ()
    waiting = replace(
        call.moved(CallEvent.SLOT_LOST), held_for=hold.code, try_at=None if waits_for_profile else hold.until
    )
    return state.with_call(waiting), told


def _ask_for_slot(state: DialerState, call: Call, rules: DialRules, moment: Moment) -> Decision[DialerState]:
    ask_again = moment.now + rules.limits.slot_patience
    asking = replace(call.moved(CallEvent.SLOT_LOST), try_at=ask_again)
    effect = ReserveSlot(call.call_id, f"{call.call_id}/slot", ask_again, call.order.priority)
    return Decision(state.with_call(asking), effects=(effect,), origin=facts.origin_of(call))


def decide_slot(
    state: DialerState, call_id: str, answer: SlotGranted | SlotDenied, rules: DialRules, moment: Moment
) -> Decision[DialerState]:
    """The limiter answered; a granted slot that has come is used by the call's clock, which then rings at once."""
    call = state.calls.get(call_id)
    if call is None or call.status is not CallStatus.QUEUED:
        return Decision(state)
    if isinstance(answer, SlotGranted):
        granted = replace(call.moved(CallEvent.SLOT_GRANTED), try_at=answer.at)
        return Decision(state.with_call(granted), origin=facts.origin_of(call))
    at = max(answer.ask_at, moment.now + pause(call, rules.limits))
    waiting = replace(call, try_at=at, refusals=call.refusals + 1)
    return Decision(state.with_call(waiting), origin=facts.origin_of(call))


def pause(call: Call, limits: DialLimits) -> timedelta:
    """Exponential backoff, spread by a digest of the call id, so that many calls do not come back together."""
    doublings: int = 2 ** min(call.refusals, BACKOFF_STEPS)
    longest = min(limits.backoff * doublings, limits.max_backoff)
    digest = blake2b(f"{call.call_id}/{call.refusals}".encode(), digest_size=1).digest()[0]
    return longest * (0.5 + digest / 512)


def _dial(state: DialerState, call: Call, rules: DialRules, moment: Moment) -> Decision[DialerState]:
    """Reserves the attempt; the call is made only after this has been committed."""
    number = call.attempt_number + 1
    # Not the slot's time counts: an answer that the store lost may have led to a dial ever since the call was due.
    moment = replace(moment, since=min(moment.since, call.since))
    attempt = attempts.reserve(
        attempt_id_of(call.call_id, number),
        rules.provider,
        call.order.request_hash[:HASH_CHARACTERS],
        moment,
        rules.timing,
        doubtful=call.order.doubtful,
    )
    dialled = replace(
        call.having(attempt).moved(CallEvent.DIALLED),
        order=replace(call.order, doubtful=False),
        attempt_number=number,
        live_attempt=attempt.attempt_id,
        try_at=None,
        held_for="",
    )
    state = with_contact(state.with_call(dialled), dialled, moment.now, rules.limits)
    told: tuple[LedgerFact, ...] = (facts.dialing(dialled, attempt, rules),)
    if attempt.state is AttemptState.UNKNOWN:
        told = (*told, facts.outcome_unknown(dialled, attempt.attempt_id, "store_lost_writes"))
        return Decision(state, told, origin=facts.origin_of(call))
    ring = ring_of(state.profile, rules, moment.now)
    effect = DialCall(
        call.call_id, attempt.attempt_id, attempt.act_before, call.order.phone_number, ring, rules.limits.talk
    )
    return Decision(state, told, (effect,), origin=facts.origin_of(call))


def decide_dial_result(
    state: DialerState, call_id: str, attempt_id: str, outcome: object, rules: DialRules, moment: Moment
) -> Decision[DialerState]:
    """The provider's direct answer, which may come after its webhooks, after the call has ended, or twice."""
    call = state.calls.get(call_id)
    attempt = call.attempt(attempt_id) if call else None
    if call is None or attempt is None or not call.open or not attempt.open:
        return Decision(state)
    origin = facts.origin_of(call)
    match outcome:
        case Placed(provider_call_sid=sid):
            placed = replace(
                call.having(attempts.accepted(attempt, sid)).moved(CallEvent.PLACED),
                fetch_at=moment.now + rules.limits.ring + rules.limits.grace,
                refusals=0,
            )
            return Decision(state.with_call(placed), (facts.accepted(call, attempt_id, sid),), origin=origin)
        case TransientError() if attempt.state is AttemptState.RESERVED:
            return _refused(state, call.having(attempts.refused(attempt)), attempt_id, outcome, rules, moment)
        case PermanentError():
            return _failed(state, call.having(attempts.failed(attempt)), attempt_id, outcome, rules, moment)
        case OutcomeUnknown() if attempt.state is AttemptState.RESERVED:
            doubted = call.having(attempts.unknown(attempt, moment.now))
            told = facts.outcome_unknown(call, attempt_id, outcome.code)
            return Decision(state.with_call(doubted), (told,), origin=origin)
    return Decision(state)


def _refused(
    state: DialerState, call: Call, attempt_id: str, error: TransientError, rules: DialRules, moment: Moment
) -> Decision[DialerState]:
    """Certainly not processed: no attempt is counted, the call waits for its turn again."""
    told = facts.refused(call, attempt_id, error.code, error.context.get("provider_code"), permanent=False)
    try_at = moment.now + max(error.retry_after, pause(call, rules.limits))
    state, more = not_placed(state, replace(call, refusals=call.refusals + 1), try_at, rules, moment)
    return Decision(state, (told, *more), origin=facts.origin_of(call))


def _failed(
    state: DialerState, call: Call, attempt_id: str, error: PermanentError, rules: DialRules, moment: Moment
) -> Decision[DialerState]:
    provider_code = error.context.get("provider_code")
    told = facts.refused(call, attempt_id, error.code, provider_code, permanent=True)
    state, more = end_call(
        without_contact(state, call),
        call,
        CallOutcome.FAILED,
        moment.now,
        rules.limits,
        reason_code=error.code,
        error_code=str(provider_code or ""),
    )
    return Decision(state, (told, *more), origin=facts.origin_of(call))


def not_placed(state: DialerState, call: Call, try_at: datetime, rules: DialRules, moment: Moment) -> Step:
    """The live attempt certainly reached nobody: the call goes back to the queue, or ends if it was cancelled."""
    state = without_contact(state, call)
    requeued = replace(call.moved(CallEvent.NOT_PLACED), since=moment.now, try_at=try_at, fetch_at=None)
    if call.cancelled:
        return cancel_call(state, requeued, call.cancelled, moment.now, rules)
    return state.with_call(requeued), ()
