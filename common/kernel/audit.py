"""The audit: an independent reader proves that every record took effect, and heals what did not.

It trails behind the group's committed offsets by more than the store can lose, and goes back by that much when the
store turns out to be another run. What it finds missing goes through the same handler as *healed*: its effects may
have happened unrecorded, so they are looked up at the provider before anything is sent. Until it has gone over
what lost writes may have taken, no document claims to contain what came since (`ShardRecord.whole`).
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from common.clock import Clock
from common.errors import TransientError
from common.kernel.log import LogReader, LogRecord, Span, rest
from common.kernel.ports import FactMark, SeenMarks, ShardRecord, ShardRecords
from common.kernel.shards import ShardKeeper

PAUSE = timedelta(seconds=2)
OUTAGE_PAUSE = timedelta(seconds=2)
BATCH = 2_000
GO_BACK_RECORDS = 5_000
"""After the store came back as another run, so many records per partition are audited again; at the design's 9,800
events/s over 64 partitions that is more than half a minute, and only what lies within the trail can be missing."""


class Examiner(Protocol):
    """The intake's side of the audit."""

    def mark_of(self, record: LogRecord) -> FactMark | None:
        """The mark the record must have left; None if a record of its kind leaves none."""

    def letter_mark_of(self, record: LogRecord) -> FactMark:
        """The mark it left if it was dead-lettered."""

    async def heal(self, record: LogRecord) -> bool:
        """Handles a record that left no mark, as the intake would, with its effects in doubt.

        Returns:
            Whether it was missing indeed: one that stands in another partition than its customer's has its mark in the
            customer's shard.

        Raises:
            TransientError: store unavailable; the audit stays where it is.
        """


class AuditWatch(Protocol):
    """Is told how far the audit came and what it healed."""

    def audited(self, topic: str, shard: int, up_to: datetime) -> None:
        """Everything recorded before `up_to` is proved handled."""

    def gap_healed(self, topic: str) -> None:
        """A record was missing and was handled now."""


@dataclass(frozen=True)
class Seen:
    """What the group had committed at a moment, per partition."""

    at: datetime
    offsets: Mapping[int, int]


@dataclass
class Progress:
    """Where the audit of one topic stands in one shard."""

    generation: int
    next_offset: int


@dataclass(frozen=True, slots=True)
class End:
    """Where a topic ended in a shard when a doubt was noticed."""

    doubt_until: datetime
    offset: int


