"""The kernel's ports in memory: for tests and simulations, held to the same contract as the Redis adapter."""

import secrets
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from common.events.topics import partition_for
from common.kernel.document import AggregateType, DocumentCodec
from common.kernel.ports import (
    Claim,
    CommitResult,
    FactMark,
    Loaded,
    NewDocument,
    OutboxEntry,
    ShardRecord,
    Snapshot,
)
from common.kernel.versions import next_version

S = TypeVar("S")


@dataclass
class Record:
    """A shard's record as stored."""

    run: int
    born: bool = False
    doubt_until: datetime | None = None
    audited: dict[str, int] = field(default_factory=dict)
    whole: bool = True


@dataclass
class Shelf:
    """Everything one shard holds; what a failover may lose is the difference between two of these."""

    documents: dict[str, tuple[int, int, bytes]] = field(default_factory=dict)
    marks: dict[str, str] = field(default_factory=dict)
    due: dict[tuple[str, str], datetime] = field(default_factory=dict)
    fences: dict[tuple[str, str], int] = field(default_factory=dict)
    last_fence: int = 0
    outbox: list[OutboxEntry] = field(default_factory=list)
    last_position: int = 0
    changed: dict[str, int] = field(default_factory=dict)
    record: Record | None = None


class MemoryStore(Generic[S]):
    """All of the kernel's ports on plain dictionaries; each method is atomic, as one Redis script is.

    Args:
        kind: the aggregate it keeps.
        partitions: number of shards.
        random_bits: source of randomness for versions; seeded in simulations.
    """

    def __init__(
        self, kind: AggregateType[S], partitions: int = 4, random_bits: Callable[[int], int] = secrets.randbits
    ) -> None:
        self._kind = kind
        self._codec = DocumentCodec(kind)
        self._partitions = partitions
        self._random_bits = random_bits
        self.run = 1
        self.shelves: dict[int, Shelf] = defaultdict(Shelf)

    # AggregateStore

    def shard_of(self, customer_id: str) -> int:
        """See `AggregateStore`."""
        return partition_for(customer_id, self._partitions)

    def next_version(self, version: int) -> int:
        """See `AggregateStore`."""
        return next_version(version, self._random_bits)

    async def load(self, customer_id: str) -> Loaded[S]:
        """See `AggregateStore`."""
        stored = self._shelf(customer_id).documents.get(customer_id)
        if stored is None:
            return Loaded(customer_id, self._kind.empty(customer_id))
        version, schema, body = stored
        content = self._codec.decode(body, schema)
        return Loaded(customer_id, content.state, version, content.sequence, content.applied)

    async def commit(
        self, loaded: Loaded[S], new: NewDocument[S], *, mark: FactMark | None = None, claim: Claim | None = None
    ) -> CommitResult:
        """See `AggregateStore`."""
        body = self._codec.encode(new.state, new.sequence, new.applied)
        shelf, customer_id = self._shelf(loaded.customer_id), loaded.customer_id
        refusal = self._refusal(shelf, loaded, mark, claim)
        if refusal:
            return refusal
        if mark:
            shelf.marks[mark.fact_id] = mark.digest
        shelf.documents[customer_id] = (new.version, self._kind.schema, body)
        shelf.changed[customer_id] = new.version
        for item_id in new.clocks_removed:
            shelf.due.pop((customer_id, item_id), None)
            shelf.fences.pop((customer_id, item_id), None)
        shelf.due.update({(customer_id, item_id): at for item_id, at in new.clocks_set.items()})
        for value in new.ledger:
            shelf.last_position += 1
            shelf.outbox.append(OutboxEntry(f"{shelf.last_position:020d}", customer_id.encode(), value))
        return CommitResult.DONE

    def _refusal(
        self, shelf: Shelf, loaded: Loaded[S], mark: FactMark | None, claim: Claim | None
    ) -> CommitResult | None:
        if shelf.record is None:
            return CommitResult.UNBORN
        if mark and (digest := shelf.marks.get(mark.fact_id)) is not None:
            return CommitResult.SEEN if digest == mark.digest else CommitResult.REUSED
        if claim and shelf.fences.get((claim.customer_id, claim.item_id)) != claim.fence:
            return CommitResult.FENCED
        version = shelf.documents.get(loaded.customer_id, (0, 0, b""))[0]
        return CommitResult.MOVED if version != loaded.version else None

    # SeenMarks

    async def seen(self, shard: int, fact_ids: Sequence[str]) -> Sequence[str | None]:
        """See `SeenMarks`."""
        return [self.shelves[shard].marks.get(fact_id) for fact_id in fact_ids]

    async def mark(self, shard: int, marks: Sequence[FactMark]) -> None:
        """See `SeenMarks`."""
        for mark in marks:
            self.shelves[shard].marks.setdefault(mark.fact_id, mark.digest)

    # DueWork

    async def claim(
        self, shard: int, now: datetime, lease: timedelta, limit: int
    ) -> tuple[Sequence[Claim], datetime | None]:
        """See `DueWork`."""
        claims: list[Claim] = []
        shelf = self.shelves[shard]
        for due_at, work in sorted((at, work) for work, at in shelf.due.items() if at <= now)[:limit]:
            shelf.last_fence += 1
            shelf.fences[work] = shelf.last_fence
            shelf.due[work] = now + lease
            claims.append(Claim(*work, fence=shelf.last_fence, due_at=due_at))
        return claims, min(shelf.due.values(), default=None)

    async def drop(self, claim: Claim) -> None:
        """See `DueWork`."""
        shelf, work = self._shelf(claim.customer_id), (claim.customer_id, claim.item_id)
        if shelf.fences.get(work) == claim.fence:
            shelf.due.pop(work, None)
            shelf.fences.pop(work, None)

    # Outbox

    async def read(self, shards: Sequence[int], limit: int) -> Mapping[int, Sequence[OutboxEntry]]:
        """See `Outbox`."""
        return {shard: self.shelves[shard].outbox[:limit] for shard in shards if self.shelves[shard].outbox}

    async def trim(self, up_to: Mapping[int, str]) -> None:
        """See `Outbox`."""
        for shard, position in up_to.items():
            shelf = self.shelves[shard]
            shelf.outbox = [entry for entry in shelf.outbox if entry.position > position]

    # Changelog

    async def changed(self, shards: Sequence[int], limit: int) -> Mapping[int, Sequence[Snapshot]]:
        """See `Changelog`."""
        return {shard: self._snapshots(self.shelves[shard], limit) for shard in shards if self.shelves[shard].changed}

    def _snapshots(self, shelf: Shelf, limit: int) -> list[Snapshot]:
        return [
            Snapshot(customer_id, shelf.documents[customer_id][0], _packed(*shelf.documents[customer_id]))
            for customer_id in list(shelf.changed)[:limit]
        ]

    async def copied(self, snapshots: Mapping[int, Sequence[Snapshot]]) -> None:
        """See `Changelog`."""
        for shard, shots in snapshots.items():
            changed = self.shelves[shard].changed
            for shot in shots:
                if changed.get(shot.customer_id, shot.version + 1) <= shot.version:
                    del changed[shot.customer_id]

    async def restore(self, shard: int, snapshots: Sequence[Snapshot]) -> int:
        """See `Changelog`."""
        return sum([await self._put_back(self.shelves[shard], snapshot) for snapshot in snapshots])

    async def _put_back(self, shelf: Shelf, snapshot: Snapshot) -> int:
        if shelf.documents.get(snapshot.customer_id, (0, 0, b""))[0] >= snapshot.version:
            return 0
        _, schema, body = shelf.documents[snapshot.customer_id] = _unpacked(snapshot.body)
        clocks = self._codec.clocks_in(body, schema)
        shelf.due.update({(snapshot.customer_id, item): at for item, at in clocks.items()})
        return 1

    # ShardRecords

    @property
    def generation(self) -> int:
        """See `ShardRecords`."""
        return self.run

    async def open(self, shard: int, now: datetime) -> ShardRecord:
        """See `ShardRecords`."""
        shelf = self.shelves[shard]
        if shelf.record is None:
            return ShardRecord(born=False, doubt_until=None, audited={})
        if shelf.record.run != self.run:
            shelf.record = replace(shelf.record, run=self.run, doubt_until=now, whole=False)
        record = shelf.record
        return ShardRecord(record.born, record.doubt_until, dict(record.audited), record.whole)

    async def audited(self, shard: int, topic: str, next_offset: int) -> None:
        """See `ShardRecords`."""
        record = self.shelves[shard].record
        if record:
            record.audited[topic] = next_offset

    async def settle(self, shard: int, *, doubt_until: datetime | None) -> None:
        """See `ShardRecords`."""
        if self.shelves[shard].record is None:
            whole = doubt_until is None
            self.shelves[shard].record = Record(run=self.run, born=True, doubt_until=doubt_until, whole=whole)

    async def made_whole(self, shard: int, doubt_until: datetime) -> None:
        """See `ShardRecords`."""
        record = self.shelves[shard].record
        if record and record.doubt_until == doubt_until:
            record.whole = True

    # failures

    def copy(self) -> dict[int, Shelf]:
        """Everything as it is now; what a replica that lags would hold."""
        return deepcopy(dict(self.shelves))

    def fail_over(self, to: dict[int, Shelf]) -> None:
        """The store comes back as it was at an earlier `copy`, under another identity."""
        self.shelves = defaultdict(Shelf, deepcopy(to))
        self.run += 1

    def _shelf(self, customer_id: str) -> Shelf:
        return self.shelves[self.shard_of(customer_id)]


def _packed(version: int, schema: int, body: bytes) -> bytes:
    return b"%d %d %s" % (version, schema, body)


def _unpacked(packed: bytes) -> tuple[int, int, bytes]:
    version, schema, body = packed.split(b" ", 2)
    return int(version), int(schema), body
