"""Notices that the consumer group has forgotten a process that believes to be in it.

Met in a crash run: an overloaded broker lost its own session, its metadata answer named no broker, aiokafka 0.14's
coordination ended for good with "Did we not perform bootstrap?", and the process stayed alive, ready and deaf.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from datetime import datetime, timedelta

from common.clock import Clock
from common.errors import TransientError

PAUSE = timedelta(seconds=2)
SHORTEST_PATIENCE = timedelta(seconds=10)
SESSIONS = 10
"""So many session time-outs without membership are no rebalance any more."""


class Membership:
    """Asks the broker, because the client's own word cannot be trusted here.

    Args:
        clients: asks for the client ids of the group's members; raises `TransientError` while nobody answers.
        client_id: this process's own.
        session_timeout: the group's.
        lost: told once when the process has been missing for ten session time-outs, at least 10 s.
    """

    def __init__(
        self,
        *,
        clients: Callable[[], Awaitable[Collection[str]]],
        client_id: str,
        session_timeout: timedelta,
        clock: Clock,
        lost: Callable[[str], None],
    ) -> None:
        self._clients = clients
        self._client_id = client_id
        self._patience = max(SESSIONS * session_timeout, SHORTEST_PATIENCE)
        self._clock = clock
        self._lost = lost
        self._missing_since: datetime | None = None

    async def run(self) -> None:
        """Runs until cancelled."""
        while True:
            await self.round()
            await asyncio.sleep(PAUSE.total_seconds())

    async def round(self) -> None:
        """Looks once; a log that does not answer says nothing about membership."""
        try:
            missing = self._client_id not in await self._clients()
        except TransientError:
            missing = False
        now = self._clock.now()
        self._missing_since = (self._missing_since or now) if missing else None
        if self._missing_since is not None and now - self._missing_since >= self._patience:
            self._lost("forgotten_by_consumer_group")
