"""The loop over the owned shards' clocks: claims what is due, as long as the pool has room."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

from common.clock import Clock
from common.errors import TransientError
from common.kernel.pool import Pool
from common.kernel.ports import Claim, DueWork
from common.kernel.shards import ShardKeeper

SWEEP = timedelta(seconds=1)
"""Other replicas may set clocks in our shards without our notice; every shard is looked at this often."""

FULL_POOL_PAUSE = timedelta(milliseconds=20)
OUTAGE_PAUSE = timedelta(seconds=1)
BATCH = 64


class DueLoop:
    """Wakes at the earliest known clock of the owned shards, or at the sweep.

    Args:
        lease: how long a claim is held; longer than any claim's work takes, or a second owner takes over.
        fire: lets one claimed clock ring (`Kernel.fire`).
    """

    def __init__(
        self,
        *,
        due: DueWork,
        shards: ShardKeeper,
        clock: Clock,
        pool: Pool,
        fire: Callable[[Claim], Awaitable[None]],
        lease: timedelta,
        claimed: Callable[[int], None],
    ) -> None:
        self._due = due
        self._shards = shards
        self._clock = clock
        self._pool = pool
        self._fire = fire
        self._lease = lease
        self._claimed = claimed
        self._next: dict[int, datetime] = {}
        self._wake = asyncio.Event()
        self._sweep_at: datetime | None = None

    def notice(self, shard: int, at: datetime) -> None:
        """A clock was set by this process: be awake by then."""
        known = self._next.get(shard)
        if known is None or at < known:
            self._next[shard] = at
            self._wake.set()

    async def run(self) -> None:
        """Runs until cancelled; an unavailable store only makes it wait."""
        while True:
            try:
                pause = await self.round()
            except TransientError:
                pause = OUTAGE_PAUSE
            await self._sleep(pause)

    async def round(self) -> timedelta:
        """Claims what is due now and hands it to the pool; returns how long there is nothing to do."""
        now = self._clock.now()
        for shard in self._waiting(now):
            room = self._pool.room
            if not room:
                return FULL_POOL_PAUSE
            await self._claim(shard, now, min(room, BATCH))
        return self._until_next(self._clock.now())

    def _waiting(self, now: datetime) -> Sequence[int]:
        owned = self._shards.owned
        if self._sweep_at is None or now >= self._sweep_at:
            self._sweep_at = now + SWEEP
            return sorted(owned, key=lambda shard: self._next.get(shard, now))
        return sorted(
            (shard for shard, at in self._next.items() if at <= now and shard in owned), key=self._next.__getitem__
        )

    async def _claim(self, shard: int, now: datetime, limit: int) -> None:
        self._next.pop(shard, None)
        claims, next_due = await self._due.claim(shard, now, self._lease, limit)
        if claims:
            self._claimed(len(claims))
        for claim in claims:
            self._pool.submit(self._ring(claim))
        if next_due:
            self.notice(shard, next_due)

    async def _ring(self, claim: Claim) -> None:
        try:
            await self._fire(claim)
        except TransientError:
            # the lease ends by itself and another claim follows: nothing is lost, only late
            return

    def _until_next(self, now: datetime) -> timedelta:
        known = [at for shard, at in self._next.items() if shard in self._shards.owned]
        earliest = min([*known, self._sweep_at or now])
        return max(earliest - now, timedelta(0))

    async def _sleep(self, pause: timedelta) -> None:
        self._wake.clear()
        try:
            async with asyncio.timeout(pause.total_seconds()):
                await self._wake.wait()
        except TimeoutError:
            return
