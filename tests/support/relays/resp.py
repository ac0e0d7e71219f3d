"""Redis on the wire: RESP2 and RESP3 frames, one request per command, pipelined ones too.

Frames: https://redis.io/docs/latest/develop/reference/protocol-spec/.
"""

import asyncio
from collections.abc import Sequence

from tests.support.relays.ordered import Answer
from tests.support.relays.tap import Channel, Request

BULKS = b"$=!"
LISTS = b"*~>"
SCRIPTED = frozenset({"EVAL", "EVALSHA", "EVAL_RO", "EVALSHA_RO", "FCALL", "FCALL_RO"})
SHA_SHOWN = 6


class RespWire:
    """Commands are arrays of bulk strings; pushes (RESP3 `>`) are sent unasked and settle nothing."""

    async def read_request(self, source: asyncio.StreamReader) -> Request:
        """The next command; inline commands are not spoken by any client library."""
        frame = await read_frame(source)
        return Request(Channel.REDIS, _label(arguments(frame)), frame)

    async def read_answer(self, source: asyncio.StreamReader, pending: Sequence[Request]) -> Answer:
        """The next reply, or a push. In RESP2 a subscriber's messages come as arrays nobody asked for."""
        frame = await read_frame(source)
        unasked = frame.startswith(b">") or not pending
        return Answer(frame, settles=0 if unasked else 1)


async def read_frame(source: asyncio.StreamReader) -> bytes:
    """One frame with all that is nested in it, as it stood on the wire."""
    parts: list[bytes] = []
    needed = 1
    while needed:
        line = await source.readuntil(b"\r\n")
        parts.append(line)
        kind = line[:1]
        needed -= 1
        if kind in BULKS and (size := int(line[1:])) >= 0:
            parts.append(await source.readexactly(size + 2))
        elif kind in LISTS:
            needed += max(int(line[1:]), 0)
        elif kind == b"%":
            needed += 2 * int(line[1:])
        elif kind == b"|":
            # attributes precede the value they describe and do not count as one
            needed += 2 * int(line[1:]) + 1
    return b"".join(parts)


def arguments(command: bytes) -> list[bytes]:
    """A command's arguments, its name first."""
    found: list[bytes] = []
    start = command.index(b"\r\n") + 2
    while start < len(command):
        end = command.index(b"\r\n", start)
        size = int(command[start + 1 : end])
        found.append(command[end + 2 : end + 2 + size])
        start = end + 2 + size + 2
    return found


def _label(args: Sequence[bytes]) -> str:
    words = [arg.decode(errors="replace") for arg in args[:4]]
    name = words[0].upper()
    if name in SCRIPTED and len(words) > 1:
        # EVALSHA sha numkeys key …
        return " ".join([name, words[1][:SHA_SHOWN], *words[3:4]])
    return " ".join([name, *words[1:2]])
