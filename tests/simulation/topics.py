"""The log: topics that all share, and each service's consumer group with its committed offsets."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from common.errors import InvalidEvent, TransientError
from common.events.topics import partition_for
from common.kernel.log import Chunk, LogRecord, Span
from tests.simulation.machines import Bell
from tests.simulation.wire import Wire, done
from tests.support.kernel.log import MemoryLog
from tests.support.virtual_time import VirtualLoop

Places = dict[tuple[str, int], list[LogRecord]]


def no_log() -> TransientError:
    """What a client says of a log that does not answer."""
    return TransientError("log_unavailable", retry_after=timedelta(milliseconds=100))


@dataclass
class SharedLog:
    """The broker's side; a topic's bell rings when something was appended to it."""

    loop: VirtualLoop
    now: Callable[[], datetime]
    partitions: int
    topics: Places = field(default_factory=lambda: defaultdict(list))
    bells: dict[str, Bell] = field(init=False)

    def __post_init__(self) -> None:
        self.bells = defaultdict(lambda: Bell(self.loop))

    def append(self, topic: str, customer_id: str, value: bytes | None) -> None:
        """One event from upstream."""
        self._memory({}).append(topic, partition_for(customer_id, self.partitions), customer_id.encode(), value)
        self.bells[topic].ring()

    def publish(self, topic: str, records: Mapping[int, Sequence[tuple[bytes, bytes]]]) -> None:
        """Records of a relay."""
        done(self._memory({}).publish(topic, records))
        self.bells[topic].ring()

    def group(self, wire: Wire) -> "Group":
        """A consumer group."""
        return Group(self, self._memory({}), wire)

    def _memory(self, offsets: dict[tuple[str, int], int]) -> MemoryLog:
        return MemoryLog(self.now, topics=self.topics, offsets=offsets)


class Group:
    """One service's view of the log: its group's offsets, and the kernel's log ports with a network between."""

    def __init__(self, log: SharedLog, memory: MemoryLog, wire: Wire) -> None:
        self.log = log
        self._memory = memory
        self._wire = wire
        self.letters: list[tuple[LogRecord, InvalidEvent]] = []

    @property
    def offsets(self) -> dict[tuple[str, int], int]:
        """Committed offsets by topic and partition."""
        return self._memory.offsets

    def acknowledge(self, topic: str, partition: int, offset: int) -> None:
        """Commits an offset; an older one never replaces a newer one (the group's generation would refuse it)."""
        self.offsets[topic, partition] = max(offset, self.offsets.get((topic, partition), 0))

    def next_record(self, topic: str, positions: Mapping[int, int]) -> LogRecord | None:
        """The first record behind these positions."""
        for partition, position in positions.items():
            records = self.log.topics[topic, partition]
            if position < len(records):
                return records[position]
        return None

    def caught_up(self, topics: Sequence[str]) -> bool:
        """Whether everything was acknowledged."""
        return all(
            self.offsets.get((topic, partition), 0) >= len(self.log.topics[topic, partition])
            for topic in topics
            for partition in range(self.log.partitions)
        )

    # LogReader, LogWriter, DeadLetters

    async def spans(self, topic: str, partitions: Sequence[int]) -> Mapping[int, Span]:
        return await self._wire.ask(lambda: done(self._memory.spans(topic, partitions)), no_log)

    async def committed(self, topic: str, partitions: Sequence[int]) -> Mapping[int, int]:
        return await self._wire.ask(lambda: done(self._memory.committed(topic, partitions)), no_log)

    async def read(self, topic: str, spans: Mapping[int, Span], limit: int) -> Chunk:
        return await self._wire.ask(lambda: done(self._memory.read(topic, spans, limit)), no_log)

    async def publish(self, topic: str, records: Mapping[int, Sequence[tuple[bytes, bytes]]]) -> None:
        await self._wire.ask(lambda: self.log.publish(topic, records), no_log)

    async def write(self, record: LogRecord, error: InvalidEvent) -> None:
        await self._wire.ask(lambda: self.letters.append((record, error)), no_log)
