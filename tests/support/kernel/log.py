"""A log in memory: topics with partitions, offsets, and a group's committed offsets; the kernel's log ports."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from common.errors import InvalidEvent, TransientError
from common.kernel.log import Chunk, LogRecord, Span


@dataclass
class MemoryLog:
    """Topics in memory. `now` stamps records; `away` makes every request fail.

    As a `LogReader` it reads for one group, whose offsets `commit` moves.
    """

    now: Callable[[], datetime]
    away: bool = False
    topics: dict[tuple[str, int], list[LogRecord]] = field(default_factory=lambda: defaultdict(list))
    offsets: dict[tuple[str, int], int] = field(default_factory=dict)
    first: dict[tuple[str, int], int] = field(default_factory=dict)

    def append(
        self,
        topic: str,
        partition: int,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]] = (),
    ) -> LogRecord:
        """One record more."""
        records = self.topics[topic, partition]
        record = LogRecord(topic, partition, len(records), key, value, headers, self.now())
        records.append(record)
        return record

    def commit(self, topic: str, partition: int, offset: int) -> None:
        """The group has dealt with everything before this offset."""
        self.offsets[topic, partition] = offset

    def commit_all(self) -> None:
        """The group has dealt with everything."""
        self.offsets = {place: len(records) for place, records in self.topics.items()}

    def values(self, topic: str, partition: int = 0) -> list[bytes | None]:
        """The records' values, in order."""
        return [record.value for record in self.topics[topic, partition]]

    # LogReader

    async def spans(self, topic: str, partitions: Sequence[int]) -> Mapping[int, Span]:
        """See `LogReader`."""
        self._answer()
        return {
            number: Span(self.first.get((topic, number), 0), len(self.topics[topic, number])) for number in partitions
        }

    async def committed(self, topic: str, partitions: Sequence[int]) -> Mapping[int, int]:
        """See `LogReader`."""
        self._answer()
        places = ((topic, number) for number in partitions)
        return {place[1]: self.offsets[place] for place in places if place in self.offsets}

    async def read(self, topic: str, spans: Mapping[int, Span], limit: int) -> Chunk:
        """See `LogReader`."""
        self._answer()
        records: list[LogRecord] = []
        reached: dict[int, int] = {}
        for number, span in spans.items():
            start = max(span.start, self.first.get((topic, number), 0))
            found = self.topics[topic, number][start : span.end][: max(limit - len(records), 0)]
            records += found
            reached[number] = found[-1].offset + 1 if found else span.start
        return Chunk(records, reached)

    # LogWriter

    async def publish(self, topic: str, records: Mapping[int, Sequence[tuple[bytes, bytes]]]) -> None:
        """See `LogWriter`."""
        self._answer()
        for partition, pairs in records.items():
            for key, value in pairs:
                self.append(topic, partition, key, value)

    def _answer(self) -> None:
        if self.away:
            raise TransientError("log_unavailable")


@dataclass
class KeptLetters:
    """Dead letters in memory; the first `failures` writes fail."""

    failures: int = 0
    kept: list[tuple[LogRecord, InvalidEvent]] = field(default_factory=list)

    async def write(self, record: LogRecord, error: InvalidEvent) -> None:
        """See `DeadLetters`."""
        if self.failures:
            self.failures -= 1
            raise TransientError("log_unavailable")
        self.kept.append((record, error))

    @property
    def codes(self) -> list[str]:
        """Why each was written."""
        return [error.code for _, error in self.kept]
