"""What every event's content has in common, and the record that explains a decision."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict

from common.events.vocabulary import Reference, Sentence


class Fact(BaseModel):
    """The typed content of one event. Frozen; fields it does not know are ignored, so that producers may add some."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    TYPE: ClassVar[str]
    """`<domain>.<fact>.v<N>`, the CloudEvents type."""

    EXAMPLE: ClassVar[Mapping[str, Any]]
    """A valid content as JSON would hold it; published in the schemas."""

    KEY_FIELD: ClassVar[str | None] = None
    """The field that repeats the record's key and must equal it; None when the content does not name its subject."""

    @classmethod
    def example(cls) -> Self:
        """The published example as a model."""
        return cls.model_validate(cls.EXAMPLE)


class DecisionRecord(BaseModel):
    """Why the product did something: the rule, the pack it stands in, what it looked at and the reason in words.

    `inputs` and `reason` hold no personal data: flags, codes, times and counts only.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    rule_id: Reference
    pack_version: Reference
    inputs: dict[str, str | int | float | bool | None]
    reason: Sentence


class LedgerFact(Fact):
    """A decision or state change of the product, published on the ledger; no personal data, ever."""

    decision: DecisionRecord | None = None
