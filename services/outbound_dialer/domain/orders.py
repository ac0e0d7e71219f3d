"""Decisions on orders: placing and cancelling calls."""

from dataclasses import replace
from datetime import timedelta
from enum import StrEnum

from common.errors import Rejected
from common.events.vocabulary import CallOutcome, Priority, Purpose
from common.kernel.decision import Decision, Moment
from common.privacy import mask_number
from common.rpc.refusals import Exhausted, KeyReused
from services.outbound_dialer.domain import facts
from services.outbound_dialer.domain.ending import cancel_call, has_room, pruned
from services.outbound_dialer.domain.requests import CallRequest, check_request
from services.outbound_dialer.domain.rules import DialRules
from services.outbound_dialer.domain.state import Call, CallContext, DialerState, Order, call_id_of

UNREFUSABLE = frozenset({Purpose.STATUTORY, Purpose.EMERGENCY})
"""Purposes that a customer's opt-out does not stop."""
FULL_RETRY = timedelta(minutes=1)


class CancelResult(StrEnum):
    """What became of a cancellation."""

    CANCELLED = "cancelled"
    TOO_LATE = "too_late"
    ALREADY_ENDED = "already_ended"


def decide_place_call(
    state: DialerState, request: CallRequest, rules: DialRules, moment: Moment
) -> Decision[DialerState]:
    """Takes an order; the same order again changes nothing.

    Raises:
        InvalidRequest: naming the wrong fields.
        KeyReused: the key belongs to another order.
        Rejected: the customer refused such calls or was erased.
        Exhausted: too many open calls.
    """
    known = state.call_of_key(request.idempotency_key)
    if known is not None:
        _check_same(known, request)
        return Decision(state)
    check_request(request, rules, moment.now)
    _check_allowed(state, request)
    state = _with_room(state, rules, moment)
    call = _new_call(request, moment)
    return Decision(state.with_call(call), (facts.queued(call, rules),), origin=facts.origin_of(call))


def _with_room(state: DialerState, rules: DialRules, moment: Moment) -> DialerState:
    state = pruned(state, moment.now, rules.limits)
    if not has_room(state, rules.limits):
        description = f"at most {rules.limits.max_open_calls} calls of one customer may be open"
        raise Exhausted("too_many_open_calls", retry_after=FULL_RETRY, description=description)
    return state


def _check_same(known: Call, request: CallRequest) -> None:
    if known.order.request_hash not in {"", request.request_hash}:
        raise KeyReused(
            "idempotency_key_reused",
            resource_type="call",
            resource_name=known.call_id,
            description="the idempotency key was used for another request",
        )


def _check_allowed(state: DialerState, request: CallRequest) -> None:
    if state.erased:
        raise Rejected("customer_erased", rule_id="profile.erased")
    if request.purpose in state.opted_out and request.purpose not in UNREFUSABLE:
        raise Rejected("opted_out", rule_id="voice.opt_out", purpose=request.purpose)


def _new_call(request: CallRequest, moment: Moment) -> Call:
    assert request.purpose is not None
    assert request.latest is not None
    earliest = request.earliest or moment.now
    order = Order(
        idempotency_key=request.idempotency_key,
        request_hash=request.request_hash,
        phone_number=request.phone_number,
        masked_number=mask_number(request.phone_number),
        purpose=request.purpose,
        flow=request.flow,
        language=request.language,
        variables=request.variables,
        earliest=earliest,
        latest=request.latest,
        priority=request.priority,
        context=request.context,
        doubtful=moment.in_doubt,
    )
    return Call(
        call_id=call_id_of(request.idempotency_key),
        order=order,
        queued_at=moment.now,
        # An order in doubt may be the repetition of one that the store forgot.
        since=earliest if moment.in_doubt else max(earliest, moment.now),
        try_at=max(earliest, moment.now),
    )


def decide_cancel_call(
    state: DialerState, call_id: str, idempotency_key: str, reason_code: str, rules: DialRules, moment: Moment
) -> Decision[DialerState]:
    """Keeps a call from being dialled, or from triggering anything if it is under way.

    An unknown idempotency key (empty for none) is remembered as cancelled: its order may still be on its way.

    Raises:
        Exhausted: too many unknown keys were cancelled.
    """
    call = state.calls.get(call_id)
    if call is None and idempotency_key:
        return _forestall(state, idempotency_key, reason_code, rules, moment)
    if call is None or not call.open or call.cancelled:
        return Decision(state)
    if call.undialled:
        state, told = cancel_call(state, call, reason_code, moment.now, rules)
        return Decision(state, told, origin=facts.origin_of(call))
    return Decision(state.with_call(replace(call, cancelled=reason_code)), origin=facts.origin_of(call))


def cancel_result(call: Call) -> CancelResult:
    """What became of a cancellation, read off the call; the same however often it is asked."""
    if call.open:
        return CancelResult.TOO_LATE
    return CancelResult.CANCELLED if call.outcome is CallOutcome.CANCELLED else CancelResult.ALREADY_ENDED


def _forestall(
    state: DialerState, idempotency_key: str, reason_code: str, rules: DialRules, moment: Moment
) -> Decision[DialerState]:
    order = Order(
        idempotency_key=idempotency_key,
        request_hash="",
        phone_number="",
        masked_number="",
        purpose=Purpose.SERVICE,
        flow="",
        language="",
        variables={},
        earliest=moment.now,
        latest=moment.now + rules.limits.max_window,
        priority=Priority.P2,
        context=CallContext(),
    )
    call = Call(call_id=call_id_of(idempotency_key), order=order, queued_at=moment.now, since=moment.now)
    state, told = cancel_call(_with_room(state, rules, moment), call, reason_code, moment.now, rules)
    return Decision(state, told)
