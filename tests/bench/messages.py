"""What a message costs, and how soon a failed payment reaches the carrier."""

import asyncio
import re
from collections.abc import Callable
from datetime import datetime

from tests.bench.figures import Figure, percentile, show
from tests.bench.stack import Publisher, Service, Stack, stack
from tests.support.polling import eventually

EVENTS = 3_000
PER_SECOND = 200.0
RUNS = 3
DELIVERED = 'nineconnect_ledger_entries_total{type="notification.delivered.v1"}'
PROFILES = "nineconnect_events_in_total{"
NAME = re.compile(r"Customer(\d{7})")


def run() -> None:
    """Measures and prints both."""
    with stack() as parts:
        notifier = parts.start("notifier")
        costs, peaks, halves = [], [], []
        for attempt in range(RUNS):
            numbers = list(range(attempt * EVENTS, (attempt + 1) * EVENTS))
            cost, latencies = asyncio.run(one_run(parts, notifier, numbers))
            costs.append(cost * 1000)
            halves.append(percentile(latencies, 0.5) * 1000)
            peaks.append(percentile(latencies, 0.95) * 1000)
    show(
        "A message: payment_failed → SMS accepted → delivered receipt",
        f"one notifier process, real Kafka, Redis and HTTP, {EVENTS} events at {PER_SECOND:.0f}/s, CPU of all "
        "threads (audit, relay and changelog included), profiles known before",
        [
            Figure("CPU of the service process per message", "ms", costs, "≤ 1.2"),
            Figure("event sent → carrier asked, p50", "ms", halves),
            Figure("event sent → carrier asked, p95", "ms", peaks, "< 250"),
        ],
    )


async def one_run(parts: Stack, notifier: Service, numbers: list[int]) -> tuple[float, list[float]]:
    """CPU seconds of the service per message, and each message's way to the carrier in seconds."""
    async with Publisher(parts.kafka.bootstrap) as publisher:
        known = notifier.metric(PROFILES)
        await publisher.profiles(numbers)
        await _until(lambda: notifier.metric(PROFILES) >= known + len(numbers))
        seen = parts.sandbox.last_seq()
        delivered = notifier.metric(DELIVERED)
        before = notifier.cpu_seconds
        sent = await publisher.failures(numbers, PER_SECOND)
        await _until(lambda: notifier.metric(DELIVERED) >= delivered + len(numbers))
    cost = (notifier.cpu_seconds - before) / len(numbers)
    return cost, [(at - sent[number]).total_seconds() for number, at in _asked(parts, seen).items() if number in sent]


async def _until(holds: Callable[[], bool]) -> None:
    await asyncio.to_thread(eventually, holds, 180.0, interval=0.25)


def _asked(parts: Stack, since: int) -> dict[int, datetime]:
    entries = parts.sandbox.book("message", since=since)
    found = [(NAME.search(str(entry["body"])), str(entry["at"])) for entry in entries]
    return {int(name[1]): datetime.fromisoformat(at) for name, at in found if name}
