"""Checks across the records of a pack: what is wrong here would otherwise be found by a customer."""

from collections.abc import Iterator, Mapping

from common.packs.check_compliance import check_compliance
from common.packs.check_rules import check_journey, check_scenario
from common.packs.check_texts import check_flow, check_languages, check_template, check_wording
from common.packs.content import BANK_CODES, PackContent
from common.packs.problems import PackProblem, Place
from common.packs.templates import TextRenderer

Files = Mapping[tuple[str, str], str]
"""(kind, id) → file."""


def check_content(content: PackContent, files: Files) -> Iterator[PackProblem]:
    """Everything wrong with records that are each valid by themselves."""
    if BANK_CODES not in content.reasons:
        yield Place("reasons").problem(f"there is no table {BANK_CODES}.", f"Add reasons/{BANK_CODES}.yaml.")
        return
    languages = list(check_languages(content, lambda kind, name: Place(files[kind, name])))
    yield from languages
    if not languages:
        yield from _check_records(content, files)


def _check_records(content: PackContent, files: Files) -> Iterator[PackProblem]:
    renderer = TextRenderer(content.reason, content.constants)
    for name, journey in content.journeys.items():
        yield from check_journey(journey, Place(files["journeys", name]), content, renderer)
    for name, scenario in content.scenarios.items():
        yield from check_scenario(scenario, Place(files["nine-connect", name]), content, renderer)
    for name, template in content.templates.items():
        yield from check_template(template, Place(files["templates", name]), renderer)
    for name, flow in content.flows.items():
        yield from check_flow(flow, Place(files["flows", name]), renderer)
    for name, profile in content.compliance.items():
        yield from check_compliance(profile, Place(files["compliance", name]))
        yield from check_wording(profile, Place(files["compliance", name]), renderer)
