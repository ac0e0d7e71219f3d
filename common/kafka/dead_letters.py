"""Dead letters: the original record with headers that say why nobody could read it; all functions here are pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from common.errors import InvalidEvent

Headers = Sequence[tuple[str, bytes]]

PREFIX = "nc-dlq-"
REPLAYED_FROM = "nc-replayed-from"
"""On a republished original: `topic/partition/offset` of the record it repeats; the codec ignores it."""

HEADER_MEANINGS = {
    "nc-dlq-code": "short constant name of what is wrong",
    "nc-dlq-field": "dotted path of the field; empty when the whole event is meant",
    "nc-dlq-reason": "one sentence: what is wrong; holds no value of the event",
    "nc-dlq-remedy": "one sentence: what the sender should do",
    "nc-dlq-service": "the service that could not read it",
    "nc-dlq-topic": "topic of the original",
    "nc-dlq-partition": "partition of the original",
    "nc-dlq-offset": "offset of the original",
    "nc-dlq-at": "when it was dead-lettered, RFC 3339",
}


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """Where a record stands: the same original is dead-lettered by each service that reads its topic."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"

    @classmethod
    def parse(cls, text: str) -> "Position":
        """The reverse of `str`; raises ValueError."""
        topic, partition, offset = text.rsplit("/", 2)
        return cls(topic, int(partition), int(offset))


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A record to produce."""

    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """One service's refusal of one record, with the untouched original."""

    original: Position
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    code: str
    field: str
    reason: str
    remedy: str
    service: str
    at: datetime

    @property
    def replayed_from(self) -> Position | None:
        """The record that the original itself repeats, when it was a replay."""
        return replayed_from(self.headers)


def build(
    *,
    original: Position,
    key: bytes | None,
    value: bytes | None,
    headers: Headers,
    error: InvalidEvent,
    service: str,
    at: datetime,
) -> Record:
    """The record for the topic's dead-letter topic: original bytes and headers, and ours that explain."""
    ours = {
        "nc-dlq-code": error.code,
        "nc-dlq-field": error.field,
        "nc-dlq-reason": error.reason,
        "nc-dlq-remedy": error.remedy,
        "nc-dlq-service": service,
        "nc-dlq-topic": original.topic,
        "nc-dlq-partition": str(original.partition),
        "nc-dlq-offset": str(original.offset),
        "nc-dlq-at": at.isoformat(),
    }
    kept = [header for header in headers if not header[0].startswith(PREFIX)]
    return Record(key=key, value=value, headers=kept + [(name, text.encode()) for name, text in ours.items()])


def parse(*, key: bytes | None, value: bytes | None, headers: Headers) -> DeadLetter:
    """Reads a record of a dead-letter topic.

    Raises:
        InvalidEvent: it lacks our headers, so somebody else wrote it.
    """
    ours = {name: raw for name, raw in headers if name.startswith(PREFIX)}
    try:
        texts = {name: ours[name].decode() for name in HEADER_MEANINGS}
        original = Position(texts["nc-dlq-topic"], int(texts["nc-dlq-partition"]), int(texts["nc-dlq-offset"]))
        at = datetime.fromisoformat(texts["nc-dlq-at"])
    except (KeyError, ValueError):
        raise InvalidEvent(
            "not_a_dead_letter",
            field="headers",
            reason="a nc-dlq- header is missing or cannot be read",
            remedy="only the product may write to dead-letter topics",
        ) from None
    return DeadLetter(
        original=original,
        key=key,
        value=value,
        headers=tuple(header for header in headers if not header[0].startswith(PREFIX)),
        code=texts["nc-dlq-code"],
        field=texts["nc-dlq-field"],
        reason=texts["nc-dlq-reason"],
        remedy=texts["nc-dlq-remedy"],
        service=texts["nc-dlq-service"],
        at=at,
    )


def replay_of(letter: DeadLetter) -> Record:
    """The original again, marked with where it comes from; belongs on the original's topic and partition."""
    headers = [header for header in letter.headers if header[0] != REPLAYED_FROM]
    headers.append((REPLAYED_FROM, str(letter.original).encode()))
    return Record(key=letter.key, value=letter.value, headers=headers)


def replayed_from(headers: Headers) -> Position | None:
    """Which record this one repeats, or None; a mark that cannot be read counts as none."""
    for name, raw in headers:
        if name == REPLAYED_FROM:
            try:
                return Position.parse(raw.decode())
            except ValueError:
                return None
    return None
