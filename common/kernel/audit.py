"""The audit: an independent reader proves that every record took effect, and heals what did not.

It trails behind the group's committed offsets by more than the store can lose, and goes back by that much when the
store turns out to be another run. What it finds missing goes through the same handler as *healed*: its effects may
have happened unrecorded, so they are looked up at the provider before anything is sent.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from common.clock import Clock
from common.errors import TransientError
from common.kernel.log import LogReader, LogRecord, Span, rest
from common.kernel.ports import FactMark, SeenMarks, ShardRecord, ShardRecords
from common.kernel.shards import ShardKeeper

PAUSE = timedelta(seconds=1)
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

    async def heal(self, record: LogRecord) -> None:
        """Handles a record that left no mark, as the intake would, with its effects in doubt.

        Raises:
            TransientError: store unavailable; the audit stays where it is.
        """


class AuditWatch(Protocol):
    """Is told how far the audit came and what it healed."""

    def audited(self, topic: str, shard: int, up_to: datetime) -> None:
        """Everything recorded before `up_to` is proved handled."""

    def gap_healed(self, topic: str) -> None:
        """A record was missing and was handled now."""


@dataclass
class Progress:
    """Where the audit of one topic stands in one shard."""

    generation: int
    next_offset: int
    mended: int = 0


class Audit:
    """Audits the owned shards of some topics.

    Args:
        trail: how far it stays behind the present; must exceed what the store can lose (fsync interval, failover).
        applied: for a record's key, the highest offset of its topic that the customer's document contains; lets a
            rebuild tell what the restored documents already hold.
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
        self._progress: dict[tuple[str, int], Progress] = {}

    async def run(self) -> None:
        """Runs until cancelled; an unavailable store or log only makes it wait."""
        while True:
            pause = PAUSE
            for topic in self._topics:
                try:
                    await self.round(topic)
                except TransientError:
                    pause = OUTAGE_PAUSE
            await asyncio.sleep(pause.total_seconds())

    async def round(self, topic: str) -> None:
        """Audits one topic up to the trail."""
        shards = sorted(self._shards.owned)
        self._forget_others(shards)
        if not shards:
            return
        horizon = self._clock.now() - self._trail
        spans = await self._to_audit(topic, shards)
        idle = set(shards) - set(spans)
        while spans:
            chunk = await self._reader.read(topic, spans, BATCH)
            ripe = _ripe(chunk.records, horizon)
            reached = {**chunk.reached, **_first_unripe(chunk.records, horizon)}
            await self._examine(ripe)
            await self._remember(topic, {shard: at for shard, at in reached.items() if shard in spans})
            unripe = {record.partition for record in chunk.records if record.recorded_at > horizon}
            if not chunk.records and reached == {shard: span.start for shard, span in spans.items()}:
                break
            spans = rest({shard: span for shard, span in spans.items() if shard not in unripe}, reached)
            idle |= unripe
        for shard in shards:
            self._watch.audited(topic, shard, horizon)

    async def _to_audit(self, topic: str, shards: Sequence[int]) -> dict[int, Span]:
        held = await self._reader.spans(topic, shards)
        committed = await self._reader.committed(topic, shards)
        spans: dict[int, Span] = {}
        for shard in shards:
            span = held.get(shard)
            record = await self._shards.record(shard)
            if span is None or not record.born:
                continue
            start = max(self._start(topic, shard, record), span.start)
            spans[shard] = Span(start, min(committed.get(shard, span.start), span.end))
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
                if digest is None:
                    await self._mend(shard, record, mark)

    async def _mend(self, shard: int, record: LogRecord, mark: FactMark) -> None:
        (dead_lettered,) = await self._marks.seen(shard, [self._examiner.letter_mark_of(record).fact_id])
        if dead_lettered is not None:
            return
        if await self._applied(record) >= record.offset:
            # a rebuilt document holds the fact already; only its mark was lost
            await self._marks.mark(shard, [mark])
            return
        await self._examiner.heal(record)
        self._watch.gap_healed(record.topic)

    async def _remember(self, topic: str, reached: Mapping[int, int]) -> None:
        for shard, next_offset in reached.items():
            progress = self._progress[topic, shard]
            if next_offset > progress.next_offset:
                progress.next_offset = next_offset
                await self._records.audited(shard, topic, next_offset)

    def _forget_others(self, shards: Sequence[int]) -> None:
        owned = set(shards)
        self._progress = {key: at for key, at in self._progress.items() if key[1] in owned}


def _ripe(records: Sequence[LogRecord], horizon: datetime) -> list[LogRecord]:
    stop = _first_unripe(records, horizon)
    return [record for record in records if record.offset < stop.get(record.partition, record.offset + 1)]


def _first_unripe(records: Sequence[LogRecord], horizon: datetime) -> dict[int, int]:
    first: dict[int, int] = {}
    for record in records:
        if record.recorded_at > horizon:
            first.setdefault(record.partition, record.offset)
    return first
