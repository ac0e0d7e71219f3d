"""The official SDK on our transport, against a socket that answers, stalls, drops or refuses."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from common.errors import OutcomeUnknown, PermanentError, TransientError
from common.twilio.http_client import open_session, twilio_client

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]
TO, FROM = "+12025550143", "+12025550100"


def http(status: str, body: str, *headers: str) -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers])
        writer.write(f"{head}\r\n\r\n{body}".encode())
        await writer.drain()

    return answer


async def drop(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def stall(writer: asyncio.StreamWriter) -> None:
    await writer.wait_closed()


async def half(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n{")
    await writer.drain()
    writer.close()


class Carrier:
    """One connection at a time, each request recorded and given the same answer."""

    def __init__(self, answer: Answer) -> None:
        self.requests: list[bytes] = []
        self._answer = answer
        self._open: set[asyncio.StreamWriter] = set()

    def close(self) -> None:
        for writer in self._open:
            writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = next((int(x[15:]) for x in head.split(b"\r\n") if x.lower().startswith(b"content-length:")), 0)
                self.requests.append(head + await reader.readexactly(length))
                await self._answer(writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.transport.abort()


@asynccontextmanager
async def client_for(answer: Answer) -> AsyncIterator[tuple[object, Carrier]]:
    carrier = Carrier(answer)
    server = await asyncio.start_server(carrier.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    session = open_session()
    try:
        yield (
            twilio_client(
                session=session,
                account_sid="AC" + "0" * 32,
                auth_token="secret",
                base_url=f"http://127.0.0.1:{port}/",
                deadline=timedelta(seconds=0.3),
            ),
            carrier,
        )
    finally:
        await session.close()
        carrier.close()
        server.close()
        await server.wait_closed()


async def test_the_request_is_the_sdks_with_another_host():
    async with client_for(http("201 Created", '{"sid": "CA1", "status": "queued"}')) as (client, carrier):
        events = ["ringing", "completed"]
        call = await client.calls.create_async(
            to=TO, from_=FROM, url="https://a.example/v", status_callback_event=events
        )
        await client.calls.create_async(to=TO, from_=FROM, url="https://a.example/v")
    head, _, body = carrier.requests[0].partition(b"\r\n\r\n")
    assert call.sid == "CA1"
    assert head.startswith(b"POST /2010-04-01/Accounts/AC")
    assert b"Authorization: Basic " in head
    assert b"To=%2B12025550143" in body
    assert b"StatusCallbackEvent=ringing&StatusCallbackEvent=completed" in body
    assert len(carrier.requests) == 2


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (http("429 Too Many", '{"code": 20429}', "Retry-After: 3"), TransientError, "too_many_requests"),
        (http("401 Unauthorized", '{"code": 20003}'), TransientError, "authentication_failed"),
        (http("400 Bad Request", '{"code": 21211, "message": "no"}'), PermanentError, "number_invalid"),
        (http("400 Bad Request", "<html>"), PermanentError, "provider_refused"),
        (http("302 Found", "", "Location: /elsewhere"), PermanentError, "provider_refused"),
        (http("500 Oops", "{}"), OutcomeUnknown, "provider_failed"),
        (http("201 Created", "<html>"), OutcomeUnknown, "provider_answer_unreadable"),
        (http("201 Created", "[1]"), OutcomeUnknown, "provider_answer_unreadable"),
        (drop, OutcomeUnknown, "provider_connection_lost"),
        (half, OutcomeUnknown, "provider_connection_lost"),
        (stall, OutcomeUnknown, "provider_timeout"),
    ],
)
async def test_a_write_ends_in_the_error_that_says_what_to_do(answer, kind, code):
    async with client_for(answer) as (client, carrier):
        with pytest.raises(kind) as caught:
            await client.calls.create_async(to=TO, from_=FROM, url="https://a.example/v")
        assert caught.value.code == code
        assert len(carrier.requests) == 1, "a write is never sent twice by the transport"


@pytest.mark.parametrize("answer", [drop, half, stall, http("503 Busy", ""), http("200 OK", "<html>")])
async def test_a_failed_read_may_be_tried_again(answer):
    async with client_for(answer) as (client, _):
        with pytest.raises(TransientError):
            await client.calls("CA1").fetch_async()


async def test_a_refused_connection_was_never_processed():
    async with client_for(drop) as (client, _):
        pass
    session = open_session()
    client = twilio_client(
        session=session,
        account_sid="AC1",
        auth_token="secret",
        base_url=client.http_client._base_url,
        deadline=timedelta(seconds=0.3),
    )
    with pytest.raises(TransientError) as caught:
        await client.calls.create_async(to=TO, from_=FROM, url="https://a.example/v")
    await session.close()
    assert caught.value.code == "provider_unreachable"
