"""Money and dates as a language writes them."""

from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_currency, parse_pattern

_TWO_DECIMALS = parse_pattern("#,##0.00")

# In Chinese text an amount carries its unit behind it; Babel would put ¥ in front, which is the yen's sign as well.
_UNITS_BEHIND = {("zh", "CNY"): "元", ("zh", "HKD"): "港元", ("zh", "USD"): "美元", ("zh", "GBP"): "英镑"}


def money(amount: object, currency: str, language: str) -> str:
    """The amount (main unit; Decimal, number or numeric string) as the language writes it.

    Raises:
        ArithmeticError: not a number.
    """
    return _money(Decimal(str(amount)), currency, language)


def long_date(day: object, language: str) -> str:
    """The day (date, datetime or ISO string) written out, e.g. `March 1, 2026`, `2026年3月1日`.

    Raises:
        ValueError: not a date.
    """
    if isinstance(day, datetime):
        return _long_date(day.date(), language)
    return _long_date(day if isinstance(day, date) else date.fromisoformat(str(day)), language)


@lru_cache(maxsize=4096)
def _money(amount: Decimal, currency: str, language: str) -> str:
    locale = _locale(language)
    unit = _UNITS_BEHIND.get((locale.language, currency))
    if unit:
        return str(_TWO_DECIMALS.apply(amount, locale)) + unit
    return str(format_currency(amount, currency, locale=locale))


@lru_cache(maxsize=4096)
def _long_date(day: date, language: str) -> str:
    return str(format_date(day, format="long", locale=_locale(language)))


@lru_cache
def _locale(language: str) -> Locale:
    # Parsed once: parsing takes 100 µs, several times longer than a whole text.
    return Locale.parse(language, sep="-")
