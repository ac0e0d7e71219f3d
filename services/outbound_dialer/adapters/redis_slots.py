"""The `SlotLimiter` in Redis: GCRA, the generic cell rate algorithm, on the store's own clock.

| key | holds | lifetime |
|---|---|---|
| `dialer:slots:{<account>}` | µs since 1970 of the next free slot | until a second after that slot |
"""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from redis.asyncio import Redis, RedisCluster
from redis.exceptions import RedisError

from common.clock import Clock
from common.errors import TransientError
from common.events.vocabulary import Priority
from services.outbound_dialer.domain.effects import SlotDenied, SlotGranted

HORIZONS: Mapping[Priority, timedelta] = MappingProxyType(
    {
        Priority.P0: timedelta(seconds=5),
        Priority.P1: timedelta(seconds=3),
        Priority.P2: timedelta(seconds=1),
    }
)
"""How far ahead a call may book; differences are what lets urgent calls pass. See `SlotLimiter`."""

MICROSECOND = timedelta(microseconds=1)

# One clock for all replicas: the store's. Returns {granted, wait in µs}.
_RESERVE = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local slot = math.max(now, tonumber(redis.call('GET', KEYS[1]) or '0'))
local wait, interval, horizon = slot - now, tonumber(ARGV[1]), tonumber(ARGV[2])
if wait > horizon then return {0, wait - horizon} end
redis.call('SET', KEYS[1], string.format('%.0f', slot + interval), 'PX', math.ceil((wait + interval) / 1000) + 1000)
return {1, wait}
"""


def slots_key(account: str) -> str:
    """The account's next free slot; expires by itself, because a slot in the past means the same as none."""
    return f"dialer:slots:{{{account}}}"


class RedisSlots:
    """See `SlotLimiter`; a `Lifecycle`.

    Args:
        redis: a client of its own, closed when the service stops.
        account: whose calls per second they are.
        interval: between two slots; one second by Twilio's default of 1 call/s.
    """

    def __init__(self, redis: "Redis | RedisCluster", account: str, interval: timedelta, clock: Clock) -> None:
        client: Any = redis
        self._redis = client
        self._reserve = client.register_script(_RESERVE)
        self._key = slots_key(account)
        self._interval = interval // MICROSECOND
        self._clock = clock

    async def start(self) -> None:
        """Nothing: the client connects when it is used."""

    async def stop(self) -> None:
        """Closes the client."""
        await self._redis.aclose()

    async def reserve(self, priority: Priority) -> SlotGranted | SlotDenied:
        """See `SlotLimiter`."""
        arguments = [self._interval, HORIZONS[priority] // MICROSECOND]
        try:
            granted, wait = await self._reserve(keys=[self._key], args=arguments)
        except (RedisError, OSError) as error:
            raise TransientError("store_unavailable", kind=type(error).__name__) from error
        at = self._clock.now() + wait * MICROSECOND
        return SlotGranted(at) if granted else SlotDenied(at)
