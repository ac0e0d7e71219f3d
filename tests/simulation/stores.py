"""A service's store: shared memory that may fail over to an earlier copy, and each process's connection to it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any, Generic, TypeVar

import orjson

from common.errors import TransientError
from common.kernel.document import AggregateType
from common.kernel.memory import MemoryStore, Shelf
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
from tests.simulation.journal import Journal
from tests.simulation.machines import Bell
from tests.simulation.wire import Wire, done
from tests.support.virtual_time import VirtualLoop

S = TypeVar("S")
T = TypeVar("T")


def away() -> TransientError:
    """What a client says of a store that does not answer."""
    return TransientError("store_unavailable", retry_after=timedelta(milliseconds=100))


class SharedStore(MemoryStore[S]):
    """The server's side.

    Attributes:
        told: ids of all ledger entries up to a version of a document, whatever became of other versions.
        reachable: whether it answers.
        clocks_bell: rings when clocks were set.
        ledger_bell: rings when something waits for a relay.
        run_bell: rings when another run, or an empty store, is there.
        landmarks: called with each document that was written.
    """

    def __init__(
        self, kind: AggregateType[S], partitions: int, rng: Random, loop: VirtualLoop, journal: Journal
    ) -> None:
        super().__init__(kind, partitions, rng.getrandbits)
        self._service = kind.service
        self._journal = journal
        self.reachable = True
        self.clocks_bell = Bell(loop)
        self.ledger_bell = Bell(loop)
        self.run_bell = Bell(loop)
        self.told: dict[int, tuple[str, ...]] = {}
        self.writes = 0
        self.landmarks: list[Callable[[str, S], None]] = []

    async def commit(
        self, loaded: Loaded[S], new: NewDocument[S], *, mark: FactMark | None = None, claim: Claim | None = None
    ) -> CommitResult:
        """See `AggregateStore`."""
        result = await super().commit(loaded, new, mark=mark, claim=claim)
        if self._journal.keeps:
            self._journal.say(self._service, f"commit {result}:", *_short(new, mark, claim))
        if result is CommitResult.DONE:
            self.writes += 1
            ids = tuple(orjson.loads(value)["id"] for value in new.ledger)
            self.told[new.version] = self.told.get(loaded.version, ()) + ids
            for landmark in self.landmarks:
                landmark(loaded.customer_id, new.state)
            self.ledger_bell.ring()
            if new.clocks_set:
                self.clocks_bell.ring()
        return result

    async def restore(self, shard: int, snapshots: Sequence[Snapshot]) -> int:
        """See `Changelog`."""
        restored = await super().restore(shard, snapshots)
        self.clocks_bell.ring()
        return restored

    def copy(self) -> dict[int, Shelf]:
        """See `MemoryStore`; what a shelf holds is immutable but for its record."""
        return {number: _copied(shelf) for number, shelf in self.shelves.items()}

    def fail_over(self, to: dict[int, Shelf]) -> None:
        """See `MemoryStore`."""
        kept = sum(len(shelf.documents) for shelf in to.values())
        self._journal.say(self._service, f"store is replaced by another run with {kept} documents")
        super().fail_over({})
        self.shelves.update({number: _copied(shelf) for number, shelf in to.items()})
        for bell in (self.clocks_bell, self.ledger_bell, self.run_bell):
            bell.ring()

    def next_due(self, shards: Iterable[int]) -> datetime | None:
        """When the next clock of these shards is due."""
        return min((at for shard in shards for at in self.shelves[shard].due.values()), default=None)

    def state_of(self, customer_id: str) -> Loaded[S]:
        """The customer's document as it stands."""
        return done(self.load(customer_id))


def _short(new: NewDocument[Any], mark: FactMark | None, claim: Claim | None) -> list[str]:
    told = [orjson.loads(value) for value in new.ledger]
    cause = [f"[fact {mark.fact_id}]"] if mark else [f"[clock {claim.item_id}]"] if claim else []
    names = ("attempt_id", "notification_id", "order_id", "call_id", "task_id", "fact_id")
    ids = [next((str(one["data"][name]) for name in names if name in one["data"]), "") for one in told]
    return cause + [f"{one['type'].removesuffix('.v1')}({name})" for one, name in zip(told, ids, strict=True)]


