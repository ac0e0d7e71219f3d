"""Sets up shards that a store does not know: new ones, and all of them after a total loss of the store."""

from collections.abc import Mapping, Sequence

from common.clock import Clock
from common.kernel.log import LogReader, LogRecord, LogWriter, Span, rest
from common.kernel.ports import Changelog, ShardRecords, Snapshot
from common.kernel.shards import ShardKeeper

BATCH = 2_000

SET_UP = (b"#set-up", b"")
"""Stands in a shard's state topic before anything is done in the shard; no customer id has such a character."""


class Rebuild:
    """Brings back each unborn shard's documents from the service's state topic.

    What the state topic did not get before the loss is found by the audit, which starts again from the first offset of
    every topic because the shard's record is lost as well; everything possible before the rebuild is in doubt.

    Whether there was a before is written to the state topic first: a store that is lost in its first second, before any
    document was copied and any offset committed, must not look like one that never was.
    """

    def __init__(
        self,
        *,
        records: ShardRecords,
        changelog: Changelog,
        reader: LogReader,
        writer: LogWriter,
        shards: ShardKeeper,
        clock: Clock,
        state_topic: str,
    ) -> None:
        self._records = records
        self._changelog = changelog
        self._reader = reader
        self._writer = writer
        self._shards = shards
        self._clock = clock
        self._state_topic = state_topic

    async def set_up(self, shards: Sequence[int]) -> int:
        """Makes these shards ready for decisions; returns how many documents were brought back.

        Raises:
            TransientError: store or log unavailable; call again.
        """
        unborn = [shard for shard in shards if not (await self._shards.record(shard)).born]
        if not unborn:
            return 0
        held = await self._reader.spans(self._state_topic, unborn)
        restored = await self._restore(held)
        new = [shard for shard in unborn if not held[shard].end]
        if new:
            await self._writer.publish(self._state_topic, {shard: [SET_UP] for shard in new})
        for shard in unborn:
            # a shard that was never set up has no past to doubt
            await self._records.settle(shard, doubt_until=None if shard in new else self._clock.now())
            self._shards.forget(shard)
        return sum(restored.values())

    async def _restore(self, held: Mapping[int, Span]) -> Mapping[int, int]:
        spans = rest(held, {})
        restored: dict[int, int] = {}
        while spans:
            chunk = await self._reader.read(self._state_topic, spans, BATCH)
            for shard, newest in _newest(chunk.records).items():
                restored[shard] = restored.get(shard, 0) + await self._changelog.restore(shard, newest)
            spans = rest(spans, chunk.reached)
        return restored


def _newest(records: Sequence[LogRecord]) -> Mapping[int, Sequence[Snapshot]]:
    latest: dict[int, dict[str, Snapshot]] = {}
    for record in records:
        if record.key and record.value:
            customer_id, version = record.key.decode(), int(record.value.split(b" ", 1)[0])
            latest.setdefault(record.partition, {})[customer_id] = Snapshot(customer_id, version, record.value)
    return {shard: list(shots.values()) for shard, shots in latest.items()}
