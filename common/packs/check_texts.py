"""Checks of texts: no language missing, and every text rendered once before a customer reads it."""

from collections.abc import Callable, Iterator, Mapping

from jinja2 import TemplateError

from common.errors import InvalidEvent
from common.packs.compliance import ComplianceFile
from common.packs.content import PackContent
from common.packs.flows import CallFlow, FlowWords
from common.packs.problems import PackProblem, Place
from common.packs.templates import TemplateRecord, TextRenderer, rendered


def check_languages(content: PackContent, place: Callable[[str, str], Place]) -> Iterator[PackProblem]:
    """Texts that lack the language which stands in for a missing one."""
    default = content.header.default_language
    for where, texts in _all_texts(content, place):
        if default not in texts:
            yield where.problem(f"the default language {default} is missing.", f"Add a text under {default}.")


def _all_texts(
    content: PackContent, place: Callable[[str, str], Place]
) -> Iterator[tuple[Place, Mapping[str, object]]]:
    brand = place("pack", "pack").at("brand")
    yield from (
        (brand.at("company"), content.header.brand.company),
        (brand.at("hotline"), content.header.brand.hotline),
    )
    for template in content.templates.values():
        yield place("templates", template.id).at("text"), template.text
    for flow in content.flows.values():
        yield place("flows", flow.id).at("words"), flow.words
    for table in content.reasons.values():
        where = place("reasons", table.id)
        yield where.at("default"), table.default
        yield from ((where.at("codes", code), texts) for code, texts in table.codes.items())
    for profile in content.compliance.values():
        for wording in profile.wording:
            where = place("compliance", profile.id).at("wording", wording.id)
            yield where.at("signature"), wording.signature
            yield where.at("opt_out_text"), wording.opt_out_text


def check_template(template: TemplateRecord, place: Place, renderer: TextRenderer) -> Iterator[PackProblem]:
    """Texts that do not render with the samples, or without the optional ones among them."""
    if unknown := set(template.optional) - set(template.samples):
        names = ", ".join(sorted(unknown))
        yield place.at("optional").problem(f"{names} has no sample.", "Give each optional variable a sample.")
    required = {name: value for name, value in template.samples.items() if name not in template.optional}
    for language, text in template.text.items():
        yield from _check_text(text, language, template.samples, place.at("text", language), renderer)
        if template.optional:
            yield from _check_text(text, language, required, place.at("text", language), renderer)


def check_flow(flow: CallFlow, place: Place, renderer: TextRenderer) -> Iterator[PackProblem]:
    """Texts of a flow that do not render with its samples."""
    for language, words in flow.words.items():
        for field, text in flow_texts(words):
            yield from _check_text(text, language, flow.samples, place.at("words", language, field), renderer)


def check_wording(profile: ComplianceFile, place: Place, renderer: TextRenderer) -> Iterator[PackProblem]:
    """Signatures and opt-out texts that do not render with the constants."""
    for wording in profile.wording:
        for field, texts in (("signature", wording.signature), ("opt_out_text", wording.opt_out_text)):
            for language, text in texts.items():
                where = place.at("wording", wording.id, field, language)
                yield from _check_text(text, language, {}, where, renderer)


def flow_texts(words: FlowWords) -> Iterator[tuple[str, str]]:
    """(field, text) for all that a flow says in one language."""
    for field in ("greeting", "menu", "not_understood", "goodbye"):
        yield field, getattr(words, field)
    yield from ((f"answers.{meaning}", text) for meaning, text in words.answers.items())


def _check_text(
    text: str, language: str, samples: Mapping[str, object], place: Place, renderer: TextRenderer
) -> Iterator[PackProblem]:
    try:
        rendered(renderer.compile(text, language), place.field, samples)
    except TemplateError as error:
        yield place.problem(f"not a template: {error.message}.", "Correct the text.")
    except InvalidEvent as error:
        cause = str(error.__cause__).rstrip(".")
        yield place.problem(
            f"does not render with the samples: {cause}.", "Correct the name, or give the variable a sample."
        )
