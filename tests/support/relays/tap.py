"""The tap all relays of one process under test share: it counts requests and ends the process at the chosen one."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto


class Channel(StrEnum):
    """What stands on the far side of a relay."""

    REDIS = "redis"
    KAFKA = "kafka"
    CARRIER = "carrier"
    WEBHOOK = "webhook"
    RPC = "rpc"


class Moment(StrEnum):
    """When the process dies, seen from the counted request."""

    BEFORE = "before"
    """The request never reaches the far side."""
    AFTER = "after"
    """The request took effect; its answer reaches nobody."""


class Verdict(Enum):
    """What a relay does with a request it has read whole."""

    PASS = auto()
    HOLD = auto()
    """Pass it on, nothing behind it on this connection; call `Tap.strike` instead of passing its answer on."""
    CUT = auto()
    """The process is dead: drop the request and the connection."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request as seen on the wire; `label` names its kind for reports, `raw` is for filters that look inside."""

    channel: Channel
    label: str
    raw: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Crash:
    """End the process at the `at`-th counted request (from 1). `kill` returns only when the process is gone."""

    at: int
    moment: Moment
    kill: Callable[[], None]


KAFKA_EFFECTS = frozenset({"Produce", "OffsetCommit"})
"""Everything else a client asks a broker can be asked again without any effect, e.g. Fetch, Metadata, Heartbeat."""


def has_effect(request: Request) -> bool:
    """Whether a request is worth dying at: all but the Kafka requests that change nothing."""
    return request.channel is not Channel.KAFKA or request.label in KAFKA_EFFECTS


class Tap:
    """Counts requests over all relays that share it and carries out at most one crash per arming.

    Relays call it from their event loop; `arm` and the read-only properties may be used from any thread.

    Args:
        counts: which requests are crash points; the others pass uncounted.
    """

    def __init__(self, counts: Callable[[Request], bool] = has_effect) -> None:
        self._counts = counts
        self._run = _Run(None)

    def arm(self, crash: Crash | None) -> None:
        """Start counting from zero. Without a crash everything passes and is only counted."""
        self._run = _Run(crash)

    @property
    def seen(self) -> tuple[Request, ...]:
        """The counted requests since `arm`, in the order in which they were read."""
        return tuple(self._run.seen)

    @property
    def struck(self) -> Request | None:
        """The request at which the process was ended, or is being ended just now."""
        return self._run.struck

    @property
    def held(self) -> Request | None:
        """The request whose answer is awaited before the process is ended, if any; `struck` follows it."""
        return self._run.held

    def judge(self, request: Request) -> Verdict:
        """Count the request and say what to do with it; on `CUT` the process is already dead."""
        run = self._run
        if not self._counts(request):
            return Verdict.PASS
        run.seen.append(request)
        if run.crash is None or len(run.seen) != run.crash.at:
            return Verdict.PASS
        run.held = request
        if run.crash.moment is Moment.AFTER:
            return Verdict.HOLD
        self.strike()
        return Verdict.CUT

    def strike(self) -> None:
        """End the process now: the held request took effect and its answer must reach nobody."""
        run = self._run
        if run.crash is not None and run.struck is None:
            # first the mark: whoever waits for the process's end may look at it at once
            run.struck = run.held
            run.crash.kill()


@dataclass(slots=True)
class _Run:
    """What happened since one arming."""

    crash: Crash | None
    seen: list[Request] = field(default_factory=list)
    held: Request | None = None
    struck: Request | None = None
