"""Which crash point is tried next, and when there are no more."""

import threading
from collections import Counter
from collections.abc import Iterator
from itertools import count

from tests.chaos.trial import Point, Trial
from tests.support.relays.tap import Moment

MAX_FAILURES = 3
"""So many failed runs say enough; a stuck one takes its whole time-out."""


class Points:
    """Hands out the points of one service, kind by kind, until a run of the kind ends without its crash.

    For several threads: each says with `learn` what an untouched run asks for, then takes and tries points.
    """

    def __init__(self, service: str) -> None:
        self._service = service
        self._changed = threading.Condition()
        self._usual: Counter[str] = Counter()
        self._ahead: dict[str, Iterator[Point]] = {}
        self._under_way: Counter[str] = Counter()
        self._handed_out: Counter[str] = Counter()
        self._failures = 0
        self.trials: list[Trial] = []

    def learn(self, untouched: Trial) -> None:
        """What a path asks for when nothing happens to it."""
        with self._changed:
            self._keep(untouched)
            self._usual |= Counter(untouched.seen)
            for kind in untouched.seen:
                if kind not in self._handed_out:
                    self._ahead.setdefault(kind, self._all_of(kind))
            self._changed.notify_all()

    def take(self) -> Point | None:
        """The next point; waits while that depends on runs under way. None when there are no more."""
        with self._changed:
            while self._ahead and self._failures < MAX_FAILURES:
                for kind, points in self._ahead.items():
                    # past the usual number one at a time: most likely there is nothing to strike any more
                    if self._handed_out[kind] < self._usual[kind] * len(Moment) or not self._under_way[kind]:
                        self._handed_out[kind] += 1
                        self._under_way[kind] += 1
                        return next(points)
                self._changed.wait()
            return None

    def done(self, trial: Trial) -> None:
        """What came of a point."""
        assert trial.point is not None
        with self._changed:
            self._keep(trial)
            self._under_way[trial.point.kind] -= 1
            if not trial.struck:
                # neither moment of a request that is not made
                self._ahead.pop(trial.point.kind, None)
            self._changed.notify_all()

    def _keep(self, trial: Trial) -> None:
        self.trials.append(trial)
        self._failures += bool(trial.problems)

    def _all_of(self, kind: str) -> Iterator[Point]:
        return (Point(self._service, kind, at, moment) for at in count(1) for moment in Moment)
