"""gRPC on the wire: HTTP/2 frames; a call begins with the client's HEADERS and is answered by END_STREAM.

Frames: RFC 9113 section 4.1. Only frame headers are read, and of header blocks only the path, for labels.
"""

import asyncio
import struct
from dataclasses import dataclass

from tests.support.relays.hpack import PathReader
from tests.support.relays.tap import Channel, Request, Tap, Verdict

PREFACE_BYTES = 24
FRAME_HEAD = struct.Struct(">BHBBI")
"""Length (24 bits, split), type, flags, stream id (highest bit reserved)."""
HEADERS = 0x1
END_STREAM = 0x1
PADDED = 0x8
PRIORITY = 0x20
PRIORITY_BYTES = 5
STREAM_BITS = 0x7FFFFFFF


@dataclass(frozen=True, slots=True)
class Frame:
    """One HTTP/2 frame."""

    kind: int
    flags: int
    stream: int
    payload: bytes
    raw: bytes

    @property
    def ends_stream(self) -> bool:
        """Whether its sender says no more on this stream; RST_STREAM counts as an answer too."""
        return (self.kind in {0x0, HEADERS} and bool(self.flags & END_STREAM)) or self.kind == 0x3

    @property
    def header_block(self) -> bytes:
        """A HEADERS frame's block, without padding and priority. gRPC's blocks fit one frame (no CONTINUATION)."""
        pad = self.payload[0] + 1 if self.flags & PADDED else 0
        start = (1 if pad else 0) + (PRIORITY_BYTES if self.flags & PRIORITY else 0)
        return self.payload[start : len(self.payload) - max(pad - 1, 0)]


async def read_frame(source: asyncio.StreamReader) -> Frame:
    """The next frame. Raises `IncompleteReadError` at the end of the stream."""
    head = await source.readexactly(FRAME_HEAD.size)
    high, low, kind, flags, stream = FRAME_HEAD.unpack(head)
    payload = await source.readexactly(high << 16 | low)
    return Frame(kind, flags, stream & STREAM_BITS, payload, head + payload)


class Http2Conversation:
    """Judges each call at its HEADERS; a held call's answer is swallowed and, when it is whole, ends the process."""

    def __init__(self, tap: Tap) -> None:
        self._tap = tap
        self._paths = PathReader()
        self._opened = 0
        self._held: int | None = None

    async def requests(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        """Pass frames on; `BEFORE` cuts at the HEADERS, so that nothing of the call arrives."""
        sink.write(await source.readexactly(PREFACE_BYTES))
        while True:
            frame = await read_frame(source)
            # trailers would be HEADERS on a known stream; new streams only count up
            if frame.kind == HEADERS and frame.stream > self._opened:
                self._opened = frame.stream
                label = self._paths.path(frame.header_block) or "call"
                verdict = self._tap.judge(Request(Channel.RPC, label, frame.raw))
                if verdict is Verdict.CUT:
                    return
                self._held = frame.stream if verdict is Verdict.HOLD else self._held
            sink.write(frame.raw)
            await sink.drain()

    async def answers(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        """Pass frames on; from the held call's first frame nothing more, until its end ends the process."""
        silent = False
        while True:
            frame = await read_frame(source)
            # other calls' frames are kept back too: header compression does not survive a gap
            silent = silent or (self._held is not None and frame.stream == self._held and frame.kind in {0x0, HEADERS})
            if frame.stream == self._held and frame.ends_stream:
                self._tap.strike()
                return
            if not silent:
                sink.write(frame.raw)
                await sink.drain()
