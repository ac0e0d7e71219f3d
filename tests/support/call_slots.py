"""The calls-per-second limiter in memory, on a clock of the test's."""

from datetime import datetime, timedelta

from common.clock import Clock
from common.events.vocabulary import Priority
from services.outbound_dialer.adapters.redis_slots import HORIZONS
from services.outbound_dialer.domain.effects import SlotDenied, SlotGranted


class MemorySlots:
    """See `SlotLimiter`; held to the same contract as the Redis adapter."""

    def __init__(self, interval: timedelta, clock: Clock) -> None:
        self._interval = interval
        self._clock = clock
        self._free_at: datetime | None = None

    async def reserve(self, priority: Priority) -> SlotGranted | SlotDenied:
        """See `SlotLimiter`."""
        now = self._clock.now()
        slot = max(now, self._free_at or now)
        if slot - now > HORIZONS[priority]:
            return SlotDenied(slot - HORIZONS[priority])
        self._free_at = slot + self._interval
        return SlotGranted(slot)
