"""The log's side of the kernel: records as read from a topic, and the ports that read and write topics."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One record of a topic, as it stands there."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Span:
    """Offsets of one partition: from `start` up to, not including, `end`."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """What one read gave; `reached` is where to read on, per partition (offsets may have gaps, so count no records)."""

    records: Sequence[LogRecord]
    reached: Mapping[int, int]


def rest(spans: Mapping[int, Span], reached: Mapping[int, int]) -> dict[int, Span]:
    """What is left of these spans after a read; spans read to their end are dropped."""
    left = {partition: Span(reached.get(partition, span.start), span.end) for partition, span in spans.items()}
    return {partition: span for partition, span in left.items() if span.start < span.end}


class LogReader(Protocol):
    """Reads topics by position, independent of the consumer group's own reading."""

    async def spans(self, topic: str, partitions: Sequence[int]) -> Mapping[int, Span]:
        """What each partition holds now: its first offset and the one its next record will get.

        Raises:
            TransientError: `log_unavailable`.
        """

    async def committed(self, topic: str, partitions: Sequence[int]) -> Mapping[int, int]:
        """The group's committed offset of each partition that has one.

        Raises:
            TransientError: `log_unavailable`.
        """

    async def read(self, topic: str, spans: Mapping[int, Span], limit: int) -> Chunk:
        """Records of these spans, in order within a partition, at most about `limit`.

        A start that the log has deleted already means its first record.

        Returns:
            Less than the spans hold when `limit` or a time bound ends the read.

        Raises:
            TransientError: `log_unavailable`.
        """


class LogWriter(Protocol):
    """Writes records with acknowledgement by all replicas."""

    async def publish(self, topic: str, records: Mapping[int, Sequence[tuple[bytes, bytes]]]) -> None:
        """Appends key and value pairs per partition, in order, and returns once all are safe.

        Raises:
            TransientError: `log_unavailable`; some may be written, so the caller publishes all of them again.
        """
