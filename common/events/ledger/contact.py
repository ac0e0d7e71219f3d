"""Ledger events about being allowed to contact a customer."""

from collections.abc import Mapping
from typing import Any, ClassVar

from common.events.model import LedgerFact
from common.events.vocabulary import Channel, Name, Reference


class ContactOptedOut(LedgerFact):
    """The customer wants no more of this. `scope` is a purpose or `all`; `evidence` names what proves it."""

    TYPE: ClassVar[str] = "contact.opted_out.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"channel": "voice", "scope": "service", "evidence": "call:c-5a6b7c8d9e0f/9"}

    channel: Channel
    scope: Name
    evidence: Reference
