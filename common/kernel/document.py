"""How a service's document is defined, encoded, bounded and brought to its current schema."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec

from common.errors import PermanentError

S = TypeVar("S")
Upgrade = Callable[[dict[str, Any]], dict[str, Any]]

MAX_DOCUMENT_BYTES = 64 * 1024
"""A backstop: an aggregate bounds itself far below (measured: about 1 KB for an ordinary customer)."""


class Body(msgspec.Struct, Generic[S], frozen=True, omit_defaults=True):
    """The stored form of a document: the state and the kernel's own bookkeeping."""

    state: S
    sequence: int = 0
    applied: dict[str, int] = {}


@dataclass(frozen=True)
class AggregateType(Generic[S]):
    """What the kernel must know of a service's document.

    Attributes:
        service: the service's name; prefix of its keys and source of its ledger events.
        state: the class of the state: a frozen dataclass of plain values.
        schema: current schema version, from 1.
        empty: the state of a customer nobody has told us about.
        clocks: pure; every moment at which the state needs attention by itself, by item. Due work is derived from
            it, so nothing can be forgotten or left behind by a decision.
        upgrades: schema version → function that turns a plain document of that version into the next one.
    """

    service: str
    state: type[S]
    schema: int
    empty: Callable[[str], S]
    clocks: Callable[[S], Mapping[str, datetime]]
    upgrades: Mapping[int, Upgrade] = field(default_factory=dict)


class DocumentCodec(Generic[S]):
    """Encodes and decodes the documents of one aggregate type as JSON, readable by a person in the store."""

    def __init__(self, kind: AggregateType[S]) -> None:
        self._kind = kind
        self._body: Any = Body[kind.state]  # type: ignore[name-defined]  # a generic struct built at run time
        self._decoder: msgspec.json.Decoder[Body[S]] = msgspec.json.Decoder(self._body)
        self._encoder = msgspec.json.Encoder()

    def encode(self, state: S, sequence: int, applied: Mapping[str, int]) -> bytes:
        """The stored bytes.

        Raises:
            PermanentError: `document_too_large`.
        """
        body = self._encoder.encode(self._body(state=state, sequence=sequence, applied=dict(applied)))
        if len(body) > MAX_DOCUMENT_BYTES:
            raise PermanentError("document_too_large", service=self._kind.service, size=len(body))
        return body

    def decode(self, body: bytes, schema: int) -> Body[S]:
        """The document, upgraded step by step when it was written under an older schema.

        Raises:
            PermanentError: `document_unreadable`.
        """
        try:
            if schema == self._kind.schema:
                return self._decoder.decode(body)
            return self._upgraded(msgspec.json.decode(body), schema)
        except (msgspec.DecodeError, KeyError, TypeError) as error:
            raise PermanentError(
                "document_unreadable", service=self._kind.service, schema=schema, current=self._kind.schema
            ) from error

    def clocks_in(self, body: bytes, schema: int) -> Mapping[str, datetime]:
        """The clocks of a stored document; none of one that nobody can read, whose facts end as letters."""
        try:
            return self._kind.clocks(self.decode(body, schema).state)
        except PermanentError:
            return {}

    def _upgraded(self, plain: dict[str, Any], schema: int) -> Body[S]:
        state = plain["state"]
        while schema != self._kind.schema:
            state = self._kind.upgrades[schema](state)
            schema += 1
        upgraded: Body[S] = msgspec.convert({**plain, "state": state}, self._body)
        return upgraded
