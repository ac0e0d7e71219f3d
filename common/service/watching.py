"""Where the kernel's notices go: metrics, logs, health, and the loops that a commit must wake."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from common.clock import Clock
from common.errors import AppError, InvalidEvent
from common.events.model import LedgerFact
from common.kernel.decision import Effect, Origin
from common.kernel.due import DueLoop
from common.kernel.log import LogRecord
from common.kernel.relay import Relay
from common.observability.health import Condition
from common.observability.kernel_metrics import KernelMetrics
from common.observability.logging import bind_correlation, get_logger
from common.observability.metrics import EventOutcome, Metrics

_log = get_logger("service")

INTAKE = "intake"


class ServiceWatch(KernelMetrics):
    """Hears everything; see `KernelWatch`, `IntakeWatch` and `AuditWatch`.

    Attributes:
        relays: woken by commits.
        due_loop: woken by clocks that commits set.
    """

    def __init__(self, metrics: Metrics, intake: Condition, clock: Clock, end: Callable[[str], None]) -> None:
        super().__init__(metrics)
        self._intake = intake
        self._waits_for = ""
        self._clock = clock
        self._end = end
        self.relays: tuple[Relay, ...] = ()
        self.due_loop: DueLoop | None = None

    def committed(
        self, shard: int, clocks: Mapping[str, datetime], entries: Sequence[tuple[Origin, LedgerFact]]
    ) -> None:
        """Counts, and wakes who has something to do now."""
        super().committed(shard, clocks, entries)
        for relay in self.relays:
            relay.notice(shard)
        if self.due_loop is not None and clocks:
            self.due_loop.notice(shard, min(clocks.values()))

    def outcome_not_recorded(self, effect: Effect, error: AppError) -> None:
        """Logs it: the attempt will be reconciled."""
        super().outcome_not_recorded(effect, error)
        _log.error("outcome_not_recorded", attempt_id=effect.attempt_id, code=error.code)

    def taken(self, record: LogRecord, event_type: str, outcome: str, since: datetime) -> None:
        """Counts it."""
        seconds = (self._clock.now() - since).total_seconds()
        self._metrics.event_in(record.topic, event_type, EventOutcome(outcome), seconds)

    def waiting(self, reason: str) -> None:
        """Tells readiness why intake stands still; logs the change only."""
        if reason == self._waits_for:
            return
        self._waits_for = reason
        if reason:
            self._intake.failed(reason)
            self._metrics.store_unavailable()
            _log.warning("intake_waits", reason=reason)
        else:
            self._intake.met()
            _log.info("intake_goes_on")

    def dead_lettered(self, record: LogRecord, error: InvalidEvent) -> None:
        """Counts and logs it, once, without anything of the record itself."""
        self._metrics.dead_letter(record.topic, error.code)
        _log.warning(
            "dead_lettered",
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            code=error.code,
            field=error.field,
        )

    def bug(self, record: LogRecord, error: BaseException) -> None:
        """Logs the traceback, once."""
        self._metrics.bug(INTAKE)
        with bind_correlation(f"{record.topic}/{record.partition}/{record.offset}"):
            _log.error("bug", entrypoint=INTAKE, exc_info=error)

    def bug_in_pool(self, error: BaseException) -> None:
        """Logs what escaped a task of the pool; its work is claimed again when its lease ends."""
        self._metrics.bug("pool")
        _log.error("bug", entrypoint="pool", exc_info=error)

    def fatal(self, reason: str) -> None:
        """Ends the process."""
        _log.error("process_ends", reason=reason)
        self._end(reason)

    def audited(self, topic: str, shard: int, up_to: datetime) -> None:
        """Tells how far completeness is proved."""
        self._metrics.audited(topic, shard, up_to)

    def gap_healed(self, topic: str) -> None:
        """Counts and logs it."""
        self._metrics.gap_healed(topic)
        _log.warning("gap_healed", topic=topic)

    def claimed(self, count: int) -> None:
        """Counts claims."""
        self._metrics.due_claimed(count)

    def fired(self, late: timedelta) -> None:
        """Observes the lateness of a clock."""
        super().fired(late)
