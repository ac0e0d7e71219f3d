"""The loop over clocks: awake in time, no more than there is room for, only late when the store is away."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime, timedelta
from typing import Any

from common.errors import TransientError
from common.kernel.due import BATCH, FULL_POOL_PAUSE, OUTAGE_PAUSE, SWEEP, DueLoop
from common.kernel.memory import MemoryStore
from common.kernel.ports import Claim, NewDocument
from common.kernel.shards import ShardKeeper
from tests.support.kernel.desk import CUSTOMER, DESK, Desk, note
from tests.support.kernel.office import Office
from tests.support.virtual_time import START, pass_time

SECOND = timedelta(seconds=1)
LEASE = timedelta(seconds=30)


class Away(MemoryStore[Desk]):
    """Gives claims only when it is there."""

    away = False

    async def claim(
        self, shard: int, now: datetime, lease: timedelta, limit: int
    ) -> tuple[Sequence[Claim], datetime | None]:
        if self.away:
            raise TransientError("store_unavailable")
        return await super().claim(shard, now, lease, limit)


class Clockwork:
    """An office with its due loop; `rung` says when each clock rang, in seconds."""

    def __init__(self, room: int = 100) -> None:
        self.store = Away(DESK, partitions=4)
        self.office = Office(self.store, room=room)
        self.claimed = 0
        self.rung: list[tuple[str, float]] = []
        self.fire: Callable[[Claim], Coroutine[Any, Any, None]] = self.office.kernel.fire
        self.loop = DueLoop(
            due=self.store,
            shards=self.office.keeper,
            clock=self.office.clock,
            pool=self.office.pool,
            fire=self._ring,
            lease=LEASE,
            claimed=self._count,
        )

    async def _ring(self, claim: Claim) -> None:
        self.rung.append((claim.item_id, self.office.loop.time()))
        await self.fire(claim)

    def _count(self, claims: int) -> None:
        self.claimed += claims

    async def set(self, name: str, after: timedelta, *, noticed: bool = True) -> None:
        at = self.office.clock.now() + after
        await self.office.handle(note("set", alarm=(name, at)))
        if noticed:
            self.loop.notice(self.office.shard, at)

    def run(self, main: Callable[[], Coroutine[Any, Any, None]]) -> None:
        async def body() -> None:
            running = asyncio.ensure_future(self.loop.run())
            await main()
            assert not running.done()

        self.office.run(body)


def test_a_clock_rings_when_it_is_due_and_only_once() -> None:
    work = Clockwork()

    async def body() -> None:
        await work.set("call", 0.3 * SECOND)
        await pass_time(90 * SECOND)
        assert work.rung == [("call", 0.3)]
        assert work.claimed == 1

    work.run(body)


def test_an_earlier_clock_wakes_the_loop_that_sleeps_towards_a_later_one() -> None:
    work = Clockwork()

    async def body() -> None:
        await work.set("late", 0.9 * SECOND)
        await pass_time(0.1 * SECOND)
        await work.set("early", 0.2 * SECOND)
        await pass_time(SECOND)
        assert [(name, round(at, 6)) for name, at in work.rung] == [("early", 0.3), ("late", 0.9)]

    work.run(body)


def test_a_clock_set_by_another_replica_is_found_within_a_sweep() -> None:
    work = Clockwork()

    async def body() -> None:
        await pass_time(0.5 * SECOND)
        await work.set("call", 0.1 * SECOND, noticed=False)
        await pass_time(2 * SWEEP)
        [(_, at)] = work.rung
        assert at <= 0.6 + SWEEP.total_seconds()

    work.run(body)


def test_shards_of_others_are_left_alone() -> None:
    work = Clockwork()

    async def body() -> None:
        work.office.keeper.own(shard for shard in range(4) if shard != work.office.shard)
        await work.set("call", 0.1 * SECOND)
        await pass_time(5 * SWEEP)
        assert work.rung == []

    work.run(body)


def test_no_more_is_claimed_than_there_is_room_for() -> None:
    work = Clockwork(room=2)
    busy = 0
    most = 0

    async def slowly(claim: Claim) -> None:
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        await pass_time(SECOND)
        await work.office.kernel.fire(claim)
        busy -= 1

    work.fire = slowly

    async def body() -> None:
        for number in range(5):
            await work.set(f"call-{number}", 0.1 * SECOND)
        await pass_time(10 * SECOND)
        assert most == 2
        assert sorted(name for name, _ in work.rung) == [f"call-{number}" for number in range(5)]
        assert max(at for _, at in work.rung) <= 0.1 + 2 + 3 * FULL_POOL_PAUSE.total_seconds()

    work.run(body)


def test_more_than_a_batch_rings_too_each_once() -> None:
    work = Clockwork(room=1000)
    many = {f"call-{number}": START + 0.1 * SECOND for number in range(BATCH + 10)}

    async def body() -> None:
        loaded = await work.store.load(CUSTOMER)
        new = NewDocument(Desk(CUSTOMER, (), many), 65_536, 0, {}, many, [], [])
        await work.store.commit(loaded, new)
        await pass_time(3 * SWEEP)
        assert sorted(await work.office.notes()) == sorted(f"{name} rang" for name in many)

    work.run(body)


def test_an_unavailable_store_only_makes_it_late() -> None:
    work = Clockwork()

    async def body() -> None:
        await work.set("call", 0.3 * SECOND)
        work.store.away = True
        await pass_time(5 * SECOND)
        work.store.away = False
        await pass_time(2 * OUTAGE_PAUSE)
        assert [name for name, _ in work.rung] == ["call"]

    work.run(body)


def test_work_whose_owner_failed_comes_back_when_its_lease_ends() -> None:
    work = Clockwork()

    async def fails(_: Claim) -> None:
        work.fire = work.office.kernel.fire
        raise TransientError("store_unavailable")

    work.fire = fails

    async def body() -> None:
        await work.set("call", 0.3 * SECOND)
        await pass_time(LEASE + 2 * SECOND)
        assert [(name, round(at, 6)) for name, at in work.rung] == [("call", 0.3), ("call", 30.3)]
        assert "call rang" in await work.office.notes()

    work.run(body)


def test_a_keeper_without_shards_asks_nothing() -> None:
    work = Clockwork()
    work.office.keeper = ShardKeeper(work.store, work.office.clock)

    async def body() -> None:
        work.loop._shards.own([])
        assert await work.loop.round() <= SWEEP

    work.run(body)
