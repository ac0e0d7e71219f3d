"""The dialer's outbound ports."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from common.events.vocabulary import Priority
from services.outbound_dialer.domain.effects import Found, NotFound, Placed, SlotDenied, SlotGranted


@dataclass(frozen=True, slots=True)
class CallUrls:
    """Where the provider asks and tells about one attempt; they name nobody and cannot be made up."""

    answer: str
    status: str
    machine: str


class VoiceGateway(Protocol):
    """A telephony provider.

    Every method takes at most the provider's deadline and raises:
        TransientError: certainly not processed (429, refused connection), or a read that failed.
        OutcomeUnknown: only `place` and `hang_up`: nobody can say whether it was processed.
        PermanentError: refused for good.
    """

    async def place(self, *, phone_number: str, urls: CallUrls, ring: timedelta, talk: timedelta) -> Placed:
        """Dials. Not idempotent: never call it twice for one attempt.

        Args:
            phone_number: E.164.
            urls: of this attempt.
            ring: how long the phone rings before it counts as not answered.
            talk: the longest call; the provider ends it then.
        """

    async def find(self, *, phone_number: str, since: datetime, known_sids: Sequence[str]) -> Found | NotFound:
        """The oldest call of ours to this number since then that is none of those; the list may lag.

        Calls carry no reference of ours, so two customers who share a number can be taken for each other here;
        webhooks, which name the attempt, come first wherever they come at all.
        """

    async def fetch(self, provider_call_sid: str) -> Found:
        """The call's present state."""

    async def hang_up(self, provider_call_sid: str) -> None:
        """Ends the call if it is not over; idempotent."""


class SlotLimiter(Protocol):
    """The calls per second of one account, shared by all replicas."""

    async def reserve(self, priority: Priority) -> SlotGranted | SlotDenied:
        """Takes the next free slot if it comes soon enough for the priority; a slot that is not used is lost.

        Slots are spaced evenly, so that the account's limit holds over every second. More urgent calls may book
        further ahead, and therefore pass less urgent ones when slots are scarce.

        Raises:
            TransientError: the store is unavailable; whether a slot was taken is unknown, and harmless.
        """


@dataclass(frozen=True, slots=True)
class CallChanged:
    """A call may look different now."""

    customer_id: str
    call_id: str


class ChangeFeed(Protocol):
    """One subscriber's view of what changes."""

    async def changed(self) -> Sequence[CallChanged]:
        """Waits for changes; several of one call may be told as one. An empty answer: some may have been missed."""


class CallChanges(Protocol):
    """What changes anywhere, told after it was committed and published."""

    def subscribe(self, customer_ids: frozenset[str]) -> AbstractAsyncContextManager[ChangeFeed]:
        """Changes of these customers, or of all when empty, from the moment the context is entered."""
