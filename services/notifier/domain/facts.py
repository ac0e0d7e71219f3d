"""Facts in: what to tell, what to hold for a profile, what to cancel."""

from dataclasses import replace
from datetime import datetime

from common.errors import InvalidEvent
from common.events.ledger import (
    FactHeld,
    FactIgnored,
    FactReleased,
    NotificationCancelled,
    NotificationScheduled,
    NotificationSuppressed,
)
from common.events.model import LedgerFact
from common.events.vocabulary import Channel, Purpose
from common.ids import derived_id
from common.kernel.decision import Decision, Moment, Origin
from common.packs import JourneyRule, condition_variables
from common.privacy import mask_number
from services.notifier.domain.model import (
    ENDED,
    KEEP_CLOSINGS,
    MAX_CLOSINGS,
    MAX_HELD,
    MAX_OPEN,
    Closing,
    Fact,
    Notification,
    NotifierState,
    Profile,
    Status,
)
from services.notifier.domain.rules import Rules

NotifierDecision = Decision[NotifierState]


def decide_fact(state: NotifierState, fact: Fact, rules: Rules, moment: Moment) -> NotifierDecision:
    """A fact about the customer: closes what it closes, opens what its journeys say, waits if nobody knows him.

    Raises:
        InvalidEvent: the rules cannot be applied to it, or too many facts wait for this customer's profile.
    """
    if state.erased_since(fact.happened_at) or (state.erased_at and state.profile is None):
        return _ignored(state, fact, "the customer was erased")
    closed = _close(state, fact, rules, moment)
    journeys = rules.pack.journeys_for(fact.type)
    if not journeys:
        return closed
    if state.profile is None:
        return _joined(closed, _hold(closed.state, fact))
    return _joined(closed, _open_all(closed.state, fact, journeys, rules, moment))


def decide_profile(state: NotifierState, profile: Profile, rules: Rules, moment: Moment) -> NotifierDecision:
    """A profile: the newest told counts; facts that waited for the first one go on now."""
    if state.erased_since(profile.told_at) or (state.profile and state.profile.told_at >= profile.told_at):
        return Decision(state)
    decision: NotifierDecision = Decision(replace(state, profile=profile, held=()))
    for fact in state.held:
        decision = _joined(decision, _release(decision.state, fact, rules, moment))
    return decision


def _release(state: NotifierState, fact: Fact, rules: Rules, moment: Moment) -> NotifierDecision:
    released = FactReleased(fact_id=fact.origin.fact_id, fact_type=fact.type)
    try:
        journeys = rules.pack.journeys_for(fact.type)
        opened = _open_all(state, fact, journeys, rules, replace(moment, since=moment.now))
    except InvalidEvent as error:
        # the profile is good: a fact that the pack cannot judge must not take it to the dead letters
        return Decision(state, (released, _ignore(fact, f"the rules cannot be applied to it: {error.code}")))
    return replace(opened, ledger=(released, *opened.ledger))


def decide_erase(state: NotifierState, at: datetime, rules: Rules) -> NotifierDecision:
    """The customer shall be erased: cancels what is open and keeps nothing but the fact of the erasure.

    Args:
        at: when upstream said so; a profile told later is a new one and stays.
    """
    if state.profile is not None and state.profile.told_at > at:
        return Decision(state)
    record = rules.record("profile.tombstone", "the customer shall be erased")
    told = tuple(NotificationCancelled(notification_id=item.notification_id, decision=record) for item in state.open)
    return Decision(NotifierState(state.customer_id, erased_at=at), told)


def _open_all(
    state: NotifierState, fact: Fact, journeys: tuple[JourneyRule, ...], rules: Rules, moment: Moment
) -> NotifierDecision:
    decision: NotifierDecision = Decision(state, origin=fact.origin)
    profile = state.profile
    variables = condition_variables(
        fact.data, {"region": profile.region, "language": profile.language} if profile else {}
    )
    for journey in journeys:
        if journey.applies(variables):
            decision = _joined(decision, _open(decision.state, fact, journey, rules, moment))
    return decision


def _open(state: NotifierState, fact: Fact, journey: JourneyRule, rules: Rules, moment: Moment) -> NotifierDecision:
    merge_value = journey.merge_value(fact.data)
    item = _notification(fact, journey, merge_value, moment)
    if item.notification_id in state.notifications:
        # its seen mark was lost with the store, the document came back: the same fact makes no second message
        return Decision(state, (_ignore(fact, "made this message before"),))
    for waiting in state.open:
        if waiting.status is Status.WAITING and (waiting.rule_id, waiting.merge_value) == (journey.id, merge_value):
            return _join(state, waiting, fact)
    refusal = _refusal(state, fact, journey)
    if refusal:
        return _suppressed(state, item, rules, *refusal)
    scheduled = NotificationScheduled(
        notification_id=item.notification_id,
        template_id=item.template_id,
        purpose=journey.purpose,
        channel=Channel(item.channel),
        policy_id=_policy_id(fact),
        send_at=item.act_at,
        masked_number=mask_number(state.profile.phone_number) if state.profile and state.profile.phone_number else None,
        decision=rules.record(journey.id, "the journey's fact arrived", fact_type=fact.type, in_doubt=item.in_doubt),
    )
    return Decision(state.having(item), (scheduled,))


