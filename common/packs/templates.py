"""Message templates: the records, and the sandboxed Jinja that compiles each text once."""

from collections.abc import Callable, Mapping
from typing import Annotated

from jinja2 import StrictUndefined, Template, TemplateError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import Field

from common.errors import InvalidEvent
from common.events.vocabulary import Purpose
from common.packs.formats import long_date, money
from common.packs.records import Identifier, LocalText, Record, Source


class TemplateRecord(Record):
    """A message in all its languages.

    `samples` gives a value for each variable; the `optional` ones among them may be left out by the caller.
    """

    id: Identifier
    version: Annotated[int, Field(ge=1)]
    purpose: Purpose
    text: LocalText
    samples: dict[str, str | int]
    optional: tuple[str, ...] = ()
    source: Source


class TextRenderer:
    """Compiles the texts of one pack, in one sandbox per language.

    Args:
        reason: (code, language) → plain words; behind the filter `reason`.
        constants: language → the names every text may use, e.g. the company's.
    """

    def __init__(self, reason: Callable[[str, str], str], constants: Callable[[str], Mapping[str, str]]) -> None:
        self._reason = reason
        self._constants = constants
        self._environments: dict[str, ImmutableSandboxedEnvironment] = {}

    def compile(self, source: str, language: str) -> Template:
        """The compiled text.

        Raises:
            jinja2.TemplateError: it is no template.
        """
        return self._environment(language).from_string(source)

    def variables(self, source: str, language: str) -> set[str]:
        """The names the text uses beyond the constants.

        Raises:
            jinja2.TemplateError: it is no template.
        """
        environment = self._environment(language)
        return meta.find_undeclared_variables(environment.parse(source)) - set(environment.globals)

    def _environment(self, language: str) -> ImmutableSandboxedEnvironment:
        if language not in self._environments:
            self._environments[language] = self._new_environment(language)
        return self._environments[language]

    def _new_environment(self, language: str) -> ImmutableSandboxedEnvironment:
        environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
        environment.globals = dict(self._constants(language))
        environment.filters["money"] = lambda amount, currency: money(amount, currency, language)
        environment.filters["date"] = lambda day: long_date(day, language)
        environment.filters["reason"] = lambda code: self._reason(str(code), language)
        environment.filters["tail"] = lambda value, length=4: str(value)[-length:]
        return environment


def rendered(template: Template, name: str, variables: Mapping[str, object]) -> str:
    """The text with `variables` filled in.

    Raises:
        InvalidEvent: a variable is missing or of a kind that a filter cannot read.
    """
    try:
        return template.render(variables)
    except (TemplateError, ArithmeticError, TypeError, ValueError) as error:
        raise InvalidEvent(
            "template_not_renderable",
            field=name,
            reason=f"{type(error).__name__} while filling in the text",
            remedy="give every variable that the template names, or mend the template, and replay the event",
        ) from error
