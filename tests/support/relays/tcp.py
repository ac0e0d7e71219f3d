"""The part of a relay that no protocol changes: accept, connect onwards, run both directions, close both ends."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from datetime import timedelta
from typing import Protocol

from tests.support.polling import NeverHappened, eventually_async

READ_LIMIT = 1 << 20
"""Longest line or header block a stream reader must hold, in bytes; longer bodies are read in pieces."""

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Conversation(Protocol):
    """One client connection's protocol state. Either method's return ends the connection."""

    def requests(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> Coroutine[None, None, None]:
        """Move requests from the client to the far side until one end closes or the tap cuts."""

    def answers(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> Coroutine[None, None, None]:
        """Move answers from the far side to the client until one end closes or the tap strikes."""


class Relay:
    """A listening socket on loopback whose connections are carried on to `upstream`.

    When the far side refuses for longer than `patience`, the client's connection is closed without a word, as a dead
    peer would.

    Args:
        upstream: host and port of the far side.
        conversation: makes the protocol state of one connection.
        patience: how long a new connection waits for the far side to listen, as a load balancer would let it wait for
            the next replica.
        others: more replicas of the far side; connections take turns and pass over those that refuse.
    """

    def __init__(
        self,
        upstream: tuple[str, int],
        conversation: Callable[[], Conversation],
        *,
        patience: timedelta = timedelta(0),
        others: Sequence[tuple[str, int]] = (),
    ) -> None:
        self._turns = deque([upstream, *others])
        self._conversation = conversation
        self._patience = patience
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()
        self.faults: list[BaseException] = []
        """What went wrong inside the relay itself; a test that finds any here proves nothing."""

    async def start(self, port: int = 0) -> int:
        """Listen and return the port; 0 asks the operating system for a free one."""
        self._server = await asyncio.start_server(self._accepted, "127.0.0.1", port, limit=READ_LIMIT)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Close the listener and every connection."""
        if self._server is not None:
            self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._served)

    def _served(self, task: asyncio.Task[None]) -> None:
        self._serving.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.faults.append(error)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            onwards: Streams = await eventually_async(self._connect_onwards, self._patience.total_seconds())
        except NeverHappened:
            writer.close()
            return
        far_reader, far_writer = onwards
        talk = self._conversation()
        try:
            await _until_first(talk.requests(reader, far_writer), talk.answers(far_reader, writer))
        finally:
            writer.close()
            far_writer.close()

    async def _connect_onwards(self) -> Streams:
        self._turns.rotate()
        for upstream in tuple(self._turns):
            try:
                return await asyncio.open_connection(*upstream, limit=READ_LIMIT)
            except OSError:
                continue
        raise AssertionError("nobody listens")


async def _until_first(*directions: Coroutine[None, None, None]) -> None:
    """Run both directions until one ends; a closed or reset connection is an ordinary end."""
    tasks = [asyncio.create_task(direction) for direction in directions]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
    for end in ends:
        if isinstance(end, BaseException) and not isinstance(end, _ORDINARY_ENDS):
            raise end


_ORDINARY_ENDS = (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError)
