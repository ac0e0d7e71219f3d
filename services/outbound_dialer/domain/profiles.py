"""Decisions on customer profiles."""

from dataclasses import replace
from datetime import datetime

from common.events.model import LedgerFact
from common.events.profiles import CustomerProfile
from common.kernel.decision import Decision, Moment
from services.outbound_dialer.domain.ending import cancel_call
from services.outbound_dialer.domain.rules import DialRules
from services.outbound_dialer.domain.state import DialerState, Profile


def decide_profile(
    state: DialerState, profile: CustomerProfile | None, told_at: datetime, rules: DialRules, moment: Moment
) -> Decision[DialerState]:
    """A profile arrived, or None: the customer is to be erased. Older news than the last (`told_at`) are ignored.

    Calls that waited for a profile, or for hours that may be others now, are looked at again at once. On erasure
    undialled calls are cancelled; one under way ends by itself and then holds no personal data any more.
    """
    if state.profile_told_at is not None and told_at < state.profile_told_at:
        return Decision(state)
    state = replace(state, profile_told_at=told_at)
    if profile is None:
        return _erase(state, rules, moment)
    known = Profile(profile.time_zone, profile.jurisdiction, profile.language)
    if state.profile == known and not state.erased:
        return Decision(state)
    state = replace(state, profile=known, erased=False)
    for call in list(state.calls.values()):
        if call.open and call.undialled and call.held_for:
            state = state.with_call(replace(call, try_at=max(call.order.earliest, moment.now)))
    return Decision(state)


def _erase(state: DialerState, rules: DialRules, moment: Moment) -> Decision[DialerState]:
    told: tuple[LedgerFact, ...] = ()
    state = replace(state, profile=None, erased=True)
    for call in list(state.calls.values()):
        if call.open and call.undialled:
            state, more = cancel_call(state, call, "customer_erased", moment.now, rules)
            told += more
    return Decision(state, told)
