"""Conditions of rules: CEL expressions, compiled once, about `event` and `profile`."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal

import cel
from pydantic import BaseModel

from common.errors import InvalidEvent

VARIABLES = ("event", "profile")

# The library lists the names bound by comprehension macros among the variables; they are found by their place.
_MACRO_BINDING = re.compile(r"\.\s*(?:all|exists|exists_one|map|filter)\s*\(\s*(\w+)\s*,")


class Condition:
    """A compiled CEL expression that says whether a rule applies.

    Raises:
        ValueError: not CEL, or it names a variable other than `event` and `profile`.
    """

    __slots__ = ("_names", "_program", "source")

    def __init__(self, source: str) -> None:
        self.source = source
        self._program = cel.compile(source)
        names = set(self._program.variables()) - set(_MACRO_BINDING.findall(source))
        if unknown := sorted(names.difference(VARIABLES)):
            what = ", ".join(unknown)
            raise ValueError(f"unknown variable {what}; a condition speaks of event.<field> and profile.<field>")
        self._names = tuple(sorted(names))

    def holds(self, variables: Mapping[str, object]) -> bool:
        """Whether the condition is true of `variables` (see `condition_variables`).

        Raises:
            InvalidEvent: a named field is missing or of another type, or the result is no truth value. Not taken as
                "no", because a rule that is silently never true is a customer who is silently never called.
        """
        try:
            result = self._program.execute({name: variables[name] for name in self._names})
        except (KeyError, RuntimeError, TypeError, ValueError) as error:
            raise self._refusal(f"{type(error).__name__} while evaluating the condition") from error
        if not isinstance(result, bool):
            raise self._refusal(f"the condition gave {type(result).__name__} instead of true or false")
        return result

    def _refusal(self, reason: str) -> InvalidEvent:
        return InvalidEvent(
            "condition_not_evaluable",
            field=self.source,
            reason=reason,
            remedy="guard optional fields with has(event.field) in the rule, publish the pack, replay the event",
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Condition) and other.source == self.source

    def __hash__(self) -> int:
        return hash(self.source)

    def __repr__(self) -> str:
        return f"Condition({self.source!r})"


class _Variables(Mapping[str, object]):
    """Converts `event` and `profile` when a condition first asks for them, since most rules have no condition."""

    def __init__(self, **sources: object) -> None:
        self._sources = sources
        self._converted: dict[str, object] = {}

    def __getitem__(self, name: str) -> object:
        if name not in self._converted:
            self._converted[name] = _plain(self._sources[name])
        return self._converted[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._sources)

    def __len__(self) -> int:
        return len(self._sources)


def condition_variables(
    event: BaseModel | Mapping[str, object], profile: BaseModel | Mapping[str, object] | None
) -> Mapping[str, object]:
    """What conditions may speak of: the fact's data and the customer's profile (empty when unknown).

    Dates become midnight UTC, so that they compare with `timestamp(...)`; amounts become doubles; times of day text.
    """
    return _Variables(event=event, profile={} if profile is None else profile)


def _plain(value: object) -> object:
    if isinstance(value, BaseModel):
        value = value.model_dump()
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(part) for part in value]
    return _scalar(value)


def _scalar(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime.combine(value, time(), UTC)
    if isinstance(value, time):
        return value.isoformat()
    return str(value) if isinstance(value, str) else value
