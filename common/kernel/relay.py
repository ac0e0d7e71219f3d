"""Carries committed ledger entries and changed documents from the store to their topics."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta

from common.errors import TransientError
from common.kernel.log import LogWriter
from common.kernel.ports import Changelog, Outbox, OutboxEntry
from common.kernel.shards import ShardKeeper

LEDGER_PAUSE = timedelta(milliseconds=100)
"""A tenth of a second lets the entries of one story share a round trip; the ledger is read by people and rules that
wait for minutes."""

CHANGELOG_PAUSE = timedelta(seconds=1)
"""Copies of a document that changes several times within a second are one copy."""

SWEEP_EVERY = 10
"""Every so many rounds all owned shards are looked at, not only those this process wrote to."""

OUTAGE_PAUSE = timedelta(seconds=1)
BATCH = 500

Published = Callable[[Mapping[int, Sequence[OutboxEntry]]], None]


def _ignore(_: Mapping[int, Sequence[OutboxEntry]]) -> None:
    """Nobody is told."""


class Relay:
    """Publishes what waits in the owned shards, in order per shard, and forgets it only once it is safe.

    Two relays of one shard at once publish the same entries twice: consumers drop doubles by event id.
    """

    def __init__(
        self, *, pause: timedelta, shards: ShardKeeper, carry: Callable[[Sequence[int]], Awaitable[Sequence[int]]]
    ) -> None:
        self._pause = pause
        self._shards = shards
        self._carry = carry
        self._dirty: set[int] = set()
        self._rounds = 0

    def notice(self, shard: int) -> None:
        """This process wrote to the shard."""
        self._dirty.add(shard)

    async def run(self) -> None:
        """Runs until cancelled; an unavailable store or log only makes it wait."""
        while True:
            pause = self._pause
            try:
                await self.round()
            except TransientError:
                pause = OUTAGE_PAUSE
            await asyncio.sleep(pause.total_seconds())

    async def round(self) -> None:
        """Carries one batch of every shard that may have something."""
        self._rounds += 1
        sweep = self._rounds % SWEEP_EVERY == 1
        shards = sorted(self._shards.owned if sweep else self._dirty & self._shards.owned)
        self._dirty.clear()
        if not shards:
            return
        try:
            self._dirty.update(await self._carry(shards))
        except TransientError:
            self._dirty.update(shards)
            raise

    async def drain(self, shards: Sequence[int]) -> None:
        """Carries everything that waits in these shards now."""
        left = sorted(shards)
        while left:
            left = sorted(await self._carry(left))

    async def flush(self) -> None:
        """Carries until nothing is left that this process knows of; for a graceful stop."""
        self._dirty.update(self._shards.owned)
        self._rounds = 1
        while self._dirty & self._shards.owned:
            await self.round()


def ledger_relay(
    outbox: Outbox,
    writer: LogWriter,
    topic: str,
    shards: ShardKeeper,
    published: Published,
    found: Published = _ignore,
) -> Relay:
    """The relay from the outbox to the ledger topic.

    Args:
        published: told of entries that are safe in the topic.
        found: told of entries before they are published.
    """

    async def carry(dirty: Sequence[int]) -> Sequence[int]:
        waiting = await outbox.read(dirty, BATCH)
        if not waiting:
            return []
        found(waiting)
        await writer.publish(
            topic, {shard: [(entry.key, entry.value) for entry in entries] for shard, entries in waiting.items()}
        )
        # only after the topic has them (the other order would lose what a crash interrupts)
        await outbox.trim({shard: entries[-1].position for shard, entries in waiting.items()})
        published(waiting)
        return [shard for shard, entries in waiting.items() if len(entries) == BATCH]

    return Relay(pause=LEDGER_PAUSE, shards=shards, carry=carry)


def changelog_relay(changelog: Changelog, writer: LogWriter, topic: str, shards: ShardKeeper, ledger: Relay) -> Relay:
    """The relay from changed documents to the service's compacted state topic.

    Args:
        ledger: the relay of the same shards' outbox.
    """

    async def carry(dirty: Sequence[int]) -> Sequence[int]:
        run = shards.records.generation
        changed = await changelog.changed(dirty, BATCH)
        if not changed:
            return []
        # a document that comes back after a total loss must not know more than the ledger tells
        await ledger.drain(list(changed))
        if shards.records.generation != run:
            # the outbox that was drained is another store's, and says nothing of these documents
            return list(dirty)
        await writer.publish(
            topic,
            {shard: [(shot.customer_id.encode(), shot.body) for shot in shots] for shard, shots in changed.items()},
        )
        await changelog.copied(changed)
        return [shard for shard, shots in changed.items() if len(shots) == BATCH]

    return Relay(pause=CHANGELOG_PAUSE, shards=shards, carry=carry)
