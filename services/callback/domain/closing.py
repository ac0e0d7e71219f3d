"""Facts that end journeys: payments and the like, and the erasure of a customer."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from common.events.envelope import Envelope
from common.events.ledger import FactIgnored
from common.events.registry import MODELS
from common.packs import ScenarioRule, condition_variables
from common.packs.journeys import ClosingFact
from services.callback.domain.calling import rule_of
from services.callback.domain.draft import Draft, reference
from services.callback.domain.orders import cancel_order
from services.callback.domain.state import CallbackState, Closing, HeldFact
from services.callback.domain.tasks import ERASED, close_task

ERASURE_RULE = "profile.erased"


def close_what_ends(draft: Draft, fact: Envelope) -> None:
    """Closes the open tasks that the fact ends, drops the held facts it ends, and remembers it for late facts.

    What arrived before the closing fact is ended whatever its own time says: better one call too few than a call to
    somebody who has paid.
    """
    assert fact.data is not None
    data = fact.data.model_dump()
    closings = list(_closings(draft, fact, data))
    if not closings:
        return
    draft.state = replace(draft.state, closings=_remembered(draft.state, closings))
    for task in draft.state.open_tasks:
        rule = rule_of(draft, task)
        if rule and rule.closed_by(task.data, fact.type, data):
            reason = "a fact ended the journey"
            close_task(draft, task, rule.closing_result, f"{rule.id}.closing_fact", reason, by=fact, code=fact.type)
    ended = [held for held in draft.state.held if _ends_held(draft, held, fact, data)]
    for held in ended:
        _drop(draft, held, "a closing fact arrived before the customer's profile")
    draft.state = replace(draft.state, held=tuple(held for held in draft.state.held if held not in ended))


def _closings(draft: Draft, fact: Envelope, data: Mapping[str, object]) -> Iterator[Closing]:
    for rule in draft.rules.pack.scenarios.values():
        for closing in rule.closing_facts:
            if closing.type != fact.type or data.get(closing.match[0]) is None:
                continue
            if closing.when is None or closing.when.holds(condition_variables(data, None)):
                values = {name: str(data[name]) for name in closing.match if data.get(name) is not None}
                yield Closing(rule.id, fact.type, values, fact.time)


def _remembered(state: CallbackState, closings: list[Closing]) -> tuple[Closing, ...]:
    """The newest word on each journey, the older ones first."""
    newest = {(known.scenario_id, known.type, str(known.values)): known for known in state.closings}
    for closing in closings:
        key = (closing.scenario_id, closing.type, str(closing.values))
        known = newest.pop(key, closing)
        newest[key] = max(known, closing, key=lambda one: one.at)
    return tuple(newest.values())


def _ends_held(draft: Draft, held: HeldFact, fact: Envelope, data: Mapping[str, object]) -> bool:
    opening = MODELS[held.type].model_validate_json(held.body).model_dump()
    rules = draft.rules.pack.scenarios_for(held.type)
    return bool(rules) and all(rule.closed_by(opening, fact.type, data) for rule in rules)


def already_closed(
    state: CallbackState, rule: ScenarioRule, fact: Envelope, opening: Mapping[str, object]
) -> str | None:
    """Why the fact opens nothing: its journey ended after it happened. None if it did not."""
    for closing in state.closings:
        if closing.scenario_id == rule.id and fact.time <= closing.at and _matches(rule, closing, opening):
            return "a closing fact that happened later arrived before it"
    journey = rule.merge_value(opening)
    for task in state.tasks:
        followed = task.scenario_id == rule.id and task.journey == journey and not task.closing_fact
        if followed and task.closed_at and fact.time <= task.closed_at:
            return "it happened before its task was closed with a result"
    return None


def _matches(rule: ScenarioRule, closing: Closing, opening: Mapping[str, object]) -> bool:
    # the condition held when the fact arrived, and only the matched fields were kept
    unconditional = (known.model_copy(update={"when": None}) for known in rule.closing_facts)
    return any(_closes(known, opening, closing) for known in unconditional)


def _closes(known: ClosingFact, opening: Mapping[str, object], closing: Closing) -> bool:
    return known.closes(opening, closing.type, closing.values)


def erase(draft: Draft, fact: Envelope) -> None:
    """Forgets the customer: cancels the call, closes the tasks, drops the held facts and keeps nothing personal."""
    for task in draft.state.open_tasks:
        close_task(draft, task, ERASED, ERASURE_RULE, "the customer was erased", by=fact, code="customer_erased")
    for held in draft.state.held:
        _drop(draft, held, "the customer was erased")
    if draft.state.order:
        cancel_order(draft, "customer_erased", erase=True)
    draft.state = CallbackState(draft.state.customer_id, order=draft.state.order)


def _drop(draft: Draft, held: HeldFact, reason: str) -> None:
    draft.tell(FactIgnored(fact_id=reference(held.fact_id), fact_type=held.type, reason=reason))
