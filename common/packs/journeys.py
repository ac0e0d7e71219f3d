"""Journey rules: which fact makes which message, and which fact makes it pointless."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from common.events.vocabulary import Purpose
from common.packs.conditions import condition_variables
from common.packs.records import Cel, ContactChannel, Duration, EventType, Identifier, Record, Source


class Audience(StrEnum):
    """Who is told."""

    CUSTOMER = "customer"
    AGENT_OF_RECORD = "agent_of_record"


class ClosingFact(Record):
    """A later fact that makes a message or a task pointless when the fields in `match` are equal in both facts.

    The first field must be in both; where the closing fact leaves another one out, it ends all values of it (a payment
    without a due date ends every failed payment of its policy). `when` is a condition on the closing fact.
    """

    type: EventType
    when: Cel | None = None
    match: Annotated[tuple[str, ...], Field(min_length=1)]

    def closes(self, opening: Mapping[str, object], closing_type: str, closing: Mapping[str, object]) -> bool:
        """Whether the fact `closing` ends what the fact `opening` began.

        Values are compared as text, so that a date equals its ISO form read back from a stored state.
        """
        if closing_type != self.type or closing.get(self.match[0]) is None:
            return False
        if self.when is not None and not self.when.holds(condition_variables(closing, None)):
            return False
        return all(closing.get(name) is None or str(closing[name]) == str(opening.get(name, "")) for name in self.match)


def closed_by(
    rules: tuple[ClosingFact, ...], opening: Mapping[str, object], closing_type: str, closing: Mapping[str, object]
) -> bool:
    """Whether any of `rules` says that the fact `closing` ends what the fact `opening` began."""
    return any(rule.closes(opening, closing_type, closing) for rule in rules)


def match_value(fields: tuple[str, ...], data: Mapping[str, object]) -> str:
    """The values of `fields` joined by `|`; a missing field counts as empty."""
    return "|".join(str(data.get(name, "")) for name in fields)


class JourneyRule(Record):
    """Fact in, message out.

    `send` counts from the fact's arrival; after `expires_after` (counted from the same moment) the message is not sent
    any more. Messages of one rule with the same `merge_value` are one message. `asked_by_customer` marks an answer to
    the customer's own request, which waives the hours that allow it (`ComplianceProfile.hours`).
    """

    id: Identifier
    on: EventType
    when: Cel | None = None
    template: Identifier
    purpose: Purpose
    channel: ContactChannel
    audience: Audience = Audience.CUSTOMER
    asked_by_customer: bool = False
    send: Duration
    expires_after: Duration
    merge_key: Annotated[tuple[str, ...], Field(min_length=1)]
    closing_facts: tuple[ClosingFact, ...]
    source: Source

    def applies(self, variables: Mapping[str, object]) -> bool:
        """Whether the rule's condition holds of `condition_variables(event, profile)`."""
        return self.when is None or self.when.holds(variables)

    def merge_value(self, data: Mapping[str, object]) -> str:
        """What makes two facts one message: the values of `merge_key` in the fact's data."""
        return match_value(self.merge_key, data)

    def closed_by(self, opening: Mapping[str, object], closing_type: str, closing: Mapping[str, object]) -> bool:
        """Whether the fact `closing` cancels the message that the fact `opening` began."""
        return closed_by(self.closing_facts, opening, closing_type, closing)
