"""How a call ends: its outcome on the ledger, its personal data forgotten, old calls dropped."""

from dataclasses import replace
from datetime import datetime, timedelta

from common.events.model import DecisionRecord, LedgerFact
from common.events.vocabulary import CallOutcome
from services.outbound_dialer.domain import facts
from services.outbound_dialer.domain.lifecycle import CallEvent
from services.outbound_dialer.domain.rules import DialLimits, DialRules
from services.outbound_dialer.domain.state import Call, Contact, DialerState, Order

Step = tuple[DialerState, tuple[LedgerFact, ...]]
"""A state and what is to be told about how it came to be."""


def end_call(
    state: DialerState,
    call: Call,
    outcome: CallOutcome,
    now: datetime,
    limits: DialLimits,
    *,
    duration: timedelta = timedelta(0),
    reason_code: str = "",
    error_code: str = "",
    record: DecisionRecord | None = None,
) -> Step:
    """The call is over, with this outcome; nothing moves it any more."""
    fact = facts.ended(call, outcome, duration, error_code, record)
    state = _counted(state, call, connected=outcome is CallOutcome.COMPLETED)
    return _closed(state, call, outcome, now, reason_code, limits), (fact,)


def cancel_call(state: DialerState, call: Call, reason_code: str, now: datetime, rules: DialRules) -> Step:
    """The call was taken back before it was dialled."""
    fact = facts.cancelled(call, reason_code, rules)
    return _closed(state, call, CallOutcome.CANCELLED, now, reason_code, rules.limits), (fact,)


def _closed(
    state: DialerState, call: Call, outcome: CallOutcome, now: datetime, reason_code: str, limits: DialLimits
) -> DialerState:
    closed = replace(
        call.moved(CallEvent.FINISHED),
        order=_without_personal_data(call.order),
        attempts=(),
        provider_call_sid=(call.live.provider_sid if call.live else None) or "",
        try_at=None,
        fetch_at=None,
        ended_at=now,
        outcome=outcome,
        reason_code=reason_code,
    )
    return pruned(state.with_call(closed), now, limits)


def _without_personal_data(order: Order) -> Order:
    context = replace(order.context, causation_id="", traceparent="")
    return replace(order, phone_number="", variables={}, context=context)


def _counted(state: DialerState, call: Call, *, connected: bool) -> DialerState:
    contacts = tuple(
        replace(contact, connected=True) if connected and contact.call_id == call.call_id else contact
        for contact in state.contacts
    )
    return replace(state, contacts=contacts)


def with_contact(state: DialerState, call: Call, now: datetime, limits: DialLimits) -> DialerState:
    """The dial is counted for frequency caps; old and surplus ones are forgotten."""
    recent = [contact for contact in state.contacts if contact.at > now - limits.keep_contacts_for]
    recent.append(Contact(at=now, task_id=call.order.context.task_id, call_id=call.call_id))
    return replace(state, contacts=tuple(recent[-limits.max_contacts :]))


def without_contact(state: DialerState, call: Call) -> DialerState:
    """The dial reached nobody and is not counted."""
    newest = max((at for at, one in enumerate(state.contacts) if one.call_id == call.call_id), default=None)
    if newest is None:
        return state
    return replace(state, contacts=(*state.contacts[:newest], *state.contacts[newest + 1 :]))


def pruned(state: DialerState, now: datetime, limits: DialLimits) -> DialerState:
    """Forgets ended calls that are too old or too many.

    A call whose window is open is kept: its order may be repeated, and must find it.
    """
    ended = [call for call in state.calls.values() if call.ended_at is not None]
    droppable = [call for call in ended if call.order.latest <= now]
    room = max(limits.max_kept_calls - (len(ended) - len(droppable)), 0)
    recent = [call for call in droppable if call.ended_at and call.ended_at > now - limits.keep_calls_for]
    forgotten = {call.call_id for call in droppable} - {call.call_id for call in recent[max(len(recent) - room, 0) :]}
    if not forgotten:
        return state
    return state.with_calls({call_id: call for call_id, call in state.calls.items() if call_id not in forgotten})


def has_room(state: DialerState, limits: DialLimits) -> bool:
    """Whether another call may be ordered: few are open, and not too many must be remembered."""
    open_calls = sum(call.open for call in state.calls.values())
    return open_calls < limits.max_open_calls and len(state.calls) < limits.max_kept_calls + limits.max_open_calls
