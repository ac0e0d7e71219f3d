"""When a task may call next: the called party's calling hours, pauses and caps, and the rule's own limits."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from common.errors import InvalidEvent
from common.events.vocabulary import Purpose
from common.packs import (
    CapScope,
    ComplianceProfile,
    ContactChannel,
    Counted,
    ScenarioRule,
    closes_at,
    next_allowed,
)
from services.callback.domain.rules import CallbackRules
from services.callback.domain.state import CallbackState, Contact, Profile, Task

CHANNEL = ContactChannel.VOICE_BOT
ALL_PURPOSES = "all"
UNREFUSABLE = frozenset({Purpose.STATUTORY, Purpose.EMERGENCY})
"""Purposes that a customer's refusal does not stop."""

MAX_LOST_ORDERS = 10
"""So many orders beyond the rule's attempts may expire undialled before a person has to look at the task."""

MAX_ROUNDS = 50
"""Each round moves the moment behind one constraint; a handful suffices unless a pack contradicts itself."""


@dataclass(frozen=True, slots=True)
class CallSlot:
    """A call is allowed at `at` and may wait to be dialled until `until`; `rule_id` moved it last (empty: nothing)."""

    at: datetime
    until: datetime
    rule_id: str = ""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why no smart call is possible at all, so that a person has to take over."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class _Bound:
    at: datetime
    rule_id: str


def plan_call(
    state: CallbackState, task: Task, rule: ScenarioRule, rules: CallbackRules, not_before: datetime
) -> CallSlot | Obstacle:
    """The first slot from `not_before` on, or why there is none."""
    profile = state.profile
    obstacle = _obstacle(state, task, rule)
    if obstacle or profile is None:
        return obstacle or Obstacle("profile_unknown", "there is no profile of this customer")
    try:
        slot = _first_slot(state, task, rule, rules, profile, not_before)
    except InvalidEvent as error:
        return Obstacle(error.code, error.reason)
    if task.deadline - slot.at < rules.timing.min_window:
        return Obstacle("no_time_left", "no allowed moment is left before the deadline")
    return slot


def zone_of(state: CallbackState) -> ZoneInfo:
    """The called party's zone; UTC while no profile is known."""
    return ZoneInfo(state.profile.time_zone) if state.profile else ZoneInfo("UTC")


def _obstacle(state: CallbackState, task: Task, rule: ScenarioRule) -> Obstacle | None:
    if not any(step.channel is CHANNEL for step in rule.ladder):
        return Obstacle("no_smart_call", "the scenario's ladder has no smart call")
    if task.attempts >= rule.attempts.in_all:
        return Obstacle("attempts_used_up", "called as often as the scenario allows")
    if task.order_count >= rule.attempts.in_all + MAX_LOST_ORDERS:
        return Obstacle("calls_not_dialled", "too many orders ended without being dialled")
    if state.profile and state.profile.voice_number is None:
        return Obstacle("no_phone_number", "the profile has no number to call")
    if refused(state, task.purpose):
        return Obstacle("calls_refused", "the customer does not want such calls")
    return None


def refused(state: CallbackState, purpose: Purpose) -> bool:
    """Whether the customer refuses calls of this purpose class; a later consent takes an opt-out back.

    Service calls need no consent, because they concern the customer's own contract; marketing calls do.
    """
    if purpose in UNREFUSABLE:
        return False
    consent = state.profile.consent.get(purpose) if state.profile else None
    said = [state.refusals[scope] for scope in (purpose, ALL_PURPOSES) if scope in state.refusals]
    if said and not (consent and consent.granted and consent.at > max(said)):
        return True
    return not consent.granted if consent else purpose is Purpose.MARKETING


def _first_slot(
    state: CallbackState,
    task: Task,
    rule: ScenarioRule,
    rules: CallbackRules,
    profile: Profile,
    not_before: datetime,
) -> CallSlot:
    zone = ZoneInfo(profile.time_zone)
    slot = CallSlot(not_before, task.deadline)
    for _ in range(MAX_ROUNDS):
        compliance = rules.pack.compliance(profile.jurisdiction, slot.at.astimezone(zone).date())
        bounds = list(_bounds(state, task, rule, compliance, zone, slot.at))
        latest = max(bounds, key=lambda bound: bound.at)
        opening, closing = _opening(compliance, task.purpose, zone, latest.at, rules.timing.min_window)
        if opening > latest.at:
            latest = _Bound(opening, compliance.hours_rule(task.purpose, CHANNEL).id)
        if latest.at == slot.at:
            until = min(slot.at + rules.timing.window, task.deadline, closing or task.deadline)
            return CallSlot(slot.at, until, slot.rule_id)
        slot = CallSlot(latest.at, task.deadline, latest.rule_id)
    raise InvalidEvent("no_allowed_moment", reason="hours, caps and pauses leave no allowed moment")


def _opening(
    compliance: ComplianceProfile, purpose: Purpose, zone: ZoneInfo, at: datetime, min_window: timedelta
) -> tuple[datetime, datetime | None]:
    """The first allowed moment with enough time after it, and the end of those hours (None: they have none)."""
    hours = compliance.hours(purpose, CHANNEL)
    opening = next_allowed(hours, zone, at)
    closing = closes_at(hours, zone, opening)
    if closing and closing - opening < min_window:
        opening = next_allowed(hours, zone, closing)
        closing = closes_at(hours, zone, opening)
    return opening, closing


def _bounds(
    state: CallbackState,
    task: Task,
    rule: ScenarioRule,
    compliance: ComplianceProfile,
    zone: ZoneInfo,
    at: datetime,
) -> Iterator[_Bound]:
    """What holds a call at `at` back, and until when; always at least `at` itself."""
    yield _Bound(at, "")
    if state.contacts:
        dialing = compliance.dialing_rule(CHANNEL)
        yield _Bound(state.contacts[-1].at + dialing.min_redial, dialing.id)
    day = at.astimezone(zone).date()
    today = [contact for contact in _of(task, state.contacts) if contact.at.astimezone(zone).date() == day]
    if len(today) >= rule.attempts.per_day:
        yield _Bound(
            datetime.combine(day + timedelta(days=1), time(), zone).astimezone(at.tzinfo), f"{rule.id}.per_day"
        )
    for cap in compliance.caps(task.purpose, CHANNEL):
        calls = _of(task, state.contacts) if cap.scope is CapScope.TASK else state.contacts
        times = [
            contact.at
            for contact in calls
            if contact.at > at - cap.within and (contact.connected or cap.counted is not Counted.CONNECTED)
        ]
        if len(times) >= cap.limit:
            yield _Bound(times[-cap.limit] + cap.within if cap.limit else at + cap.within, cap.id)


def _of(task: Task, contacts: tuple[Contact, ...]) -> tuple[Contact, ...]:
    return tuple(contact for contact in contacts if contact.task_id == task.id)
