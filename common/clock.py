"""The clock port: time is an argument everywhere else."""

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time. Implementations never go back by more than the host's clock does."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""


class SystemClock:
    """The host's clock."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        return datetime.now(UTC)