def _join(state: NotifierState, waiting: Notification, fact: Fact) -> NotifierDecision:
    happened_at = max(waiting.happened_at, fact.happened_at)
    merged = replace(waiting, data={**waiting.data, **fact.data}, happened_at=happened_at)
    return Decision(state.having(merged), (_ignore(fact, "joins a message that waits"),))


def _notification(fact: Fact, journey: JourneyRule, merge_value: str, moment: Moment) -> Notification:
    return Notification(
        notification_id=derived_id("n", fact.origin.fact_id, journey.id),
        rule_id=journey.id,
        template_id=journey.template,
        purpose=journey.purpose.value,
        channel=journey.channel.value,
        merge_value=merge_value,
        data=fact.data,
        origin=fact.origin,
        happened_at=min(fact.happened_at, fact.since),
        created_at=moment.now,
        expires_at=fact.since + journey.expires_after,
        # due since its fact could be acted on, so that what a store may have forgotten stays in doubt
        act_at=fact.since + journey.send,
        asked_by_customer=journey.asked_by_customer,
        in_doubt=fact.in_doubt,
    )


def _refusal(state: NotifierState, fact: Fact, journey: JourneyRule) -> tuple[str, str] | None:
    """Rule id and reason if the message must not even be planned."""
    for closing in state.closings:
        if closing.happened_at >= fact.happened_at and journey.closed_by(fact.data, closing.type, closing.data):
            return journey.id, f"{closing.type} came before and is newer"
    if len(state.open) >= MAX_OPEN:
        return "notifier.max_open", f"{MAX_OPEN} messages to this customer are open"
    return None


def _suppressed(state: NotifierState, item: Notification, rules: Rules, rule_id: str, reason: str) -> NotifierDecision:
    told = NotificationSuppressed(
        notification_id=item.notification_id,
        template_id=item.template_id,
        purpose=Purpose(item.purpose),
        channel=Channel(item.channel),
        decision=rules.record(rule_id, reason),
    )
    return Decision(state, (told,))


def _close(state: NotifierState, fact: Fact, rules: Rules, moment: Moment) -> NotifierDecision:
    closing = [
        rule for rule in rules.pack.journeys.values() if any(end.type == fact.type for end in rule.closing_facts)
    ]
    if not closing:
        return Decision(state, origin=fact.origin)
    decision: NotifierDecision = Decision(_remembering(state, fact), origin=fact.origin)
    for item in state.open:
        rule = rules.pack.journeys.get(item.rule_id)
        if rule and item.status is Status.WAITING and rule.closed_by(item.data, fact.type, fact.data):
            decision = _joined(decision, _cancel(decision.state, item, fact, rules, moment))
    return decision


def _cancel(state: NotifierState, item: Notification, fact: Fact, rules: Rules, moment: Moment) -> NotifierDecision:
    told = NotificationCancelled(
        notification_id=item.notification_id,
        closing_fact=fact.type,
        closing_fact_id=fact.origin.fact_id,
        decision=rules.record(item.rule_id, "a closing fact made the message pointless", closing_fact=fact.type),
    )
    ended = replace(item, status=Status.CANCELLED, ended_at=moment.now)
    return Decision(state.having(ended), (told,))


def _remembering(state: NotifierState, fact: Fact) -> NotifierState:
    known = Closing(fact.type, fact.data, fact.happened_at)
    kept = [old for old in state.closings if old.happened_at > fact.happened_at - KEEP_CLOSINGS]
    return replace(state, closings=(*kept, known)[-MAX_CLOSINGS:])


def _hold(state: NotifierState, fact: Fact) -> NotifierDecision:
    if len(state.held) >= MAX_HELD:
        raise InvalidEvent(
            "held_list_full",
            field="subject",
            reason=f"{MAX_HELD} facts already wait for this customer's profile",
            remedy="publish the customer's profile, then replay the event",
        )
    told = FactHeld(
        fact_id=fact.origin.fact_id, fact_type=fact.type, reason="no profile of this customer has arrived yet"
    )
    return Decision(replace(state, held=(*state.held, fact)), (told,), origin=fact.origin)


def _ignored(state: NotifierState, fact: Fact, reason: str) -> NotifierDecision:
    return Decision(state, (_ignore(fact, reason),), origin=fact.origin)


def _ignore(fact: Fact, reason: str) -> LedgerFact:
    return FactIgnored(fact_id=fact.origin.fact_id, fact_type=fact.type, reason=reason)


def _joined(first: NotifierDecision, second: NotifierDecision) -> NotifierDecision:
    return Decision(second.state, first.ledger + second.ledger, first.effects + second.effects, first.origin)


def _policy_id(fact: Fact) -> str | None:
    policy_id = fact.data.get("policy_id")
    return policy_id if isinstance(policy_id, str) else None


def known_origin(state: NotifierState, notification_id: str) -> Origin:
    """The story of a message; empty if it is no longer kept."""
    item = state.notifications.get(notification_id)
    return item.origin if item else Origin()


def is_open(item: Notification) -> bool:
    """Whether the message has not ended."""
    return item.status not in ENDED
