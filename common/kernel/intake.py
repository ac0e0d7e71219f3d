"""The guard around every record that comes in: it takes effect, is dead-lettered, or waits; it never gets lost.

The same guard serves the consumer group and the audit, so what the audit heals takes the path it missed.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from common.clock import Clock
from common.errors import AppError, InvalidEvent, PermanentError, TransientError
from common.events.codec import decode, peek_type
from common.events.envelope import Envelope
from common.events.registry import MODELS
from common.kernel.decision import Origin
from common.kernel.kernel import Cause
from common.kernel.log import LogRecord
from common.kernel.ports import CommitResult, FactMark, LogPosition, SeenMarks
from common.observability.tracing import bind_correlation

LONGEST_PAUSE = timedelta(seconds=5)
MAX_BUGS = 20
BUG_WINDOW = timedelta(seconds=60)
"""More unexpected exceptions than this within the window: the process is sick and says so by ending."""

DEAD_LETTER_TRIES = 12

HandleFact = Callable[[Envelope, Cause], Awaitable[CommitResult | None]]


class DeadLetters(Protocol):
    """Where records go that nobody can understand."""

    async def write(self, record: LogRecord, error: InvalidEvent) -> None:
        """Keeps the original bytes and headers with the reason; returns once they are safe.

        Raises:
            TransientError: not safe yet.
        """


class IntakeWatch(Protocol):
    """Is told what became of each record."""

    def taken(self, record: LogRecord, event_type: str, outcome: str, since: datetime) -> None:
        """The record was dealt with: `handled`, `seen`, `ignored` or `dead_lettered`."""

    def waiting(self, reason: str) -> None:
        """Intake stands still because of this; empty when it goes on."""

    def dead_lettered(self, record: LogRecord, error: InvalidEvent) -> None:
        """A record went to the dead-letter topic."""

    def bug(self, record: LogRecord, error: Exception) -> None:
        """An unexpected exception; log it with its traceback."""

    def fatal(self, reason: str) -> None:
        """The process must end with a non-zero exit status."""


@dataclass(frozen=True)
class Interest:
    """What a service reads of a topic.

    Attributes:
        types: event types it handles; others are passed over.
        peek: the type may be read without decoding, because only the product itself writes to the topic.
    """

    types: frozenset[str]
    peek: bool = False


class Intake:
    """See the module. `take` is for the consumer group, `mark_of` and `heal` for the audit."""

    def __init__(
        self,
        *,
        service: str,
        interests: Mapping[str, Interest],
        handle: HandleFact,
        letters: DeadLetters,
        marks: SeenMarks,
        clock: Clock,
        watch: IntakeWatch,
    ) -> None:
        self._service = service
        self._interests = interests
        self._handle = handle
        self._letters = letters
        self._marks = marks
        self._clock = clock
        self._watch = watch
        self._bugs: deque[datetime] = deque(maxlen=MAX_BUGS)

    async def take(self, record: LogRecord) -> None:
        """Deals with one record; returns only when it took effect or is safe as a dead letter."""
        pause = timedelta(milliseconds=100)
        while True:
            try:
                await self._once(record, healed=False)
            except TransientError as error:
                # the store or a shard is not there: keep the record and its partition, dead-letter nothing
                self._watch.waiting(error.code)
                await asyncio.sleep(min(max(pause, error.retry_after), LONGEST_PAUSE).total_seconds())
                pause = min(pause * 2, LONGEST_PAUSE)
            else:
                self._watch.waiting("")
                return

    def mark_of(self, record: LogRecord) -> FactMark | None:
        """See `Examiner`."""
        if self._passed_over(record):
            return None
        try:
            envelope = self._decoded(record)
        except InvalidEvent:
            return letter_mark_of(record)
        return fact_mark(envelope) if self._wanted(record.topic, envelope.type) else None

    def letter_mark_of(self, record: LogRecord) -> FactMark:
        """See `Examiner`."""
        return letter_mark_of(record)

    async def heal(self, record: LogRecord) -> bool:
        """See `Examiner`."""
        return await self._once(record, healed=True) != "seen"

    async def _once(self, record: LogRecord, *, healed: bool) -> str:
        began = self._clock.now()
        try:
            event_type, outcome = await self._handled(record, healed=healed)
        except InvalidEvent as error:
            await self._dead_letter(record, error)
            event_type, outcome = "other", "dead_lettered"
        except TransientError:
            raise
        except Exception as error:  # the one guard of this entrypoint: a bug must neither lose nor block
            await self._bug(record, error)
            event_type, outcome = "other", "dead_lettered"
        self._watch.taken(record, event_type, outcome, began)
        return outcome

    async def _handled(self, record: LogRecord, *, healed: bool) -> tuple[str, str]:
        if self._passed_over(record):
            return "other", "ignored"
        envelope = self._decoded(record)
        if not self._wanted(record.topic, envelope.type):
            return envelope.type, "ignored"
        cause = cause_of(record, envelope, healed=healed)
        with bind_correlation(cause.origin.correlation_id, cause.origin.traceparent):
            result = await self._handle(envelope, cause)
        if result is CommitResult.REUSED:
            raise InvalidEvent(
                "event_id_reused",
                field="id",
                reason="an event with this source and id, but with other content, was handled before",
                remedy="give every new fact a new id; repeat an event only byte for byte",
            )
        return envelope.type, {CommitResult.SEEN: "seen", None: "ignored"}.get(result, "handled")

    def _passed_over(self, record: LogRecord) -> bool:
        interest = self._interests[record.topic]
        if not interest.peek or record.value is None:
            return False
        event_type = peek_type(record.value)
        # what is not known at all is decoded, so that it ends as a dead letter and not unnoticed
        return event_type in MODELS and event_type not in interest.types

    def _wanted(self, topic: str, event_type: str) -> bool:
        return event_type in self._interests[topic].types

    def _decoded(self, record: LogRecord) -> Envelope:
        return decode(
            topic=record.topic,
            key=record.key,
            value=record.value,
            headers=record.headers,
            recorded_at=record.recorded_at,
        )

    async def _dead_letter(self, record: LogRecord, error: InvalidEvent) -> None:
        mark = letter_mark_of(record)
        # asked first, or each try during an outage of the store would write one more letter
        if (await self._marks.seen(record.partition, [mark.fact_id]))[0] is not None:
            return
        for _ in range(DEAD_LETTER_TRIES):
            try:
                await self._letters.write(record, error)
                break
            except TransientError as trouble:
                self._watch.waiting(trouble.code)
                await asyncio.sleep(LONGEST_PAUSE.total_seconds())
        else:
            self._watch.fatal("dead_letter_not_written")
            # stay here: the record must not be acknowledged while the process ends
            await asyncio.Event().wait()
        self._watch.dead_lettered(record, error)
        await self._marks.mark(record.partition, [mark])

    async def _bug(self, record: LogRecord, error: Exception) -> None:
        self._watch.bug(record, error)
        now = self._clock.now()
        self._bugs.append(now)
        if len(self._bugs) == MAX_BUGS and now - self._bugs[0] < BUG_WINDOW:
            self._watch.fatal("too_many_bugs")
            await asyncio.Event().wait()
        code = error.code if isinstance(error, PermanentError | AppError) else "bug"
        await self._dead_letter(
            record,
            InvalidEvent(
                code,
                reason=f"the service failed on it ({type(error).__name__}); its log has the traceback",
                remedy="replay it once the service is mended",
            ),
        )


def cause_of(record: LogRecord, envelope: Envelope, *, healed: bool) -> Cause:
    """What a decision about this record answers to."""
    return Cause(
        origin=Origin(envelope.id, envelope.correlation_id or envelope.id, envelope.traceparent or ""),
        mark=fact_mark(envelope),
        position=LogPosition(record.topic, record.offset),
        since=record.recorded_at,
        happened_at=envelope.time,
        healed=healed,
    )


def fact_mark(envelope: Envelope) -> FactMark:
    """CloudEvents: source and id together name an event."""
    return FactMark(f"{envelope.source} {envelope.id}", envelope.digest)


def letter_mark_of(record: LogRecord) -> FactMark:
    """The mark of a dead-lettered record; it has a place in the log even if it has no readable id."""
    return FactMark(f"dead-letter {record.topic}/{record.partition}/{record.offset}", "dead-letter")