class Audit:
    """Audits the owned shards of some topics.

    Args:
        trail: how far it stays behind the present; must exceed what the store can lose (fsync interval, failover).
        applied: for a record's key, the highest offset of its topic that the customer's document contains; lets a
            rebuild tell what the restored documents already hold.
        every: pause between two rounds.
    """

    def __init__(
        self,
        *,
        topics: Sequence[str],
        reader: LogReader,
        records: ShardRecords,
        marks: SeenMarks,
        shards: ShardKeeper,
        clock: Clock,
        examiner: Examiner,
        applied: Callable[[LogRecord], Awaitable[int]],
        trail: timedelta,
        watch: AuditWatch,
        every: timedelta = PAUSE,
    ) -> None:
        self._topics = topics
        self._reader = reader
        self._records = records
        self._marks = marks
        self._shards = shards
        self._clock = clock
        self._examiner = examiner
        self._applied = applied
        self._trail = trail
        self._watch = watch
        self._every = every
        self._progress: dict[tuple[str, int], Progress] = {}
        self._seen: dict[str, deque[Seen]] = {}
        self._ends: dict[tuple[str, int], End] = {}

    async def run(self) -> None:
        """Runs until cancelled; an unavailable store or log only makes it wait."""
        while True:
            pause = self._every
            for topic in self._topics:
                try:
                    await self.round(topic)
                except TransientError:
                    pause = OUTAGE_PAUSE
            await asyncio.sleep(pause.total_seconds())

    async def round(self, topic: str) -> None:
        """Audits one topic up to what the group had committed a trail ago, so each record is read once."""
        shards = sorted(self._shards.owned)
        self._forget_others(shards)
        if not shards:
            return
        aim = self._aim(topic, await self._reader.committed(topic, shards))
        if aim is None:
            return
        spans = await self._to_audit(topic, shards, aim.offsets)
        while spans:
            chunk = await self._reader.read(topic, spans, BATCH)
            await self._examine(chunk.records)
            await self._remember(topic, chunk.reached)
            spans = rest(spans, chunk.reached)
        for shard in shards:
            self._watch.audited(topic, shard, aim.at)
        await self._mend_shards(topic, shards)

    def _aim(self, topic: str, committed: Mapping[int, int]) -> "Seen | None":
        now = self._clock.now()
        seen = self._seen.setdefault(topic, deque())
        seen.append(Seen(now, committed))
        while len(seen) > 1 and seen[1].at <= now - self._trail:
            seen.popleft()
        return seen[0] if seen[0].at <= now - self._trail else None

    async def _to_audit(self, topic: str, shards: Sequence[int], ends: Mapping[int, int]) -> dict[int, Span]:
        spans: dict[int, Span] = {}
        for shard in shards:
            record = await self._shards.record(shard)
            if record.born and shard in ends:
                spans[shard] = Span(self._start(topic, shard, record), ends[shard])
        return rest(spans, {})

    def _start(self, topic: str, shard: int, record: ShardRecord) -> int:
        generation = self._records.generation
        known = self._progress.get((topic, shard))
        if known is None:
            known = Progress(generation, record.audited.get(topic, 0))
            if record.doubt_until is not None:
                known = replace(known, next_offset=max(known.next_offset - GO_BACK_RECORDS, 0))
        elif known.generation != generation:
            known = Progress(generation, max(known.next_offset - GO_BACK_RECORDS, 0))
        self._progress[topic, shard] = known
        return known.next_offset

    async def _examine(self, records: Sequence[LogRecord]) -> None:
        by_shard: dict[int, list[tuple[LogRecord, FactMark]]] = {}
        for record in records:
            mark = self._examiner.mark_of(record)
            if mark:
                by_shard.setdefault(record.partition, []).append((record, mark))
        for shard, expected in by_shard.items():
            seen = await self._marks.seen(shard, [mark.fact_id for _, mark in expected])
            for (record, mark), digest in zip(expected, seen, strict=True):
                # another digest: the id was used again, which must have ended as a letter
                if digest != mark.digest:
                    await self._mend(shard, record, mark, reused=digest is not None)

    async def _mend(self, shard: int, record: LogRecord, mark: FactMark, *, reused: bool) -> None:
        (dead_lettered,) = await self._marks.seen(shard, [self._examiner.letter_mark_of(record).fact_id])
        if dead_lettered is not None:
            return
        if not reused and await self._held_by_its_document(shard, record):
            await self._marks.mark(shard, [mark])
        elif await self._examiner.heal(record):
            self._watch.gap_healed(record.topic)

    async def _held_by_its_document(self, shard: int, record: LogRecord) -> bool:
        """Whether a rebuilt document holds the fact and only its mark was lost.

        Only of what was recorded before the rebuild: elsewhere no mark is ever lost alone, and the highest offset that
        a document holds says nothing of a fact that the group left out before it.
        """
        doubt_until = (await self._shards.record(shard)).doubt_until
        if doubt_until is None or record.recorded_at > doubt_until:
            return False
        return await self._applied(record) >= record.offset

    async def _remember(self, topic: str, reached: Mapping[int, int]) -> None:
        for shard, next_offset in reached.items():
            progress = self._progress[topic, shard]
            if next_offset > progress.next_offset:
                await self._records.audited(shard, topic, next_offset)
                progress.next_offset = next_offset

    async def _mend_shards(self, topic: str, shards: Sequence[int]) -> None:
        """Declares shards whole again once every topic was audited up to where it ended when the doubt was noticed."""
        for shard in shards:
            record = await self._shards.record(shard)
            if record.whole or record.doubt_until is None:
                continue
            end = self._ends.get((topic, shard))
            if end is None or end.doubt_until != record.doubt_until:
                # nothing behind this offset can have been handled before the writes were lost
                offset = (await self._reader.spans(topic, [shard]))[shard].end
                self._ends[topic, shard] = End(record.doubt_until, offset)
            if all(self._passed(each, shard, record.doubt_until) for each in self._topics):
                await self._records.made_whole(shard, record.doubt_until)
                self._shards.forget(shard)

    def _passed(self, topic: str, shard: int, doubt_until: datetime) -> bool:
        end, progress = self._ends.get((topic, shard)), self._progress.get((topic, shard))
        if end is None or end.doubt_until != doubt_until:
            return False
        if progress is None:
            return end.offset == 0
        return progress.generation == self._records.generation and progress.next_offset >= end.offset

    def _forget_others(self, shards: Sequence[int]) -> None:
        owned = set(shards)
        self._progress = {key: at for key, at in self._progress.items() if key[1] in owned}
