"""A schedule: what happens upstream, what goes wrong and how the carrier behaves; drawn from a seed, in parts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import ClassVar

PATH = ("notifier", "callback", "outbound_dialer")


@dataclass(frozen=True)
class Happening:
    """Something upstream: `profile`, `moved` (a newer profile), `failed`, `paid` or `erased`.

    Attributes:
        at: when it is published, in seconds.
        number: names it; the same number again is the same event, published again.
        happened: when it happened, in seconds; not after `at`.
    """

    at: float
    kind: str
    number: int
    happened: float
    policy: int = 1


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong with one service."""

    service: str


@dataclass(frozen=True)
class Crash(Fault):
    """The service's n-th process is killed before its k-th callback; another takes over later.

    `of_starts` counts only callbacks with which a task begins: moments between deciding and acting are likelier so.
    """

    process: int
    step: int
    of_starts: bool
    back_after: float


@dataclass(frozen=True)
class Freeze(Fault):
    """The service's n-th process stops before its k-th callback (see `Crash`); later it goes on as if nothing was.

    Longer than the session time-out, another takes over meanwhile.
    """

    process: int
    step: int
    of_starts: bool
    span: float


@dataclass(frozen=True)
class Takeover(Fault):
    """A rebalance: a second process owns the shards, too, until the first learns of it."""

    at: float
    overlap: float


@dataclass(frozen=True)
class LostWrites(Fault):
    """The store fails over: it comes back as it was `lost` seconds before, and is away for a moment."""

    at: float
    lost: float
    away: float


@dataclass(frozen=True)
class LostStore(Fault):
    """The store comes back empty."""

    at: float


@dataclass(frozen=True)
class StoreAway(Fault):
    """The store does not answer for a while."""

    at: float
    span: float


@dataclass(frozen=True)
class Mode:
    """A way in which carrier, network or log misbehave; `value` is a share or a number of seconds."""

    name: str
    value: float

    NAMES: ClassVar[Mapping[str, tuple[float, float]]] = {
        "busy": (0.1, 0.6),  # share of orders refused with 429
        "lost": (0.1, 0.7),  # share of orders that never arrive
        "lying": (0.1, 0.8),  # share of orders taken without an answer
        "slow": (0.2, 0.8),  # share of orders taken late, up to the deadline
        "refusing": (0.05, 0.5),  # share of orders refused for good
        "list_lag": (1.0, 50.0),  # seconds until an order shows in the list; less than the settle time
        "doubled": (0.2, 0.8),  # share of webhooks sent twice
        "missing": (0.1, 0.9),  # share of webhooks that never come
        "prompt": (0.2, 1.0),  # share of webhooks that overtake the answer
        "late": (5.0, 400.0),  # seconds that webhooks may take
        "lost_answers": (0.02, 0.15),  # share of answers lost between a process and its servers
        "redelivered": (0.05, 0.4),  # share of records delivered twice without a reason
        "slow_network": (0.05, 1.0),  # longest usual trip in seconds
        "small_pool": (1.0, 2.0),  # pieces of work a process takes on at once
        "silent": (0.3, 1.0),  # share of customers who do not answer their phone
    }


Part = Happening | Fault | Mode


@dataclass(frozen=True)
class Schedule:
    """Everything but the luck of the draw during the run, which comes from `seed` too.

    Attributes:
        whole_path: callback and dialer take part; otherwise the notifier alone.
        overlay: of the rule pack.
    """

    seed: int
    whole_path: bool
    overlay: str
    parts: tuple[Part, ...]

    @property
    def services(self) -> tuple[str, ...]:
        """Who takes part."""
        return PATH if self.whole_path else PATH[:1]

    def faults(self) -> Iterator[Fault]:
        """What goes wrong with services."""
        return (part for part in self.parts if isinstance(part, Fault))

    def happenings(self) -> Iterator[Happening]:
        """What happens upstream."""
        return (part for part in self.parts if isinstance(part, Happening))

    def mode(self, name: str) -> float:
        """The value of a mode; 0 when it is off."""
        return next((part.value for part in self.parts if isinstance(part, Mode) and part.name == name), 0.0)

    def without(self, *numbers: int) -> "Schedule":
        """The same without these parts, counted from 0."""
        return replace(self, parts=tuple(part for at, part in enumerate(self.parts) if at not in numbers))


def draw(seed: int, *, whole_path: bool | None = None) -> Schedule:
    """The schedule of a seed; one in five takes the whole path, which costs four times as much."""
    rng = Random(f"schedule {seed}")
    chosen = rng.random() < 1 / 5
    schedule = Schedule(seed, chosen if whole_path is None else whole_path, rng.choice(("", "demo")), ())
    span = 1000.0 if schedule.whole_path else 150.0
    faults = (_fault(rng, rng.choice(schedule.services), span) for _ in range(rng.choice((0, 1, 1, 1, 2, 2, 3))))
    parts: tuple[Part, ...] = (*_happenings(rng, span), *_modes(rng), *faults)
    return replace(schedule, parts=parts)


def _happenings(rng: Random, span: float) -> Iterator[Happening]:
    first = rng.uniform(0.5, 5)
    known_at = rng.choice((0.0, 0.0, 0.0, first + rng.uniform(0, 90)))
    yield Happening(known_at, "profile", 1, known_at)
    failed = Happening(first, "failed", 2, first - rng.choice((0.0, 5.0, 900.0)))
    yield failed
    if rng.random() < 0.25:
        yield replace(failed, at=first + rng.uniform(0, 60))
    if rng.random() < 0.25:
        again = first + rng.uniform(0, 90)
        yield Happening(again, "failed", 3, again, policy=rng.choice((1, 1, 2)))
    if rng.random() < 0.5:
        paid = max(first + rng.choice((-2, 1, 10, 100, span)) * rng.random(), 0)
        yield Happening(paid, "paid", 4, max(paid - rng.choice((0.0, 3.0, 600.0)), failed.happened + 1))
    if rng.random() < 0.1:
        moved = first + rng.uniform(0, span)
        yield Happening(moved, "moved", 5, moved)
    if rng.random() < 0.04:
        erased = first + rng.uniform(0, span)
        yield Happening(erased, "erased", 6, erased)


def _modes(rng: Random) -> Iterator[Mode]:
    for name, (least, most) in Mode.NAMES.items():
        if rng.random() < 0.15:
            yield Mode(name, rng.uniform(least, most))


def _fault(rng: Random, service: str, span: float) -> Fault:
    at = rng.choice((rng.uniform(0, 12), rng.uniform(0, 12), rng.uniform(0, span)))
    process, of_starts = rng.choice((0, 0, 1)), rng.random() < 0.5
    step = rng.randrange(10, 40) if of_starts else int(10 ** rng.uniform(0.7, 2.6))
    match rng.randrange(12):
        case 0 | 1 | 2:
            return Crash(service, process, step, of_starts, rng.choice((0.2, 8.0)) * rng.uniform(0.5, 2))
        case 3 | 4 | 5:
            return Freeze(service, process, step, of_starts, rng.choice((2.0, 15.0, 300.0)) * rng.random())
        case 6 | 7:
            return Takeover(service, at, rng.uniform(0, 20))
        case 8 | 9:
            return LostWrites(service, at, rng.uniform(0.02, 5), rng.uniform(0, 3))
        case 10:
            return LostStore(service, at)
        case _:
            return StoreAway(service, at, rng.choice((2.0, 40.0)) * rng.random())
