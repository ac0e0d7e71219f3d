"""The carrier's voice side: calls with customers who answer, press keys or do not, and webhooks about all of it."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from common.errors import PermanentError
from common.events.vocabulary import Priority
from services.outbound_dialer.domain.effects import (
    Found,
    NotFound,
    Placed,
    ProviderNews,
    ProviderStatus,
    SlotDenied,
    SlotGranted,
)
from services.outbound_dialer.ports import CallUrls
from tests.simulation.carrier import Desk
from tests.simulation.machines import NOBODY
from tests.simulation.surroundings import Surroundings
from tests.simulation.wire import settle

RING, ANSWER, KEY = 1.0, 5.0, 9.0
SLOT = 1.0
HORIZON = 3.0
EVER_AFTER = 30.0
"""A call whose flow nobody runs ends by itself."""

KINDS = ("1", "1", "2", "9", "silence", "silence", "busy", "no_answer", "machine", "failed")


@dataclass
class Call:
    """One call as the carrier has it; `story` is what becomes of it: (loop time, status)."""

    sid: str
    to: str
    reference: str
    taken_at: float
    taken: datetime
    shows_at: float
    kind: str
    story: list[tuple[float, ProviderStatus]] = field(default_factory=list)
    over: bool = False
    pressed: str = ""

    def news(self, now: float) -> ProviderNews:
        """What the carrier would say of it at a time."""
        status = [status for at, status in self.story if at <= now][-1]
        machine = "machine_start" if self.kind == "machine" and status is ProviderStatus.COMPLETED else ""
        return ProviderNews(self.sid, status, timedelta(seconds=9), machine)


@dataclass
class Webhooks:
    """Where the carrier tells and asks; `answer` and `key` are given what to say, or None when nobody was there."""

    status: Callable[[str, ProviderNews], None]
    answer: Callable[[str, ProviderNews, Callable[[str | None], None]], None]
    key: Callable[[str, str, ProviderNews, Callable[[str | None], None]], None]


class VoiceCarrier:
    """Takes calls."""

    def __init__(self, desk: Desk, around: Surroundings) -> None:
        self._desk = desk
        self._around = around
        self.webhooks: Webhooks | None = None
        self.book: list[Call] = []

    def take(self, to: str, reference: str) -> Placed:
        """A call was taken: it begins."""
        desk, at = self._desk, self._desk.loop.time()
        kind = "no_answer" if desk.by_lot("silent") else desk.rng.choice(KINDS)
        shows_at = at + desk.modes["list_lag"] * desk.rng.random()
        sid = f"CA{len(self.book) + 1:032d}"
        call = Call(sid, to, reference, at, self._around.clock.now(), shows_at, kind, [(at, ProviderStatus.QUEUED)])
        self.book.append(call)
        desk.journal.say("carrier takes the call", sid, reference, kind)
        self._tell(call, ProviderStatus.QUEUED)
        self._later(RING, self._moves, call, ProviderStatus.RINGING)
        match kind:
            case "busy":
                self._later(3, self._ends, call, ProviderStatus.BUSY)
            case "failed":
                self._later(2, self._ends, call, ProviderStatus.FAILED)
            case "no_answer":
                self._later(25, self._ends, call, ProviderStatus.NO_ANSWER)
            case _:
                self._later(ANSWER, self._answered, call)
        return Placed(sid)

    def hang_up(self, sid: str) -> None:
        """Ends a call that is not over."""
        call = self._call(sid)
        if not call.over:
            self._ends(call, ProviderStatus.COMPLETED)

    def find(self, to: str, since: datetime, known_sids: Sequence[str]) -> Found | NotFound:
        """The oldest call that shows in the list by now."""
        now = self._desk.loop.time()
        others = (call for call in self.book if call.to == to and call.sid not in known_sids)
        found = next((call for call in others if call.shows_at <= now and call.taken >= since), None)
        return Found(found.news(now)) if found else NotFound()

    def fetch(self, sid: str) -> Found:
        """One call's state."""
        return Found(self._call(sid).news(self._desk.loop.time()))

    def _call(self, sid: str) -> Call:
        found = next((call for call in self.book if call.sid == sid), None)
        if found is None:
            raise PermanentError("provider_not_found")
        return found

    def _answered(self, call: Call) -> None:
        self._moves(call, ProviderStatus.IN_PROGRESS)
        if call.kind == "machine":
            machine = ProviderNews(call.sid, ProviderStatus.IN_PROGRESS, machine="machine_start")
            self._desk.webhook(lambda: self._hooks.status(call.reference, machine), 2)
        news = ProviderNews(call.sid, ProviderStatus.IN_PROGRESS)
        self._hooks.answer(call.reference, news, lambda text: self._spoken(call, text))
        self._later(EVER_AFTER, self.hang_up, call.sid)

    def _spoken(self, call: Call, text: str | None) -> None:
        """The flow began: the customer listens to the menu, if there is one."""
        if text and "<Gather" in text and call.kind in {"1", "2", "9"} and not call.over:
            self._later(KEY - ANSWER, self._press, call)
        else:
            self._later(2, self.hang_up, call.sid)

    def _press(self, call: Call) -> None:
        if call.over:
            return
        call.pressed = call.kind
        news = ProviderNews(call.sid, ProviderStatus.IN_PROGRESS)
        self._hooks.key(call.reference, call.kind, news, lambda _: self._later(3, self.hang_up, call.sid))

    @property
    def _hooks(self) -> Webhooks:
        assert self.webhooks is not None
        return self.webhooks

    def _moves(self, call: Call, status: ProviderStatus) -> None:
        if not call.over:
            call.story.append((self._desk.loop.time(), status))
            self._tell(call, status)

    def _ends(self, call: Call, status: ProviderStatus) -> None:
        self._moves(call, status)
        call.over = True

    def _tell(self, call: Call, status: ProviderStatus) -> None:
        news = ProviderNews(call.sid, status, timedelta(seconds=9))
        self._desk.webhook(lambda: self._hooks.status(call.reference, news), 0)

    def _later(self, after: float, what: Callable[..., None], *args: object) -> None:
        self._desk.loop.call_later(after, what, *args, context=NOBODY)


