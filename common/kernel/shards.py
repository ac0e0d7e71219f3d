"""Which shards this replica owns, and how far each shard's past can be trusted."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from common.clock import Clock
from common.errors import TransientError
from common.kernel.decision import Moment
from common.kernel.ports import ShardRecord, ShardRecords

NOT_READY_RETRY = timedelta(seconds=1)


@dataclass
class ShardKeeper:
    """Answers what every decision must know of its shard; asks the store again only when the store was replaced."""

    records: ShardRecords
    clock: Clock
    owned: frozenset[int] = frozenset()
    _known: dict[int, tuple[int, ShardRecord]] = field(default_factory=dict)

    def own(self, shards: Iterable[int]) -> None:
        """Takes over exactly these shards."""
        self.owned = frozenset(shards)

    async def record(self, shard: int) -> ShardRecord:
        """The shard's record, read anew whenever the store was found to be another run."""
        generation = self.records.generation
        known = self._known.get(shard)
        if known and known[0] == generation and known[1].born:
            return known[1]
        record = await self.records.open(shard, self.clock.now())
        # a reconnect during the read may have raised the generation: only what was known before it is surely covered
        self._known[shard] = (generation, record)
        return record

    async def moment(self, shard: int, *, since: datetime | None = None, healed: bool = False) -> Moment:
        """The moment for a decision in this shard.

        Raises:
            TransientError: `shard_not_ready`, while the shard's documents are being rebuilt after a total loss.
        """
        record = await self.record(shard)
        if not record.born:
            raise TransientError("shard_not_ready", retry_after=NOT_READY_RETRY, shard=shard)
        now = self.clock.now()
        since = min(since or now, now)
        return Moment(now=now, since=since, doubt_until=record.doubt_until, healed=healed, whole=record.whole)

    def forget(self, shard: int) -> None:
        """The record was changed: read it again."""
        self._known.pop(shard, None)
