"""The steps of a start, as a person sees them: what is under way, how long it takes, what went wrong."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum


class StepState(StrEnum):
    """How far a step is."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass
class Step:
    """One step; `detail` says what it does now or what came of it."""

    name: str
    detail: str
    started_at: float
    state: StepState = StepState.RUNNING
    seconds: float = 0.0
    amount: int = 0


class Steps:
    """The steps so far, in order."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.all: list[Step] = []
        self._clock = clock
        self._watchers: list[Callable[[Step], None]] = []

    def watch(self, changed: Callable[[Step], None]) -> None:
        """Call `changed` with each step that begins or ends from now on."""
        self._watchers.append(changed)

    @contextmanager
    def step(self, name: str, detail: str = "") -> Iterator[Step]:
        """Mark what happens inside as one step: failed when it raises, else done."""
        step = Step(name=name, detail=detail, started_at=self._clock())
        self.all.append(step)
        self._tell(step)
        outcome = StepState.FAILED
        try:
            yield step
            outcome = StepState.DONE
        finally:
            self._end(step, outcome)

    def elapsed(self, step: Step) -> float:
        """Seconds that the step took, or takes until now."""
        return step.seconds if step.state is not StepState.RUNNING else self._clock() - step.started_at

    def _end(self, step: Step, state: StepState) -> None:
        step.seconds, step.state = self._clock() - step.started_at, state
        self._tell(step)

    def _tell(self, step: Step) -> None:
        for changed in self._watchers:
            changed(step)
