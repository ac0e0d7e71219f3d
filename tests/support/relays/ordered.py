"""Conversations whose answers come in the order of the requests: Redis, Kafka, HTTP/1.1."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from tests.support.relays.tap import Request, Tap, Verdict


@dataclass(frozen=True, slots=True)
class Answer:
    """Bytes from the far side and how many of the oldest open requests they settle (0: sent unasked)."""

    raw: bytes
    settles: int = 1


class Wire(Protocol):
    """How one protocol's bytes fall into requests and answers. Keeps no state of its own."""

    async def read_request(self, source: asyncio.StreamReader) -> Request:
        """The next whole request. Raises `IncompleteReadError` at the end of the stream."""

    async def read_answer(self, source: asyncio.StreamReader, pending: Sequence[Request]) -> Answer:
        """The next whole answer; `pending` are the requests still open, oldest first, and may grow meanwhile."""


class OrderedConversation:
    """Judges each request when it is whole, and holds an answer back when the tap says so."""

    def __init__(self, wire: Wire, tap: Tap) -> None:
        self._wire = wire
        self._tap = tap
        self._pending: deque[Request] = deque()
        self._held: Request | None = None

    async def requests(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        """Pass requests on; stop reading behind a held one, so that nothing pipelined after it takes effect."""
        while True:
            request = await self._wire.read_request(source)
            verdict = self._tap.judge(request)
            if verdict is Verdict.CUT:
                return
            if verdict is Verdict.HOLD:
                self._held = request
            self._pending.append(request)
            sink.write(request.raw)
            await sink.drain()
            if verdict is Verdict.HOLD:
                # what ends this wait is the answer, which closes the connection
                await asyncio.get_running_loop().create_future()

    async def answers(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        """Pass answers on up to the held request's, which ends the process instead."""
        while True:
            answer = await self._wire.read_answer(source, self._pending)
            settled = [self._pending.popleft() for _ in range(answer.settles)]
            if any(request is self._held for request in settled):
                self._tap.strike()
                return
            sink.write(answer.raw)
            await sink.drain()
