"""Sets up shards that a store does not know: new ones, and all of them after a total loss of the store."""

from collections.abc import Mapping, Sequence

from common.clock import Clock
from common.kernel.log import LogReader, LogRecord, rest
from common.kernel.ports import Changelog, ShardRecords, Snapshot
from common.kernel.shards import ShardKeeper

BATCH = 2_000


class Rebuild:
    """Brings back each unborn shard's documents from the service's state topic.

    What the state topic did not get before the loss is found by the audit, which starts again from the first offset of
    every topic because the shard's record is lost as well; everything possible before the rebuild is in doubt.
    """

    def __init__(
        self,
        *,
        records: ShardRecords,
        changelog: Changelog,
        reader: LogReader,
        shards: ShardKeeper,
        clock: Clock,
        state_topic: str,
        intake_topics: Sequence[str],
    ) -> None:
        self._records = records
        self._changelog = changelog
        self._reader = reader
        self._shards = shards
        self._clock = clock
        self._state_topic = state_topic
        self._intake_topics = intake_topics

    async def set_up(self, shards: Sequence[int]) -> int:
        """Makes these shards ready for decisions; returns how many documents were brought back.

        Raises:
            TransientError: store or log unavailable; call again.
        """
        unborn = [shard for shard in shards if not (await self._shards.record(shard)).born]
        if not unborn:
            return 0
        restored = await self._restore(unborn)
        worked_before = await self._worked_before(unborn)
        for shard in unborn:
            # a shard nobody ever worked on has no past to doubt
            doubt = self._clock.now() if restored.get(shard) or shard in worked_before else None
            await self._records.settle(shard, doubt_until=doubt)
            self._shards.forget(shard)
        return sum(restored.values())

    async def _worked_before(self, shards: Sequence[int]) -> set[int]:
        return {shard for topic in self._intake_topics for shard in await self._reader.committed(topic, shards)}

    async def _restore(self, shards: Sequence[int]) -> Mapping[int, int]:
        spans = rest(await self._reader.spans(self._state_topic, shards), {})
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
