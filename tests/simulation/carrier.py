"""A carrier that misbehaves as the schedule says, and a truth book of what it was asked to do and did."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import TypeVar

from common.errors import AppError, OutcomeUnknown, PermanentError, TransientError
from services.notifier.domain.effects import MessageSeen, NothingFound
from tests.simulation.journal import Journal
from tests.simulation.machines import NOBODY
from tests.simulation.wire import settle
from tests.support.virtual_time import VirtualLoop

T = TypeVar("T")

DEADLINE = 10.0
"""Seconds after which a client gives up; what the carrier takes, it takes before."""

PROMPT_TRIP = 0.2


class Modes:
    """The schedule's modes by name, 0 where off."""

    def __init__(self, values: Mapping[str, float]) -> None:
        self._values = values

    def __getitem__(self, name: str) -> float:
        return self._values.get(name, 0.0)


class Desk:
    """Where orders come in: decides by lot what becomes of each request."""

    def __init__(self, loop: VirtualLoop, rng: Random, modes: Modes, journal: Journal) -> None:
        self.loop = loop
        self.rng = rng
        self.modes = modes
        self.journal = journal

    def by_lot(self, name: str) -> bool:
        """Whether the mode strikes now."""
        share = self.modes[name]
        return share > 0 and self.rng.random() < share

    def order(self, take: Callable[[], T]) -> asyncio.Future[T]:
        """An order that may be refused, get lost, be taken late, or be taken without a word."""
        answer: asyncio.Future[T] = self.loop.create_future()
        self._at(DEADLINE, settle, answer, OutcomeUnknown("timed_out"))
        trip = self.rng.uniform(0, DEADLINE - 0.1) if self.by_lot("slow") else self.rng.random() * PROMPT_TRIP
        if self.by_lot("busy"):
            self._at(trip, settle, answer, TransientError("too_many_requests", retry_after=timedelta(seconds=1)))
        elif self.by_lot("refusing"):
            self._at(trip, settle, answer, PermanentError("number_invalid", provider_code=21211))
        elif not self.by_lot("lost"):
            self._at(trip, self._taken, answer, take)
        return answer

    def _taken(self, answer: asyncio.Future[T], take: Callable[[], T]) -> None:
        taken = take()
        if not self.by_lot("lying"):
            self._at(self.rng.random() * PROMPT_TRIP, settle, answer, taken)

    def question(self, read: Callable[[], T]) -> asyncio.Future[T]:
        """A request that changes nothing; it may be refused or get lost."""
        answer: asyncio.Future[T] = self.loop.create_future()
        trouble = self.by_lot("busy") or self.by_lot("lost")
        self._at(self.rng.random() * PROMPT_TRIP, self._read, answer, read, trouble)
        return answer

    def _read(self, answer: asyncio.Future[T], read: Callable[[], T], trouble: bool) -> None:
        result: T | AppError
        try:
            result = TransientError("read_failed") if trouble else read()
        except AppError as error:
            result = error
        self._at(self.rng.random() * PROMPT_TRIP, settle, answer, result)

    def webhook(self, deliver: Callable[[], None], after: float) -> None:
        """A webhook about something that will have happened `after` seconds from now."""
        if self.by_lot("missing"):
            return
        delay = 0.0 if self.by_lot("prompt") else self.rng.random() * max(self.modes["late"], 1.0)
        self._at(after + delay, deliver)
        if self.by_lot("doubled"):
            self._at(after + delay + self.rng.random() * 20, deliver)

    def _at(self, after: float, what: Callable[..., None], *args: object) -> None:
        self.loop.call_later(after, what, *args, context=NOBODY)


@dataclass
class Message:
    """One SMS as the carrier has it; `story` is what becomes of it: (loop time, status)."""

    sid: str
    to: str
    text: str
    reference: str
    taken_at: float
    taken: datetime
    shows_at: float
    story: list[tuple[float, str]] = field(default_factory=list)

    def status(self, now: float) -> str:
        """Its status at a time."""
        return [status for at, status in self.story if at <= now][-1]


class SmsCarrier:
    """Takes messages. `report(reference, seen)` receives its webhooks."""

    def __init__(self, desk: Desk, now: Callable[[], datetime], report: Callable[[str, MessageSeen], None]) -> None:
        self._desk = desk
        self._now = now
        self._report = report
        self.book: list[Message] = []

    def take(self, to: str, text: str, reference: str) -> MessageSeen:
        """A message was taken."""
        desk, at = self._desk, self._desk.loop.time()
        sid = f"SM{len(self.book) + 1:032d}"
        message = Message(sid, to, text, reference, at, self._now(), at + desk.modes["list_lag"] * desk.rng.random())
        last = desk.rng.choice(("delivered",) * 8 + ("undelivered", "failed"))
        sent, ended = desk.rng.uniform(0.01, 2), desk.rng.uniform(2, 10)
        message.story = [(at, "queued"), (at + sent, "sent"), (at + ended, last)]
        self.book.append(message)
        desk.journal.say("carrier takes the message", sid, reference)
        for after, status in ((sent, "sent"), (ended, last)):
            seen = MessageSeen(sid, status, "30003" if status in {"undelivered", "failed"} else None)
            desk.webhook(lambda seen=seen: self._report(reference, seen), after)  # type: ignore[misc]  # bound now
        return MessageSeen(sid, "queued")

    def find(
        self, asked_at: datetime, to: str, text: str, since: datetime, not_these: frozenset[str]
    ) -> MessageSeen | NothingFound:
        """The oldest message that shows in the list by now."""
        now = self._desk.loop.time()
        same = (one for one in self.book if (one.to, one.text) == (to, text) and one.sid not in not_these)
        found = next((one for one in same if one.shows_at <= now and one.taken >= since), None)
        return MessageSeen(found.sid, found.status(now)) if found else NothingFound(asked_at)

    def fetch(self, sid: str) -> MessageSeen:
        """One message's status."""
        now = self._desk.loop.time()
        return next(MessageSeen(sid, one.status(now)) for one in self.book if one.sid == sid)


class SimulatedSms:
    """The `SmsGateway` on the simulated carrier."""

    def __init__(self, carrier: SmsCarrier, desk: Desk, now: Callable[[], datetime]) -> None:
        self._carrier = carrier
        self._desk = desk
        self._now = now

    async def send(self, *, to: str, text: str, status_url: str) -> MessageSeen:
        """See `SmsGateway`."""
        return await self._desk.order(lambda: self._carrier.take(to, text, status_url))

    async def find(
        self, *, to: str, text: str, since: datetime, not_these: frozenset[str]
    ) -> MessageSeen | NothingFound:
        """See `SmsGateway`."""
        asked_at = self._now()
        return await self._desk.question(lambda: self._carrier.find(asked_at, to, text, since, not_these))

    async def fetch(self, provider_sid: str) -> MessageSeen:
        """See `SmsGateway`."""
        return await self._desk.question(lambda: self._carrier.fetch(provider_sid))
