"""W3C trace context: which trace and story the work at hand belongs to; continued here, exported by nobody yet."""

import re
import secrets
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

# version 00 of https://www.w3.org/TR/trace-context/; later versions may append fields, version ff is forbidden
_TRACEPARENT = re.compile(
    r"(?!ff)(?:00(?!.{53}-)|(?!00)[0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?"
)
_NOT_SAMPLED = "00"


@dataclass(frozen=True, slots=True)
class TraceContext:
    """Our place in a trace.

    Attributes:
        trace_id: 32 hex digits, shared by everything that one request or event set off.
        span_id: 16 hex digits: this piece of work.
        flags: two hex digits; the sampling decision is the caller's and is passed on.
    """

    trace_id: str
    span_id: str
    flags: str = _NOT_SAMPLED

    @property
    def traceparent(self) -> str:
        """What to hand on to whom we call or publish for."""
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"


def parse_traceparent(traceparent: str | None) -> TraceContext | None:
    """The caller's place in its trace; None if the header is absent or malformed (then it must be ignored)."""
    matched = _TRACEPARENT.fullmatch(traceparent or "")
    return TraceContext(trace_id=matched[1], span_id=matched[2], flags=matched[3]) if matched else None


def continue_trace(traceparent: str | None) -> TraceContext:
    """A new span in the caller's trace, or in a new trace if there is none."""
    caller = parse_traceparent(traceparent)
    span_id = secrets.token_hex(8)
    if caller is None:
        return TraceContext(trace_id=secrets.token_hex(16), span_id=span_id)
    return TraceContext(trace_id=caller.trace_id, span_id=span_id, flags=caller.flags)


@dataclass(frozen=True, slots=True)
class Story:
    """What the work at hand belongs to: a correlation id and a trace id, each perhaps empty."""

    correlation_id: str = ""
    trace_id: str = ""


_current: ContextVar[Story] = ContextVar("story", default=Story())  # noqa: B039  # frozen, so one instance may serve all


def current_story() -> Story:
    """The story bound in this task; an empty one if none is."""
    return _current.get()


def enter_story(correlation_id: str | None, traceparent: str | None = None) -> None:
    """Binds a story for the rest of this task, which must belong to that story alone."""
    _current.set(_story(correlation_id, traceparent))


def _story(correlation_id: str | None, traceparent: str | None) -> Story:
    trace = parse_traceparent(traceparent)
    return Story(correlation_id or "", trace.trace_id if trace else "")


@dataclass(slots=True)
class bind_correlation:  # noqa: N801  # reads as a statement: `with bind_correlation(...):`
    """Binds a story to this task, and to the tasks it starts, for the length of a `with` block.

    Args:
        correlation_id: shared by everything that belongs to one story.
        traceparent: as received; its trace id goes into the logs.
    """

    correlation_id: str | None
    traceparent: str | None = None
    _token: Token[Story] | None = field(default=None, init=False)

    def __enter__(self) -> Self:
        self._token = _current.set(_story(self.correlation_id, self.traceparent))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._token:
            _current.reset(self._token)
