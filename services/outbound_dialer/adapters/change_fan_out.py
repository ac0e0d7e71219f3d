"""Hands each change to the subscribers it concerns; a slow subscriber costs memory for what it watches, no more."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from services.outbound_dialer.ports import CallChanged

MAX_PENDING = 10_000
"""A subscriber that falls further behind is told that it missed changes."""


class Subscriber:
    """One subscriber's pending changes; a `ChangeFeed`."""

    def __init__(self, customer_ids: frozenset[str]) -> None:
        self._customer_ids = customer_ids
        self._pending: dict[CallChanged, None] = {}
        self._missed = False
        self._wake = asyncio.Event()

    def tell(self, change: CallChanged) -> None:
        """Keeps the change if it concerns the subscriber."""
        if self._customer_ids and change.customer_id not in self._customer_ids:
            return
        if len(self._pending) >= MAX_PENDING:
            self.miss()
            return
        self._pending[change] = None
        self._wake.set()

    def miss(self) -> None:
        """Some changes are lost; what is pending need not be told any more."""
        self._pending.clear()
        self._missed = True
        self._wake.set()

    async def changed(self) -> Sequence[CallChanged]:
        """See `ChangeFeed`."""
        await self._wake.wait()
        self._wake.clear()
        if self._missed:
            self._missed = False
            return ()
        told = tuple(self._pending)
        self._pending.clear()
        return told


class ChangeFanOut:
    """All subscribers of this process."""

    def __init__(self) -> None:
        self._subscribers: set[Subscriber] = set()

    @asynccontextmanager
    async def subscribe(self, customer_ids: frozenset[str]) -> AsyncIterator[Subscriber]:
        """See `CallChanges`."""
        subscriber = Subscriber(customer_ids)
        self._subscribers.add(subscriber)
        try:
            yield subscriber
        finally:
            self._subscribers.discard(subscriber)

    def tell(self, change: CallChanged) -> None:
        """A change, to whom it concerns."""
        for subscriber in self._subscribers:
            subscriber.tell(change)

    def miss(self) -> None:
        """Changes were lost, for everybody."""
        for subscriber in self._subscribers:
            subscriber.miss()
