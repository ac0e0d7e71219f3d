"""Ledger events of any service's intake: facts that wait for a profile, go on, or mean nothing to it."""

from collections.abc import Mapping
from typing import Any, ClassVar

from common.events.model import LedgerFact
from common.events.vocabulary import Name, Reference, Sentence

_FACT: Mapping[str, Any] = {"fact_id": "core-2026-000781", "fact_type": "premium.payment_failed.v1"}


class IntakeFact(LedgerFact):
    """Names the upstream event that is spoken of."""

    fact_id: Reference
    fact_type: Name


class FactHeld(IntakeFact):
    """Kept until the customer's profile arrives."""

    TYPE: ClassVar[str] = "fact.held.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {**_FACT, "reason": "no profile of this customer has arrived yet"}

    reason: Sentence


class FactReleased(IntakeFact):
    """The profile arrived; the fact goes on."""

    TYPE: ClassVar[str] = "fact.released.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {**_FACT}


class FactIgnored(IntakeFact):
    """Understood, and nothing follows from it here."""

    TYPE: ClassVar[str] = "fact.ignored.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {**_FACT, "reason": "the policy has no open notification"}

    reason: Sentence
