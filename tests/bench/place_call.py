"""How many calls can be ordered a second, and how long one order takes."""

import asyncio
import multiprocessing
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from google.protobuf.timestamp_pb2 import Timestamp

from common.rpc.client import call, open_channel
from nineconnect.dialer.v1.dialer_pb2 import PRIORITY_P1, PURPOSE_SERVICE, CallContext, PlaceCallRequest
from nineconnect.dialer.v1.dialer_pb2_grpc import DialerServiceStub
from tests.bench.figures import Figure, percentile, show
from tests.bench.stack import customer, stack
from tests.support.ports import free_port

if TYPE_CHECKING:  # exists in the stubs only
    from nineconnect.dialer.v1.dialer_pb2_grpc import DialerServiceAsyncStub

CLIENTS = 8
ORDERS = 1_500
RUNS = 3
DEADLINE = timedelta(seconds=10)


def run() -> None:
    """Orders calls for tomorrow from eight clients, then the same again with the same keys."""
    new, again, halves, peaks = [], [], [], []
    with stack() as parts:
        port = free_port()
        parts.start("outbound_dialer", {"DIALER_GRPC_PORT": str(port)})
        for attempt in range(RUNS):
            first = _measured(port, attempt)
            new.append(len(first[1]) / first[0])
            halves.append(percentile(first[1], 0.5) * 1000)
            peaks.append(percentile(first[1], 0.95) * 1000)
            second = _measured(port, attempt)
            again.append(len(second[1]) / second[0])
    show(
        "PlaceCall with idempotency key",
        f"one dialer process, {CLIENTS} clients in one other process, each with a channel and one order at a "
        f"time, {CLIENTS * ORDERS} orders a run, committed in Redis before the answer",
        [
            Figure("orders a second, new keys", "1/s", new, "≥ 3000"),
            Figure("orders a second, same keys and requests again", "1/s", again),
            Figure("one order, p50", "ms", halves, "< 3"),
            Figure("one order, p95", "ms", peaks),
        ],
    )


def _measured(port: int, attempt: int) -> tuple[float, Sequence[float]]:
    with multiprocessing.get_context("spawn").Pool(1) as clients:
        return clients.apply(_clients, (port, attempt))


def _clients(port: int, attempt: int) -> tuple[float, Sequence[float]]:
    return asyncio.run(_order_all(port, attempt))


async def _order_all(port: int, attempt: int) -> tuple[float, Sequence[float]]:
    channels = [open_channel(f"127.0.0.1:{port}") for _ in range(CLIENTS)]
    for channel in channels:
        await channel.channel_ready()
    began = time.perf_counter()
    answered = await asyncio.gather(
        *(_order(DialerServiceStub(channel), attempt, number) for number, channel in enumerate(channels))
    )
    seconds = time.perf_counter() - began
    for channel in channels:
        await channel.close()
    return seconds, [one for each in answered for one in each]


async def _order(stub: "DialerServiceAsyncStub", attempt: int, client: int) -> list[float]:
    took = []
    for number in range(ORDERS):
        request = _request(f"{attempt}-{client}-{number}", client * ORDERS + number)
        began = time.perf_counter()
        await call(stub.PlaceCall, request, deadline=DEADLINE)
        took.append(time.perf_counter() - began)
    return took


def _request(key: str, number: int) -> PlaceCallRequest:
    # the same moment in every run, or a repeated key would come with another request
    noon = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) + timedelta(days=1)
    earliest, latest = Timestamp(), Timestamp()
    earliest.FromDatetime(noon)
    latest.FromDatetime(noon + timedelta(hours=6))
    return PlaceCallRequest(
        idempotency_key=f"bench/{key}",
        customer_id=customer(number),
        phone_number=f"+1202555{100 + number % 79:04d}",
        purpose=PURPOSE_SERVICE,
        flow="payment_failed",
        language="en",
        earliest=earliest,
        latest=latest,
        priority=PRIORITY_P1,
        context=CallContext(task_id=f"t-{number}", scenario="N2"),
    )
