"""A message's clock rings: decide again whether it may be sent now, look an uncertain attempt up, ask for a receipt."""

from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import blake2b
from zoneinfo import ZoneInfo

from common.errors import InvalidEvent
from common.events.ledger import (
    NotificationAttemptReserved,
    NotificationFailed,
    NotificationHeld,
    NotificationOutcomeUnknown,
    NotificationSuppressed,
)
from common.events.vocabulary import Channel, Purpose
from common.kernel.attempts import Attempt, AttemptState, looking_up, reserve
from common.kernel.decision import Decision, Moment
from common.packs import ContactChannel, RenderedText, closes_at, is_allowed, next_allowed
from services.notifier.domain.effects import FetchSms, FindSms, SendSms
from services.notifier.domain.facts import NotifierDecision
from services.notifier.domain.model import WITH_PROVIDER, Notification, NotifierState, Profile, Status
from services.notifier.domain.rules import RECEIPT_MISSING_AFTER, Rules, local_day

CONSENT_NEEDED = frozenset({Purpose.MARKETING})
CONSENT_IGNORED = frozenset({Purpose.EMERGENCY, Purpose.STATUTORY, Purpose.ONE_TIME_CODE})
RECEIPT_CHECK_GROWTH = 4
HASH_BYTES = 8
CLOCK_SKEW = timedelta(seconds=30)
"""The provider's clock may run so far behind ours."""


def decide_due(state: NotifierState, notification_id: str, rules: Rules, moment: Moment) -> NotifierDecision:
    """What a message needs now; its clock moves or ends in every case."""
    item = state.notifications[notification_id]
    if item.status is Status.WAITING:
        try:
            return _send_or_not(state, item, rules, moment)
        except InvalidEvent as error:
            # the pack cannot make this message; it must be seen, and must not keep the clock ringing
            return _end_unsent(state, item, rules, moment, error.code, error.reason, Status.FAILED)
    if item.status is Status.SENDING:
        return _look_up(state, item, rules, moment)
    return _ask_for_receipt(state, item, rules, moment)


def _send_or_not(state: NotifierState, item: Notification, rules: Rules, moment: Moment) -> NotifierDecision:
    refusal = _refusal(state, item, rules, moment)
    if refusal:
        return _end_unsent(state, item, rules, moment, *refusal)
    assert state.profile is not None  # _refusal ends a message without profile
    until = _held_until(item, state.profile, rules, moment)
    if until is not None:
        return _hold(state, item, state.profile, until, rules)
    return _reserve(state, item, state.profile, rules, moment)


def _refusal(state: NotifierState, item: Notification, rules: Rules, moment: Moment) -> tuple[str, str, Status] | None:
    """Rule id, reason and end of a message that must never be sent."""
    profile, purpose = state.profile, Purpose(item.purpose)
    if moment.now >= item.expires_at:
        return item.rule_id, "it would arrive after its use", Status.EXPIRED
    if profile is None or profile.phone_number is None:
        return "profile.no_mobile_number", "the profile has no mobile number", Status.SUPPRESSED
    consent = profile.consent.get(purpose.value)
    if purpose not in CONSENT_IGNORED and consent is False:
        return "consent.refused", f"the customer refused {purpose.value} messages", Status.SUPPRESSED
    if purpose in CONSENT_NEEDED and not consent:
        return "consent.missing", f"{purpose.value} messages need consent", Status.SUPPRESSED
    rule = rules.pack.journeys.get(item.rule_id)
    for closing in state.closings:
        newer = closing.happened_at >= item.happened_at
        if newer and rule and rule.closed_by(item.data, closing.type, closing.data):
            return item.rule_id, f"{closing.type} made it pointless", Status.CANCELLED
    return None


def _held_until(item: Notification, profile: Profile, rules: Rules, moment: Moment) -> datetime | None:
    compliance = rules.pack.compliance(profile.jurisdiction, local_day(moment.now, profile.time_zone))
    channel = ContactChannel(item.channel)
    hours = compliance.hours(Purpose(item.purpose), channel, asked=item.asked_by_customer)
    zone = ZoneInfo(profile.time_zone)
    if is_allowed(hours, zone, moment.now):
        closing = closes_at(hours, zone, moment.now)
        # what is reserved now may leave up to `start_within` later; that must not lie in the quiet hours
        if closing is None or closing > moment.now + rules.timing.start_within:
            return None
        return next_allowed(hours, zone, closing)
    return next_allowed(hours, zone, moment.now)


def _hold(
    state: NotifierState, item: Notification, profile: Profile, until: datetime, rules: Rules
) -> NotifierDecision:
    compliance = rules.pack.compliance(profile.jurisdiction, local_day(until, profile.time_zone))
    rule_id = compliance.hours_rule(Purpose(item.purpose), ContactChannel(item.channel)).id
    record = rules.record(
        rule_id,
        "quiet hours in the customer's zone",
        purpose=item.purpose,
        time_zone=profile.time_zone,
        jurisdiction=profile.jurisdiction,
    )
    told = NotificationHeld(notification_id=item.notification_id, until=until, decision=record)
    return Decision(state.having(replace(item, act_at=until)), (told,), origin=item.origin)


def _end_unsent(
    state: NotifierState, item: Notification, rules: Rules, moment: Moment, rule_id: str, reason: str, status: Status
) -> NotifierDecision:
    told = NotificationSuppressed(
        notification_id=item.notification_id,
        template_id=item.template_id,
        purpose=Purpose(item.purpose),
        channel=Channel(item.channel),
        decision=rules.record(rule_id, reason, status=status.value),
    )
    return Decision(state.having(replace(item, status=status, ended_at=moment.now)), (told,), origin=item.origin)


