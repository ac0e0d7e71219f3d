"""Turns what the kernel tells into metrics."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from common.errors import AppError
from common.events.ledger import (
    CallOutcomeUnknown,
    CallReconciled,
    CallRefused,
    FactHeld,
    FactReleased,
    NotificationFailed,
    NotificationOutcomeUnknown,
    NotificationReconciled,
)
from common.events.model import LedgerFact
from common.kernel.decision import Effect, Origin
from common.kernel.ports import CommitResult
from common.kernel.watch import KernelWatch
from common.observability.metrics import Metrics


class KernelMetrics(KernelWatch):
    """Counts commits, collisions, refusals, lateness and ledger entries; see `KernelWatch`."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def committed(
        self,
        shard: int,
        clocks: Mapping[str, datetime],  # noqa: ARG002  # of use to those who wake loops
        entries: Sequence[tuple[Origin, LedgerFact]],
    ) -> None:
        """Counts the ledger entries by type and rule, and follows attempts in doubt."""
        for _, fact in entries:
            self._metrics.ledger_entry(fact.TYPE, fact.decision.rule_id if fact.decision else None)
            self._follow(shard, fact)

    def _follow(self, shard: int, fact: LedgerFact) -> None:
        match fact:
            case NotificationOutcomeUnknown() | CallOutcomeUnknown():
                self._metrics.attempt_in_doubt(shard, fact.attempt_id)
            case NotificationReconciled() | CallReconciled():
                self._metrics.attempt_settled(shard, fact.attempt_id)
                self._metrics.attempt_reconciled(found=fact.found)
            case NotificationFailed(attempt_id=str(attempt_id)) | CallRefused(attempt_id=attempt_id):
                self._metrics.attempt_settled(shard, attempt_id)
            case FactHeld():
                self._metrics.fact_held()
            case FactReleased():
                self._metrics.fact_released()
            case _:
                pass

    def collided(self) -> None:
        """Counts it."""
        self._metrics.commit_collided()

    def refused(self, result: CommitResult) -> None:
        """Counts it by result."""
        self._metrics.commit_refused(result)

    def fired(self, late: timedelta) -> None:
        """Observes the lateness."""
        self._metrics.due_fired(late)

    def lease_expired(self) -> None:
        """Counts it."""
        self._metrics.lease_expired()

    def outcome_not_recorded(self, effect: Effect, error: AppError) -> None:  # noqa: ARG002  # for logs
        """Counts an unavailable store."""
        self._metrics.store_unavailable()
