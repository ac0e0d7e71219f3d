"""A thread with an event loop of its own, so that relays go on working while a test blocks."""

import asyncio
import threading
from types import TracebackType
from typing import Self

from tests.support.relays.tcp import Relay

STOP_SECONDS = 10


class RelayHost:
    """Runs relays beside the test; as a context manager it stops them all and raises what went wrong inside them."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="relays", daemon=True)
        self._relays: list[Relay] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for relay in self._relays:
            asyncio.run_coroutine_threadsafe(relay.stop(), self._loop).result(STOP_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(STOP_SECONDS)
        self._loop.close()
        faults = [fault for relay in self._relays for fault in relay.faults]
        if faults and error is None:
            raise BaseExceptionGroup("relays failed", faults)

    def add(self, relay: Relay, port: int = 0) -> int:
        """Start a relay and return its port."""
        self._relays.append(relay)
        return asyncio.run_coroutine_threadsafe(relay.start(port), self._loop).result(STOP_SECONDS)
