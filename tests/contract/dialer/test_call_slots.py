"""Both limiters space calls evenly, share them, and let urgent calls book further ahead."""

import uuid
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from common.clock import SystemClock
from common.errors import TransientError
from common.events.vocabulary import Priority
from common.kernel.redis.connection import RunWatch, open_redis
from services.outbound_dialer.adapters.redis_slots import HORIZONS, RedisSlots, slots_key
from services.outbound_dialer.domain.effects import SlotDenied, SlotGranted
from tests.support.call_slots import MemorySlots
from tests.support.ports import free_port

INTERVAL = timedelta(milliseconds=500)
TOLERANCE = timedelta(milliseconds=250)  # the machine may be busy between two questions


@pytest.fixture(params=["memory", "redis"])
async def replicas(request, redis_server):
    """Two limiters of one account, as two replicas have them."""
    if request.param == "memory":
        one = MemorySlots(INTERVAL, SystemClock())
        yield one, one
        return
    account = f"AC{uuid.uuid4().hex}"
    both = [RedisSlots(open_redis(redis_server, RunWatch()), account, INTERVAL, SystemClock()) for _ in range(2)]
    yield both
    for one in both:
        await one.stop()


async def test_slots_are_spaced_over_all_replicas(replicas):
    answers = [await replicas[number % 2].reserve(Priority.P1) for number in range(5)]
    assert all(isinstance(answer, SlotGranted) for answer in answers)
    times = [answer.at for answer in answers]
    for number, at in enumerate(times):
        assert abs(at - times[0] - number * INTERVAL) < TOLERANCE


async def test_who_would_wait_too_long_is_told_when_to_ask_again(replicas):
    limiter, began = replicas[0], SystemClock().now()
    while isinstance(answer := await limiter.reserve(Priority.P2), SlotGranted):
        assert answer.at - SystemClock().now() <= HORIZONS[Priority.P2]
    assert isinstance(answer, SlotDenied)
    assert began < answer.ask_at < began + HORIZONS[Priority.P2] + 2 * INTERVAL + TOLERANCE


async def test_urgent_calls_pass_when_slots_are_scarce(replicas):
    limiter = replicas[0]
    while isinstance(await limiter.reserve(Priority.P2), SlotGranted):
        pass
    assert isinstance(await limiter.reserve(Priority.P1), SlotGranted)
    while isinstance(await limiter.reserve(Priority.P1), SlotGranted):
        pass
    assert isinstance(await limiter.reserve(Priority.P0), SlotGranted)


async def test_the_key_goes_by_itself(redis_server):
    account = f"AC{uuid.uuid4().hex}"
    limiter = RedisSlots(open_redis(redis_server, RunWatch()), account, INTERVAL, SystemClock())
    await limiter.reserve(Priority.P1)
    async with Redis.from_url(redis_server) as redis:
        left = await redis.pttl(slots_key(account))
    await limiter.stop()
    assert 500 < left <= 1500


async def test_without_a_store_nothing_is_promised():
    limiter = RedisSlots(open_redis(f"redis://127.0.0.1:{free_port()}/0", RunWatch()), "AC1", INTERVAL, SystemClock())
    with pytest.raises(TransientError, match="store_unavailable"):
        await limiter.reserve(Priority.P1)
    await limiter.stop()
