"""HTTP/1.1 on the wire: messages with a length, chunked, without a body, or ended by the connection's end.

Message length: RFC 9112 section 6.3.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from tests.support.relays.ordered import Answer
from tests.support.relays.tap import Channel, Request

LINE_END = b"\r\n"
HEAD_END = LINE_END + LINE_END
CLOSES = b"Connection: close" + HEAD_END
NO_BODY = frozenset({204, 304})
INTERIM = range(100, 200)


@dataclass(frozen=True, slots=True)
class Http1Wire:
    """Requests and answers of keep-alive connections.

    Attributes:
        channel: whether we watch the caller or the called.
        keeps_alive: False asks the caller for a connection a request. When the called one dies, all its connections
            do, and a caller who tries again at once would find another dead one in its pool: it can only wait for the
            next process on a new connection.
    """

    channel: Channel
    keeps_alive: bool = True

    async def read_request(self, source: asyncio.StreamReader) -> Request:
        """The next request with its body, labelled with method and path; a query may hold anything and is left out."""
        head = await source.readuntil(HEAD_END)
        method, target, _version = head.split(b"\r\n", 1)[0].decode().split(" ")
        body = await _read_body(source, _fields(head), until_close=False)
        return Request(self.channel, f"{method} {target.partition('?')[0]}", head + body)

    async def read_answer(self, source: asyncio.StreamReader, pending: Sequence[Request]) -> Answer:
        """The next response; interim ones (1xx) settle nothing."""
        head = await source.readuntil(HEAD_END)
        status = int(head.split(b" ", 2)[1])
        if status in INTERIM:
            return Answer(head, settles=0)
        fields = _fields(head)
        if not self.keeps_alive:
            head = head.removesuffix(LINE_END) + CLOSES
        if status in NO_BODY or pending[0].raw.startswith(b"HEAD "):
            return Answer(head)
        return Answer(head + await _read_body(source, fields, until_close=True))


def _fields(head: bytes) -> dict[bytes, bytes]:
    lines = head.split(b"\r\n")[1:]
    pairs = (line.partition(b":") for line in lines if line)
    return {name.lower(): value.strip().lower() for name, _, value in pairs}


async def _read_body(source: asyncio.StreamReader, fields: dict[bytes, bytes], *, until_close: bool) -> bytes:
    if fields.get(b"transfer-encoding", b"").endswith(b"chunked"):
        return await _read_chunks(source)
    if b"content-length" in fields:
        return await source.readexactly(int(fields[b"content-length"]))
    return await source.read(-1) if until_close else b""


async def _read_chunks(source: asyncio.StreamReader) -> bytes:
    parts: list[bytes] = []
    size = 1
    while size:
        line = await source.readuntil(b"\r\n")
        size = int(line.partition(b";")[0], 16)
        parts += [line, await source.readexactly(size) if size else b""]
        # after a chunk comes its CRLF; after the last one trailer lines up to an empty line
        end = await source.readuntil(b"\r\n")
        parts.append(end)
        while not size and end != b"\r\n":
            end = await source.readuntil(b"\r\n")
            parts.append(end)
    return b"".join(parts)