class SimulatedVoice:
    """The `VoiceGateway` on the simulated carrier."""

    def __init__(self, carrier: VoiceCarrier, desk: Desk) -> None:
        self._carrier = carrier
        self._desk = desk

    async def place(self, *, phone_number: str, urls: CallUrls, ring: timedelta, talk: timedelta) -> Placed:
        """See `VoiceGateway`."""
        return await self._desk.order(lambda: self._carrier.take(phone_number, urls.status))

    async def find(self, *, phone_number: str, since: datetime, known_sids: Sequence[str]) -> Found | NotFound:
        """See `VoiceGateway`."""
        return await self._desk.question(lambda: self._carrier.find(phone_number, since, known_sids))

    async def fetch(self, provider_call_sid: str) -> Found:
        """See `VoiceGateway`."""
        return await self._desk.question(lambda: self._carrier.fetch(provider_call_sid))

    async def hang_up(self, provider_call_sid: str) -> None:
        """See `VoiceGateway`."""
        await self._desk.question(lambda: self._carrier.hang_up(provider_call_sid))


class SimulatedSlots:
    """The `SlotLimiter`: one call a second, whoever asks."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._next = 0.0

    async def reserve(self, priority: Priority) -> SlotGranted | SlotDenied:
        """See `SlotLimiter`."""
        loop = self._around.loop
        answer: asyncio.Future[SlotGranted | SlotDenied] = loop.create_future()
        now = loop.time()
        slot = max(now, self._next)
        at = self._around.clock.now() + timedelta(seconds=slot - now)
        granted = slot - now <= HORIZON
        if granted:
            self._next = slot + SLOT
        told = SlotGranted(at) if granted else SlotDenied(at)
        loop.call_later(self._around.wire.trip(), settle, answer, told, context=NOBODY)
        return await answer
