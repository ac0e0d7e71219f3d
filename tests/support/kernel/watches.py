"""Watches that remember what they were told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from common.errors import AppError, InvalidEvent
from common.events.model import LedgerFact
from common.kernel.decision import Effect, Origin
from common.kernel.log import LogRecord
from common.kernel.ports import CommitResult
from common.kernel.watch import Unwatched


@dataclass
class Seen(Unwatched):
    """Hears the kernel, the intake and the audit; see `KernelWatch`, `IntakeWatch` and `AuditWatch`."""

    commits: list[tuple[int, dict[str, datetime], list[tuple[Origin, LedgerFact]]]] = field(default_factory=list)
    collisions: int = 0
    refusals: list[CommitResult] = field(default_factory=list)
    lateness: list[timedelta] = field(default_factory=list)
    unrecorded: list[str] = field(default_factory=list)
    outcomes: list[str] = field(default_factory=list)
    waits: list[str] = field(default_factory=list)
    letters: list[str] = field(default_factory=list)
    bugs: list[BaseException] = field(default_factory=list)
    ends: list[str] = field(default_factory=list)
    proved: dict[tuple[str, int], datetime] = field(default_factory=dict)
    healed: list[str] = field(default_factory=list)

    def committed(
        self, shard: int, clocks: Mapping[str, datetime], entries: Sequence[tuple[Origin, LedgerFact]]
    ) -> None:
        self.commits.append((shard, dict(clocks), list(entries)))

    def collided(self) -> None:
        self.collisions += 1

    def refused(self, result: CommitResult) -> None:
        self.refusals.append(result)

    def fired(self, late: timedelta) -> None:
        self.lateness.append(late)

    def outcome_not_recorded(self, effect: Effect, error: AppError) -> None:
        self.unrecorded.append(effect.attempt_id)

    def taken(self, record: LogRecord, event_type: str, outcome: str, since: datetime) -> None:
        self.outcomes.append(outcome)

    def waiting(self, reason: str) -> None:
        self.waits.append(reason)

    def dead_lettered(self, record: LogRecord, error: InvalidEvent) -> None:
        self.letters.append(error.code)

    def bug(self, record: LogRecord, error: Exception) -> None:
        self.bugs.append(error)

    def fatal(self, reason: str) -> None:
        self.ends.append(reason)

    def audited(self, topic: str, shard: int, up_to: datetime) -> None:
        self.proved[topic, shard] = up_to

    def gap_healed(self, topic: str) -> None:
        self.healed.append(topic)
