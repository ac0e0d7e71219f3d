"""Kafka on the wire: size-prefixed frames, answers matched by correlation id.

Header: int32 size, int16 api_key, int16 api_version, int32 correlation_id; answers: int32 size, int32 correlation_id
(https://kafka.apache.org/protocol#protocol_messages). Advertised addresses are not rewritten: the broker gets a
listener of its own for each relay, whose advertised port is the relay's.
"""

import asyncio
import struct
from collections.abc import Sequence
from itertools import count

from tests.support.relays.ordered import Answer
from tests.support.relays.tap import Channel, Request

KINDS = {0: "Produce", 1: "Fetch", 3: "Metadata", 8: "OffsetCommit", 9: "OffsetFetch", 11: "JoinGroup", 12: "Heartbeat"}
_SIZE = struct.Struct(">i")
_REQUEST_HEAD = struct.Struct(">hhi")


class KafkaWire:
    """A broker answers each connection's requests in their order; only Produce with acks=0 has no answer."""

    async def read_request(self, source: asyncio.StreamReader) -> Request:
        """The next request, labelled with its kind."""
        frame = await _read_frame(source)
        api_key, _version, _correlation = _REQUEST_HEAD.unpack_from(frame, _SIZE.size)
        return Request(Channel.KAFKA, KINDS.get(api_key, f"Api{api_key}"), frame)

    async def read_answer(self, source: asyncio.StreamReader, pending: Sequence[Request]) -> Answer:
        """The next answer; it also settles older requests that get none. Raises `LookupError` when nobody asked."""
        frame = await _read_frame(source)
        (correlation,) = _SIZE.unpack_from(frame, _SIZE.size)
        for settles, request in zip(count(1), pending, strict=False):
            if _REQUEST_HEAD.unpack_from(request.raw, _SIZE.size)[2] == correlation:
                return Answer(frame, settles)
        raise LookupError(f"no open request has correlation id {correlation}")


async def _read_frame(source: asyncio.StreamReader) -> bytes:
    head = await source.readexactly(_SIZE.size)
    return head + await source.readexactly(_SIZE.unpack(head)[0])
