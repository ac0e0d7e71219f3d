"""Checks of journeys and scenarios against the event models and the rest of the pack."""

from collections.abc import Iterable, Iterator
from contextlib import suppress

from jinja2 import TemplateError

from common.errors import InvalidEvent
from common.events.profiles import CustomerProfile
from common.events.registry import MODELS
from common.packs.check_texts import flow_texts
from common.packs.conditions import Condition, condition_variables
from common.packs.content import PackContent
from common.packs.journeys import ClosingFact, JourneyRule
from common.packs.problems import PackProblem, Place
from common.packs.scenarios import ScenarioRule
from common.packs.templates import TextRenderer

PROFILE_VARIABLES = frozenset({"name"})
"""What a template may use of the profile, besides the fields of the fact."""


def check_journey(
    rule: JourneyRule, place: Place, content: PackContent, renderer: TextRenderer
) -> Iterator[PackProblem]:
    """Names that lead nowhere, and a template whose variables the fact does not give."""
    yield from _check_event(rule.on, place.at("on"))
    yield from _check_fields(rule.merge_key, (rule.on,), place.at("merge_key"))
    yield from _check_condition(rule.when, (rule.on,), place.at("when"))
    yield from _check_closing(rule.closing_facts, (rule.on,), place.at("closing_facts"))
    if rule.expires_after <= rule.send:
        yield place.at("expires_after").problem("expires before it is sent.", "Make it longer than send.")
    template = content.templates.get(rule.template)
    if template is None:
        yield _unknown(place.at("template"), rule.template, content.templates)
        return
    if template.purpose != rule.purpose:
        reason = f"{rule.template} is written for {template.purpose}."
        yield place.at("purpose").problem(reason, "Give rule and template the same purpose class.")
    texts = ((language, text) for language, text in template.text.items())
    needed = _variables(texts, renderer) - set(template.optional) - PROFILE_VARIABLES
    yield from _check_fields(sorted(needed), (rule.on,), place.at("template"))


def check_scenario(
    rule: ScenarioRule, place: Place, content: PackContent, renderer: TextRenderer
) -> Iterator[PackProblem]:
    """Names that lead nowhere, and a flow whose variables the rule does not give."""
    for event_type in rule.on:
        yield from _check_event(event_type, place.at("on"))
    yield from _check_fields(rule.merge_key, rule.on, place.at("merge_key"))
    yield from _check_fields((rule.deadline.of,), rule.on, place.at("deadline.of"))
    yield from _check_fields(rule.flow_variables, rule.on, place.at("flow_variables"))
    yield from _check_condition(rule.when, rule.on, place.at("when"))
    yield from _check_closing(rule.closing_facts, rule.on, place.at("closing_facts"))
    for step in rule.ladder:
        where = place.at("ladder", step.id)
        if step.journey is not None and step.journey not in content.journeys:
            yield _unknown(where.at("journey"), step.journey, content.journeys)
        if step.flow is not None and step.flow not in content.flows:
            yield _unknown(where.at("flow"), step.flow, content.flows)
    yield from _check_flow(rule, place, content, renderer)


def _check_flow(
    rule: ScenarioRule, place: Place, content: PackContent, renderer: TextRenderer
) -> Iterator[PackProblem]:
    flow = content.flows.get(rule.flow)
    if flow is None:
        yield _unknown(place.at("flow"), rule.flow, content.flows)
        return
    if flow.purpose != rule.purpose:
        reason = f"{rule.flow} is written for {flow.purpose}."
        yield place.at("purpose").problem(reason, "Give rule and flow the same purpose class.")
    if missing := {key.meaning for key in flow.keys.values()} - set(rule.meanings):
        reason = f"nothing follows {', '.join(sorted(missing))}, which {rule.flow} offers."
        yield place.at("meanings").problem(reason, "Say what follows each key of the flow.")
    texts = ((language, text) for language, words in flow.words.items() for _, text in flow_texts(words))
    if missing := _variables(texts, renderer) - set(rule.flow_variables):
        reason = f"lacks {', '.join(sorted(missing))}, which {rule.flow} says."
        yield place.at("flow_variables").problem(reason, "Name every variable of the flow's texts.")


def _check_event(event_type: str, place: Place) -> Iterator[PackProblem]:
    if event_type not in MODELS:
        yield place.problem(f"there is no event {event_type}.", "Use a type that schemas/ lists.")


def _check_fields(names: Iterable[str], event_types: Iterable[str], place: Place) -> Iterator[PackProblem]:
    for event_type in event_types:
        known = MODELS[event_type].model_fields if event_type in MODELS else names
        if missing := [name for name in names if name not in known]:
            yield place.problem(f"{event_type} has no field {', '.join(missing)}.", "Use a field of the event.")


def _check_closing(facts: Iterable[ClosingFact], event_types: tuple[str, ...], place: Place) -> Iterator[PackProblem]:
    for index, fact in enumerate(facts):
        yield from _check_event(fact.type, place.at(index, "type"))
        yield from _check_fields(fact.match, (fact.type, *event_types), place.at(index, "match"))
        yield from _check_condition(fact.when, (fact.type,), place.at(index, "when"))


def _check_condition(condition: Condition | None, event_types: Iterable[str], place: Place) -> Iterator[PackProblem]:
    """Evaluates the condition on the published example of each event, so that a misspelt field is found."""
    if condition is None:
        return
    for event_type in event_types:
        if event_type in MODELS:
            variables = condition_variables(MODELS[event_type].example(), CustomerProfile.example())
            try:
                condition.holds(variables)
            except InvalidEvent as error:
                reason = f"cannot be evaluated on the example of {event_type}: {error.reason} ({error.__cause__})."
                yield place.problem(reason, "Correct the field, or guard it with has(event.field).")


def _variables(texts: Iterable[tuple[str, str]], renderer: TextRenderer) -> set[str]:
    names: set[str] = set()
    for language, text in texts:
        with suppress(TemplateError):  # reported where the text stands
            names |= renderer.variables(text, language)
    return names


def _unknown(place: Place, name: str, known: Iterable[str]) -> PackProblem:
    return place.problem(f"{name} does not exist.", f"Use one of {', '.join(sorted(known))}.")