def _copied(shelf: Shelf) -> Shelf:
    record = shelf.record and replace(shelf.record, audited=dict(shelf.record.audited))
    return replace(
        shelf,
        documents=dict(shelf.documents),
        marks=dict(shelf.marks),
        due=dict(shelf.due),
        fences=dict(shelf.fences),
        outbox=list(shelf.outbox),
        changed=dict(shelf.changed),
        record=record,
    )


class Connection(Generic[S]):
    """A process's client: every request takes time, may fail, and may meet another run of the server."""

    def __init__(self, store: SharedStore[S], wire: Wire, rng: Random) -> None:
        self.store = store
        self.generation = 0
        self._wire = wire
        self._rng = rng
        self.met = 0

    def turned_into(self, kind: "type[Connection[S]]") -> "Connection[S]":
        """The same connection with another behaviour."""
        return kind(self.store, self._wire, self._rng)

    async def _ask(self, work: Callable[[], T]) -> T:
        asked_of = self.store.run

        def arrive() -> T:
            if not self.store.reachable:
                raise away()
            if self.met != self.store.run:
                # a connection to another server begins with a look at its run id
                self.met = self.store.run
                self.generation += 1
            return work()

        answer = await self._wire.ask(arrive, away)
        if asked_of != self.store.run and self._rng.random() < 0.5:
            raise away()  # the answer was lost with the server's connections
        return answer

    # AggregateStore

    def shard_of(self, customer_id: str) -> int:
        return self.store.shard_of(customer_id)

    def next_version(self, version: int) -> int:
        return self.store.next_version(version)

    async def load(self, customer_id: str) -> Loaded[S]:
        return await self._ask(lambda: done(self.store.load(customer_id)))

    async def commit(
        self, loaded: Loaded[S], new: NewDocument[S], *, mark: FactMark | None = None, claim: Claim | None = None
    ) -> CommitResult:
        return await self._ask(lambda: done(self.store.commit(loaded, new, mark=mark, claim=claim)))

    # SeenMarks

    async def seen(self, shard: int, fact_ids: Sequence[str]) -> Sequence[str | None]:
        return await self._ask(lambda: done(self.store.seen(shard, fact_ids)))

    async def mark(self, shard: int, marks: Sequence[FactMark]) -> None:
        await self._ask(lambda: done(self.store.mark(shard, marks)))

    # DueWork

    async def claim(
        self, shard: int, now: datetime, lease: timedelta, limit: int
    ) -> tuple[Sequence[Claim], datetime | None]:
        return await self._ask(lambda: done(self.store.claim(shard, now, lease, limit)))

    async def drop(self, claim: Claim) -> None:
        await self._ask(lambda: done(self.store.drop(claim)))

    # Outbox

    async def read(self, shards: Sequence[int], limit: int) -> Mapping[int, Sequence[OutboxEntry]]:
        return await self._ask(lambda: done(self.store.read(shards, limit)))

    async def trim(self, up_to: Mapping[int, str]) -> None:
        await self._ask(lambda: done(self.store.trim(up_to)))

    # Changelog

    async def changed(self, shards: Sequence[int], limit: int) -> Mapping[int, Sequence[Snapshot]]:
        return await self._ask(lambda: done(self.store.changed(shards, limit)))

    async def copied(self, snapshots: Mapping[int, Sequence[Snapshot]]) -> None:
        await self._ask(lambda: done(self.store.copied(snapshots)))

    async def restore(self, shard: int, snapshots: Sequence[Snapshot]) -> int:
        return await self._ask(lambda: done(self.store.restore(shard, snapshots)))

    # ShardRecords

    async def open(self, shard: int, now: datetime) -> ShardRecord:
        return await self._ask(lambda: done(self.store.open(shard, now)))

    async def audited(self, shard: int, topic: str, next_offset: int) -> None:
        await self._ask(lambda: done(self.store.audited(shard, topic, next_offset)))

    async def settle(self, shard: int, *, doubt_until: datetime | None) -> None:
        await self._ask(lambda: done(self.store.settle(shard, doubt_until=doubt_until)))

    async def made_whole(self, shard: int, doubt_until: datetime) -> None:
        await self._ask(lambda: done(self.store.made_whole(shard, doubt_until)))
