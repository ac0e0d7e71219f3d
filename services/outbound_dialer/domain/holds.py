"""Why a call may not be dialled now: calling hours, frequency caps and pauses between calls (rule pack)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from common.errors import InvalidEvent
from common.packs.compliance import Cap, CapScope, ComplianceProfile, Counted
from common.packs.records import ContactChannel
from common.packs.send_windows import next_allowed
from services.outbound_dialer.domain.rules import DialRules
from services.outbound_dialer.domain.state import Call, DialerState, Profile

CHANNEL = ContactChannel.VOICE_BOT


@dataclass(frozen=True, slots=True)
class Hold:
    """Not before `until`, because the rule says so."""

    until: datetime
    rule_id: str
    code: str
    reason: str


def hold_of(state: DialerState, call: Call, profile: Profile, rules: DialRules, now: datetime) -> Hold | None:
    """The hold that lasts longest, None when the call may be dialled now.

    A jurisdiction or hours that the pack lacks hold the call too: a missing rule is no permission.
    """
    try:
        zone = ZoneInfo(profile.time_zone)
        compliance = rules.pack.compliance(profile.jurisdiction, now.astimezone(zone).date())
        holds = [*_hours(call, compliance, zone, now), *_caps(state, call, compliance, now)]
        holds += _redial(state, compliance, now)
    except (InvalidEvent, ValueError) as error:
        code = error.code if isinstance(error, InvalidEvent) else "no_allowed_hours"
        return Hold(now + rules.limits.rules_recheck, "pack", code, "the rule pack has no rule for this customer")
    return max((hold for hold in holds if hold.until > now), key=lambda hold: hold.until, default=None)


def ring_of(profile: Profile | None, rules: DialRules, now: datetime) -> timedelta:
    """How long the phone rings: ours, or what the jurisdiction asks at least."""
    if profile is None:
        return rules.limits.ring
    try:
        compliance = rules.pack.compliance(profile.jurisdiction, now.astimezone(ZoneInfo(profile.time_zone)).date())
    except InvalidEvent:
        return rules.limits.ring
    return max(rules.limits.ring, compliance.min_ring)


def _hours(call: Call, compliance: ComplianceProfile, zone: ZoneInfo, now: datetime) -> list[Hold]:
    rule = compliance.hours_rule(call.order.purpose, CHANNEL)
    until = next_allowed(rule.allowed, zone, now)
    return [Hold(until, rule.id, "calling_hours", "outside the calling hours of the called party's zone")]


def _caps(state: DialerState, call: Call, compliance: ComplianceProfile, now: datetime) -> list[Hold]:
    holds = []
    for cap in compliance.caps(call.order.purpose, CHANNEL):
        times = _counted(state, call, cap, now)
        if len(times) >= cap.limit:
            free_at = times[-cap.limit] + cap.within if cap.limit else now + cap.within
            holds.append(Hold(free_at, cap.id, "frequency_cap", "called as often as the frequency cap allows"))
    return holds


def _counted(state: DialerState, call: Call, cap: Cap, now: datetime) -> list[datetime]:
    return [
        contact.at
        for contact in state.contacts
        if contact.at > now - cap.within
        and (cap.counted is not Counted.CONNECTED or contact.connected)
        and (cap.scope is not CapScope.TASK or contact.task_id == call.order.context.task_id)
    ]


def _redial(state: DialerState, compliance: ComplianceProfile, now: datetime) -> list[Hold]:
    if not state.contacts:
        return []
    rule = compliance.dialing_rule(CHANNEL)
    until = state.contacts[-1].at + rule.min_redial
    return [Hold(until, rule.id, "redial_pause", "the last call was too short a time ago")] if until > now else []
