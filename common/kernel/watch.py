"""What the kernel tells whoever watches it: metrics, logs and the loops that a commit must wake."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from common.errors import AppError
from common.events.model import LedgerFact
from common.kernel.decision import Effect, Origin
from common.kernel.ports import CommitResult


class KernelWatch(Protocol):
    """Receives notice of what happened; must return at once and never raise."""

    def committed(
        self, shard: int, clocks: Mapping[str, datetime], entries: Sequence[tuple[Origin, LedgerFact]]
    ) -> None:
        """A commit took effect: these clocks were set, these ledger entries wait in the shard's outbox."""

    def collided(self) -> None:
        """Another writer was faster; the decision is taken again."""

    def refused(self, result: CommitResult) -> None:
        """The store refused: fact seen before, its id reused, or work taken over by another owner."""

    def fired(self, late: timedelta) -> None:
        """A clock rang this long after it was due."""

    def lease_expired(self) -> None:
        """Work was claimed again because whoever had it did not finish within the lease."""

    def outcome_not_recorded(self, effect: Effect, error: AppError) -> None:
        """The store stayed unavailable after a call; its attempt will be reconciled."""


class Unwatched:
    """Watches nothing."""

    def committed(
        self, shard: int, clocks: Mapping[str, datetime], entries: Sequence[tuple[Origin, LedgerFact]]
    ) -> None:
        """Ignores it."""

    def collided(self) -> None:
        """Ignores it."""

    def refused(self, result: CommitResult) -> None:
        """Ignores it."""

    def fired(self, late: timedelta) -> None:
        """Ignores it."""

    def lease_expired(self) -> None:
        """Ignores it."""

    def outcome_not_recorded(self, effect: Effect, error: AppError) -> None:
        """Ignores it."""
