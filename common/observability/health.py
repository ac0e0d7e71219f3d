"""Health of one process: named conditions with a reason and a remedy, answered to probes as JSON."""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from http import HTTPStatus
from typing import TypedDict

LIVE_PATH = "/health/live"
READY_PATH = "/health/ready"
METRICS_PATH = "/metrics"

BEAT_EVERY = timedelta(seconds=1)
MAX_BEAT_AGE = timedelta(seconds=10)
"""A loop that was blocked longer answers no webhook within a provider's 15 s; a restart is quicker than waiting."""


class Gate(StrEnum):
    """Which probe a condition belongs to: `live` restarts the process, `ready` takes it out of traffic."""

    LIVE = "live"
    READY = "ready"


class Finding(TypedDict):
    """One condition as shown by a probe."""

    name: str
    ok: bool
    reason: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Report:
    """The answer to a probe."""

    service: str
    gate: Gate
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether every condition is met."""
        return all(finding["ok"] for finding in self.findings)

    @property
    def status(self) -> HTTPStatus:
        """200, or 503 if a condition fails."""
        return HTTPStatus.OK if self.ok else HTTPStatus.SERVICE_UNAVAILABLE

    def body(self) -> dict[str, object]:
        """The JSON body."""
        return {"service": self.service, self.gate.value: self.ok, "checks": list(self.findings)}


@dataclass(slots=True)
class Condition:
    """Something that must hold; it fails until it is first said to be met.

    Attributes:
        remedy: one sentence for an operator: what to do while it fails.
        max_age: how long a `met()` counts; None means until `failed()` is said.
    """

    name: str
    gate: Gate
    remedy: str
    max_age: timedelta | None
    monotonic: Callable[[], float]
    _reason: str = "not yet met since the start"
    _met_at: float | None = None

    def met(self) -> None:
        """It holds now."""
        self._met_at = self.monotonic()

    def failed(self, reason: str) -> None:
        """It does not hold; `reason` is one sentence without personal data."""
        self._met_at, self._reason = None, reason

    def finding(self) -> Finding:
        """How it stands now."""
        reason = self._failure()
        return Finding(name=self.name, ok=not reason, reason=reason, remedy=self.remedy if reason else "")

    def _failure(self) -> str:
        if self._met_at is None:
            return self._reason
        age = timedelta(seconds=self.monotonic() - self._met_at)
        if self.max_age is not None and age > self.max_age:
            return f"no sign of life for {age.total_seconds():.0f} s"
        return ""


@dataclass
class Health:
    """The registry of a process's conditions.

    Attributes:
        service: name of the service.
        monotonic: seconds that never go back; replaced in tests.
    """

    service: str
    monotonic: Callable[[], float] = time.monotonic
    _conditions: list[Condition] = field(default_factory=list)

    def require(
        self, name: str, *, remedy: str, gate: Gate = Gate.READY, max_age: timedelta | None = None
    ) -> Condition:
        """Adds a condition; whoever knows says `met()` or `failed(reason)`.

        Args:
            name: short constant name, e.g. `redis_reachable`.
            remedy: what an operator should do while it fails.
            gate: which probe fails with it.
            max_age: for loops that must show life: how old the last `met()` may be.
        """
        condition = Condition(name, gate, remedy, max_age, self.monotonic)
        self._conditions.append(condition)
        return condition

    def live(self) -> Report:
        """Whether the process should go on living."""
        return self._report(Gate.LIVE, self._conditions)

    def ready(self) -> Report:
        """Whether the process does its work: everything it needs is there."""
        return self._report(Gate.READY, self._conditions)

    def _report(self, gate: Gate, conditions: Iterable[Condition]) -> Report:
        findings = tuple(condition.finding() for condition in conditions if condition.gate is gate)
        return Report(self.service, gate, findings)


async def keep_beating(health: Health, *, every: timedelta = BEAT_EVERY, max_age: timedelta = MAX_BEAT_AGE) -> None:
    """Runs until cancelled: shows that the event loop still turns, and fails liveness when it was blocked too long."""
    beat = health.require(
        "event_loop",
        gate=Gate.LIVE,
        max_age=max_age,
        remedy="Find what blocks the event loop: the last log lines before the gap name the work at hand.",
    )
    while True:
        beat.met()
        await asyncio.sleep(every.total_seconds())
