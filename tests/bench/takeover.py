"""How soon a killed replica's customers are served again by the other one."""

import asyncio
from datetime import UTC, datetime

from common.events.topics import CUSTOMER_PARTITIONS, partition_for
from tests.bench.figures import Figure, show
from tests.bench.stack import Publisher, Stack, customer, stack
from tests.support.polling import eventually

RUNS = 3
SHARDS_OWNED = "nineconnect_shards_owned"
REBALANCE_TIMEOUT = 60.0


def run() -> None:
    """Kills one of two replicas with SIGKILL and waits for the first message to each of its shards."""
    gaps = []
    with stack() as parts:
        for attempt in range(RUNS):
            gaps.append(asyncio.run(_one(parts, attempt)))
            parts.stop_services()
    show(
        "Takeover after SIGKILL of one of two replicas",
        "session time-out 6 s (the default); one event to every shard at the kill, until the last SMS is asked for",
        [Figure("kill → every shard served again", "s", gaps, "≤ 10")],
    )


async def _one(parts: Stack, attempt: int) -> float:
    victim, survivor = parts.start("notifier"), parts.start("notifier")
    half = CUSTOMER_PARTITIONS // 2
    await asyncio.to_thread(
        eventually,
        lambda: victim.metric(SHARDS_OWNED) == survivor.metric(SHARDS_OWNED) == half,
        REBALANCE_TIMEOUT,
    )
    numbers = _one_per_shard(attempt * 10_000)
    async with Publisher(parts.kafka.bootstrap) as publisher:
        await publisher.profiles(numbers)
        await asyncio.to_thread(eventually, lambda: _known(parts) >= len(numbers), REBALANCE_TIMEOUT)
        seen = parts.sandbox.last_seq()
        victim.process.kill()
        killed_at = datetime.now(UTC)
        await publisher.failures(numbers)
    await asyncio.to_thread(
        eventually, lambda: len(parts.sandbox.book("message", since=seen)) >= len(numbers), REBALANCE_TIMEOUT
    )
    last = max(datetime.fromisoformat(str(entry["at"])) for entry in parts.sandbox.book("message", since=seen))
    victim.process.wait()
    parts.services.remove(victim)
    return (last - killed_at).total_seconds()


def _known(parts: Stack) -> float:
    return sum(service.metric("nineconnect_events_in_total{") for service in parts.services)


def _one_per_shard(start: int) -> list[int]:
    found: dict[int, int] = {}
    number = start
    while len(found) < CUSTOMER_PARTITIONS:
        found.setdefault(partition_for(customer(number), CUSTOMER_PARTITIONS), number)
        number += 1
    return sorted(found.values())
