"""What an event costs while few or very many customers have something pending."""

import asyncio
from datetime import UTC, datetime, timedelta

import psutil

from common.events.topics import CUSTOMER_PARTITIONS, partition_for
from common.kernel.decision import Origin
from common.kernel.document import DocumentCodec
from common.kernel.redis.commands import SingleServer
from common.kernel.redis.connection import RunWatch
from common.kernel.redis.keys import ShardKeys, clock_member
from common.kernel.redis.store import RedisStore
from services.notifier.domain.model import Notification, NotifierState, Profile
from services.notifier.handlers import NOTIFIER
from tests.bench.figures import Figure, show
from tests.bench.messages import one_run
from tests.bench.stack import Stack, awake_zone, stack

FEW, MANY = 10_000, 1_000_000
EVENTS = 2_000
RUNS = 3
BATCH = 2_000
FIRST_PENDING = 5_000_000
"""Numbers of pending customers begin here; those who get events are others."""


def run() -> None:
    """Alternates between two stacks, so that a drift of the machine meets both."""
    cpu: dict[int, list[float]] = {FEW: [], MANY: []}
    redis: dict[int, list[float]] = {FEW: [], MANY: []}
    memory = 0.0
    with stack() as few, stack() as many:
        for parts, count in ((few, FEW), (many, MANY)):
            before = _redis_memory(parts)
            asyncio.run(_fill(parts, count))
            memory = (_redis_memory(parts) - before) / count
            parts.start("notifier")
        for attempt in range(RUNS):
            for parts, count in ((few, FEW), (many, MANY)):
                spent = _redis_cpu(parts)
                cost, _ = asyncio.run(one_run(parts, parts.services[0], _numbers(attempt)))
                cpu[count].append(cost * 1000)
                redis[count].append((_redis_cpu(parts) - spent) / EVENTS * 1000)
    ratios = [
        (many_cpu + many_redis) / (few_cpu + few_redis)
        for few_cpu, few_redis, many_cpu, many_redis in zip(cpu[FEW], redis[FEW], cpu[MANY], redis[MANY], strict=True)
    ]
    show(
        f"An event's cost with {MANY:,} customers pending against {FEW:,}",
        f"{EVENTS} events a run in turn on two stacks, each with one notifier; pending = a message held until tomorrow",
        [
            Figure(f"service CPU per event, {FEW:,} pending", "ms", cpu[FEW]),
            Figure(f"service CPU per event, {MANY:,} pending", "ms", cpu[MANY]),
            Figure(f"Redis CPU per event, {FEW:,} pending", "ms", redis[FEW]),
            Figure(f"Redis CPU per event, {MANY:,} pending", "ms", redis[MANY]),
            Figure("ratio of the sums", "", ratios, "≤ 1.1"),
            Figure(f"Redis memory per pending customer ({MANY:,})", "bytes", [memory]),
        ],
    )


def _numbers(attempt: int) -> list[int]:
    return list(range(attempt * EVENTS, (attempt + 1) * EVENTS))


async def _fill(parts: Stack, count: int) -> None:
    """Writes the documents and clocks that so many held messages leave."""
    store = RedisStore(parts.redis.url, NOTIFIER, CUSTOMER_PARTITIONS)
    for shard in range(CUSTOMER_PARTITIONS):
        await store.settle(shard, doubt_until=None)
    codec = DocumentCodec(NOTIFIER)
    redis = SingleServer(parts.redis.url, RunWatch())
    now = datetime.now(UTC)
    for start in range(0, count, BATCH):
        commands: list[tuple[bytes | str | float, ...]] = []
        for number in range(FIRST_PENDING + start, FIRST_PENDING + min(start + BATCH, count)):
            state = _held(f"bench-{number:07d}", now)
            keys = ShardKeys(NOTIFIER.service, partition_for(state.customer_id, CUSTOMER_PARTITIONS))
            body = codec.encode(state, 2, {"policy-events.v1": number})
            commands.append(("HSET", keys.doc(state.customer_id), "v", 65_537, "s", 1, "d", body))
            for item_id, at in NOTIFIER.clocks(state).items():
                due = int((at + timedelta(seconds=number % 3600)).timestamp() * 1000)
                commands.append(("ZADD", keys.due, due, clock_member(state.customer_id, item_id)))
        await redis.calls(commands)
    await redis.close()
    await store.close()


def _held(customer_id: str, now: datetime) -> NotifierState:
    profile = Profile("Somebody Example", "+12025550143", "en", awake_zone(now), "US", "US-DC", now)
    data = {"policy_id": "P-1", "amount": "3650.00", "currency": "USD", "due_date": "2026-11-20"}
    item = Notification(
        notification_id="n-0123456789ab",
        rule_id="payment_failed_sms",
        template_id="payment_failed",
        purpose="service",
        channel="sms",
        merge_value="P-1|2026-11-20",
        data=data,
        origin=Origin("fact", "fact"),
        happened_at=now,
        created_at=now,
        expires_at=now + timedelta(days=3),
        act_at=now + timedelta(days=1),
    )
    return NotifierState(customer_id, profile, notifications={item.notification_id: item})


def _redis_process(parts: Stack) -> psutil.Process:
    assert parts.redis.pid is not None
    return psutil.Process(parts.redis.pid)


def _redis_cpu(parts: Stack) -> float:
    times = _redis_process(parts).cpu_times()
    return float(times.user + times.system)


def _redis_memory(parts: Stack) -> float:
    return float(_redis_process(parts).memory_info().rss)