def _reserve(
    state: NotifierState, item: Notification, profile: Profile, rules: Rules, moment: Moment
) -> NotifierDecision:
    assert profile.phone_number is not None  # _refusal ends a message without number
    rendered = _rendered(item, profile, rules, moment)
    twin = _under_way(state, item, profile.phone_number, rendered.text)
    if twin is not None:
        return _hold_for(state, item, twin, rules, moment)
    number = item.tries + 1
    doubtful = item.in_doubt or moment.in_doubt
    attempt = reserve(
        f"{item.notification_id}/{number}",
        rules.provider,
        _request_hash(profile.phone_number, rendered.text),
        # in doubt, it may have been sent at any time since its fact, however often it was held meanwhile
        replace(moment, since=item.happened_at) if doubtful else moment,
        rules.timing,
        doubtful=doubtful,
    )
    sending = replace(
        item,
        status=Status.SENDING,
        attempt=attempt,
        tries=number,
        in_doubt=False,
        to=profile.phone_number,
        text=rendered.text,
    )
    told = _reserved(item, attempt, rendered, rules)
    if attempt.state is AttemptState.UNKNOWN:
        doubt = NotificationOutcomeUnknown(
            notification_id=item.notification_id, attempt_id=attempt.attempt_id, cause="may_have_been_sent_before"
        )
        return Decision(state.having(sending), (told, doubt), origin=item.origin)
    effect = SendSms(item.notification_id, attempt.attempt_id, attempt.act_before, sending.to, sending.text)
    return Decision(state.having(sending), (told,), (effect,), item.origin)


def _reserved(
    item: Notification, attempt: Attempt, rendered: RenderedText, rules: Rules
) -> NotificationAttemptReserved:
    record = rules.record(
        item.rule_id,
        "allowed at send time",
        template_version=rendered.template_version,
        language=rendered.language,
        segments=rendered.segments,
        attempt=item.tries + 1 - item.refusals,
    )
    return NotificationAttemptReserved(
        notification_id=item.notification_id,
        attempt_id=attempt.attempt_id,
        provider=attempt.provider,
        request_hash=attempt.request_hash,
        decision=record,
    )


def _under_way(state: NotifierState, item: Notification, to: str, text: str) -> Attempt | None:
    """The attempt of another message that the provider's list could not tell from this one."""
    same = (
        other.attempt
        for other in state.open
        if other.status is Status.SENDING and other is not item and (other.to, other.text) == (to, text)
    )
    return next(same, None)


def _hold_for(
    state: NotifierState, item: Notification, twin: Attempt, rules: Rules, moment: Moment
) -> NotifierDecision:
    settled_at = twin.check_at if twin.state is AttemptState.RESERVED else twin.certain_from
    until = max(settled_at, moment.now + rules.timing.check_every)
    record = rules.record("notifier.same_text_under_way", "an equal message is under way and not confirmed yet")
    told = NotificationHeld(notification_id=item.notification_id, until=until, decision=record)
    return Decision(state.having(replace(item, act_at=until)), (told,), origin=item.origin)


def _rendered(item: Notification, profile: Profile, rules: Rules, moment: Moment) -> RenderedText:
    return rules.pack.render_sms(
        item.template_id,
        profile.language,
        profile.jurisdiction,
        {**item.data, "name": profile.name},
        on_date=local_day(moment.now, profile.time_zone),
    )


def _look_up(state: NotifierState, item: Notification, rules: Rules, moment: Moment) -> NotifierDecision:
    assert item.attempt is not None  # SENDING has an attempt
    newly_unknown = item.attempt.state is AttemptState.RESERVED
    attempt = looking_up(item.attempt, moment.now, rules.timing)
    told = NotificationOutcomeUnknown(
        notification_id=item.notification_id, attempt_id=attempt.attempt_id, cause="no_result_was_recorded"
    )
    effect = FindSms(
        item.notification_id,
        attempt.attempt_id,
        moment.now + rules.timing.start_within,
        item.to,
        item.text,
        attempt.reserved_at - CLOCK_SKEW,
        frozenset().union(*(other.sids for other in state.notifications.values())),
    )
    known = state.having(replace(item, attempt=attempt))
    return Decision(known, (told,) if newly_unknown else (), (effect,), item.origin)


def _ask_for_receipt(state: NotifierState, item: Notification, rules: Rules, moment: Moment) -> NotifierDecision:
    assert item.status in WITH_PROVIDER  # other states have no clock
    accepted_at = item.accepted_at or item.created_at
    if moment.now >= accepted_at + RECEIPT_MISSING_AFTER:
        told = NotificationFailed(notification_id=item.notification_id, reason="no receipt within 72 hours")
        ended = replace(item, status=Status.EXPIRED, ended_at=moment.now, to="", text="")
        return Decision(state.having(ended), (told,), origin=item.origin)
    checks = item.receipt_checks + 1
    pause = rules.first_receipt_check * RECEIPT_CHECK_GROWTH ** min(checks, 6)
    next_check = min(moment.now + pause, accepted_at + RECEIPT_MISSING_AFTER)
    asked = replace(item, receipt_checks=checks, act_at=max(next_check, moment.now + rules.timing.deadline))
    attempt_id = item.attempt.attempt_id if item.attempt else ""
    sid = (item.attempt.provider_sid if item.attempt else None) or ""
    effect = FetchSms(item.notification_id, attempt_id, moment.now + rules.timing.start_within, sid)
    return Decision(state.having(asked), (), (effect,), item.origin)


def _request_hash(to: str, text: str) -> str:
    return blake2b(f"{to}\x1f{text}".encode(), digest_size=HASH_BYTES).hexdigest()
