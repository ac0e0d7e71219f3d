"""Message templates: sandboxed Jinja, one compiled form per language, money and dates as the language writes them."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Annotated

from babel.dates import format_date
from babel.numbers import format_currency, format_decimal
from jinja2 import StrictUndefined, Template, TemplateError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import Field

from common.errors import InvalidEvent
from common.events.vocabulary import Purpose
from common.packs.records import Identifier, LocalText, Record, Source

ReasonWords = Callable[[str, str], str]
"""(code, language) -> plain words."""

# The suffix a reader expects where Babel would put the bare symbol in front, which is the yen's sign as well.
_SPOKEN_CURRENCIES = {("zh", "CNY"): "元", ("zh", "HKD"): "港元", ("zh", "USD"): "美元", ("zh", "GBP"): "英镑"}


class TemplateRecord(Record):
    """A message in all its languages. `samples` gives a value for each variable; `optional` ones may be left out."""

    id: Identifier
    version: Annotated[int, Field(ge=1)]
    purpose: Purpose
    text: LocalText
    samples: dict[str, str | int]
    optional: tuple[str, ...] = ()
    source: Source


class TextRenderer:
    """Compiles and renders the texts of one pack; frozen after compilation.

    Args:
        reason_words: gives the plain words behind the filter `reason`.
        constants: names every text may use, by language, e.g. the company's name.
    """

    def __init__(self, reason_words: ReasonWords, constants: Mapping[str, Mapping[str, str]]) -> None:
        self._reason_words = reason_words
        self._constants = constants
        self._environments: dict[str, ImmutableSandboxedEnvironment] = {}

    def compile(self, source: str, language: str) -> Template:
        """The compiled text.

        Raises:
            jinja2.TemplateError: it is no template.
        """
        return self._environment(language).from_string(source)

    def variables(self, source: str, language: str) -> set[str]:
        """The names the text uses beyond the constants."""
        environment = self._environment(language)
        return meta.find_undeclared_variables(environment.parse(source)) - set(environment.globals)

    def _environment(self, language: str) -> ImmutableSandboxedEnvironment:
        if language not in self._environments:
            self._environments[language] = self._new_environment(language)
        return self._environments[language]

    def _new_environment(self, language: str) -> ImmutableSandboxedEnvironment:
        environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
        environment.globals = dict(self._constants.get(language, {}))
        environment.filters["money"] = lambda amount, currency: money(amount, currency, language)
        environment.filters["date"] = lambda day: long_date(day, language)
        environment.filters["reason"] = lambda code: self._reason_words(str(code), language)
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
            remedy="give every variable that the template names, or mend the template and replay the event",
        ) from error


def money(amount: object, currency: str, language: str) -> str:
    """The amount (main unit; Decimal, number or numeric string) as the language writes it.

    Raises:
        ArithmeticError: not a number.
    """
    return _money(Decimal(str(amount)), currency, language)


@lru_cache(maxsize=4096)
def _money(amount: Decimal, currency: str, language: str) -> str:
    locale = language.replace("-", "_")
    spoken = _SPOKEN_CURRENCIES.get((language.partition("-")[0], currency))
    if spoken:
        return str(format_decimal(amount, format="#,##0.00", locale=locale)) + spoken
    return str(format_currency(amount, currency, locale=locale))


def long_date(day: object, language: str) -> str:
    """The day (date, datetime or ISO string) written out, e.g. `March 1, 2026`, `2026年3月1日`.

    Raises:
        ValueError: not a date.
    """
    if isinstance(day, datetime):
        return _long_date(day.date(), language)
    return _long_date(day if isinstance(day, date) else date.fromisoformat(str(day)), language)


@lru_cache(maxsize=4096)
def _long_date(day: date, language: str) -> str:
    return str(format_date(day, format="long", locale=language.replace("-", "_")))
