"""What a fact from a topic leads to: the one entry to all decisions about facts."""

from dataclasses import replace

from common.errors import InvalidEvent
from common.events.envelope import Envelope
from common.events.ledger import (
    CallCancelled,
    CallEnded,
    CallRefused,
    ContactOptedOut,
    FactHeld,
    FactIgnored,
)
from common.events.profiles import CustomerProfile
from common.events.vocabulary import Channel, Purpose
from common.ids import derived_id
from common.kernel.decision import Decision, Moment, Origin
from common.packs import Pack, ScenarioRule, condition_variables
from services.callback.domain.answers import decide_call_event
from services.callback.domain.bounds import MAX_OPEN_TASKS, room_to_hold
from services.callback.domain.closing import already_closed, close_what_ends, erase
from services.callback.domain.draft import Draft, reference
from services.callback.domain.planning import ALL_PURPOSES
from services.callback.domain.profiles import profile_of, profile_variables
from services.callback.domain.rules import CallbackRules
from services.callback.domain.state import CallbackState, HeldFact
from services.callback.domain.tasks import join_task, open_task, task_id_of

CALL_EVENTS = (CallEnded, CallCancelled, CallRefused)
CALL_EVENT_TYPES = frozenset(fact.TYPE for fact in (*CALL_EVENTS, ContactOptedOut))


def journey_types(pack: Pack) -> frozenset[str]:
    """The event types that open or close a task by any scenario."""
    opening = {event_type for rule in pack.scenarios.values() for event_type in rule.on}
    closing = {fact.type for rule in pack.scenarios.values() for fact in rule.closing_facts}
    return frozenset(opening | closing)


def decide_fact(state: CallbackState, fact: Envelope, rules: CallbackRules, moment: Moment) -> Decision[CallbackState]:
    """Decides on one fact of the customer; what no rule speaks of changes nothing.

    Raises:
        InvalidEvent: a condition cannot be evaluated, or there is no room; the fact can be replayed later.
    """
    if isinstance(fact.data, CALL_EVENTS):
        return decide_call_event(state, fact, rules, moment)
    draft = Draft(state, rules, moment)
    match fact.data:
        case None:
            erase(draft, fact)
        case CustomerProfile():
            since = state.profile_since if state.profile else moment.now
            draft.state = replace(state, profile=profile_of(fact.data), profile_since=since)
        case ContactOptedOut():
            _take_refusal(draft, fact, fact.data)
        case _:
            close_what_ends(draft, fact)
            _take_opening(draft, fact)
    return draft.decision(state)


def _take_refusal(draft: Draft, fact: Envelope, refusal: ContactOptedOut) -> None:
    known_scope = refusal.scope == ALL_PURPOSES or refusal.scope in set(Purpose)
    if refusal.channel is Channel.VOICE and known_scope:
        at = max(fact.time, draft.state.refusals.get(refusal.scope, fact.time))
        draft.state = replace(draft.state, refusals={**draft.state.refusals, refusal.scope: at})


def _take_opening(draft: Draft, fact: Envelope) -> None:
    if not draft.rules.pack.scenarios_for(fact.type):
        return
    if draft.state.profile is None:
        _hold(draft, fact)
        return
    origin = Origin(fact.id, fact.correlation_id or fact.id, fact.traceparent or "")
    follow(draft, fact, origin, doubtful=draft.moment.in_doubt)


def _hold(draft: Draft, fact: Envelope) -> None:
    assert fact.data is not None
    held_id = derived_id("f", fact.source, fact.id)
    if any(held.held_id == held_id for held in draft.state.held):
        return
    held = HeldFact(
        held_id=held_id,
        fact_id=fact.id,
        source=fact.source,
        type=fact.type,
        time=fact.time,
        body=fact.data.model_dump_json(exclude_none=True),
        origin=Origin(fact.id, fact.correlation_id or fact.id, fact.traceparent or ""),
        held_at=draft.moment.now,
        doubtful=draft.moment.in_doubt,
    )
    if not room_to_hold(draft.state, held):
        raise InvalidEvent(
            "too_many_held_facts",
            field="subject",
            reason="more facts of this customer wait for a profile than are kept",
            remedy="publish the customer's profile, then replay the event",
        )
    draft.state = replace(draft.state, held=(*draft.state.held, held))
    reason = "no profile of this customer has arrived yet"
    draft.tell(FactHeld(fact_id=reference(fact.id), fact_type=fact.type, reason=reason))


def follow(draft: Draft, fact: Envelope, origin: Origin, *, doubtful: bool) -> None:
    """Opens or joins a task by every scenario whose condition the fact fulfils.

    Raises:
        InvalidEvent: a condition cannot be evaluated, or too many tasks are open.
    """
    assert fact.data is not None
    assert draft.state.profile is not None
    variables = condition_variables(fact.data, profile_variables(draft.state.profile))
    for rule in draft.rules.pack.scenarios_for(fact.type):
        if rule.applies(variables):
            _follow_by(draft, fact, rule, origin, doubtful=doubtful)


def _follow_by(draft: Draft, fact: Envelope, rule: ScenarioRule, origin: Origin, *, doubtful: bool) -> None:
    assert fact.data is not None
    data = fact.data.model_dump()
    journey = rule.merge_value(data)
    open_tasks = draft.state.open_tasks
    known = next((task for task in open_tasks if (task.scenario_id, task.journey) == (rule.id, journey)), None)
    if draft.state.task(task_id_of(fact, rule)):
        return
    if known:
        join_task(draft, known, fact, rule)
    elif reason := already_closed(draft.state, rule, fact, data):
        record = draft.record(f"{rule.id}.already_closed", reason, fact_type=fact.type)
        draft.tell(FactIgnored(fact_id=reference(fact.id), fact_type=fact.type, reason=reason, decision=record))
    elif len(open_tasks) >= MAX_OPEN_TASKS:
        raise InvalidEvent(
            "too_many_open_tasks",
            field="subject",
            reason="this customer has more open tasks than one person can have",
            remedy="find out why so many journeys failed, then replay the event",
        )
    else:
        open_task(draft, fact, rule, origin, doubtful=doubtful)
