"""A small HTTP/1.1 client for webhooks: it costs a fraction of a general one, and it never alters a URL.

A changed URL (another way of writing an escape, say) would make the signature wrong.
"""

import asyncio
import ssl
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, cast
from urllib.parse import urlsplit

import httptools

MAX_CONNECTIONS: Final = 200
MAX_BODY_BYTES: Final = 1 << 20
PORTS: Final = {"http": 80, "https": 443}


class Unanswered(Exception):
    """No whole answer came: refused, cut off, too late, too long, or no HTTP."""


@dataclass
class Answer:
    """An answer as it came."""

    status: int = 0
    body: bytearray = field(default_factory=bytearray)

    @property
    def text(self) -> str:
        """The body as UTF-8; what is none is replaced."""
        return self.body.decode(errors="replace")


Host = tuple[str, str, int]


class HttpClient:
    """Keeps connections open and gives each to one request at a time.

    Args:
        timeout_seconds: for one request, from waiting for a connection to the last byte.
    """

    def __init__(self, timeout_seconds: float) -> None:
        self._timeout_seconds = timeout_seconds
        self._idle: defaultdict[Host, list[_Connection]] = defaultdict(list)
        self._places = asyncio.Semaphore(MAX_CONNECTIONS)
        self._open: set[_Connection] = set()
        self._tls: ssl.SSLContext | None = None

    async def request(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Sends one request and waits for the whole answer; never repeats it, never follows a redirect.

        Raises:
            Unanswered: there is no whole answer in time; the request may have been carried out all the same.
        """
        parts = urlsplit(url)
        host = (parts.scheme, parts.hostname or "", parts.port or PORTS.get(parts.scheme, 0))
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        lines = [f"{method} {target} HTTP/1.1", f"Host: {parts.netloc.rpartition('@')[2]}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines += [f"Content-Length: {len(body)}", "", ""]
        try:
            async with asyncio.timeout(self._timeout_seconds), self._places:
                return await self._exchange(host, "\r\n".join(lines).encode() + body)
        except (OSError, TimeoutError, httptools.HttpParserError) as error:
            raise Unanswered(type(error).__name__) from error

    def close(self) -> None:
        """Closes every connection."""
        for connection in tuple(self._open):
            connection.close()

    async def _exchange(self, host: Host, request: bytes) -> Answer:
        connection = await self._connection(host)
        try:
            answer = await connection.exchange(request)
        except BaseException:
            connection.close()
            raise
        if connection.usable:
            self._idle[host].append(connection)
        else:
            connection.close()
        return answer

    async def _connection(self, host: Host) -> "_Connection":
        idle = self._idle[host]
        while idle:
            connection = idle.pop()
            if connection.usable:
                return connection
        scheme, name, port = host
        if scheme == "https" and self._tls is None:
            self._tls = ssl.create_default_context()
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(
            lambda: _Connection(self._open), name, port, ssl=self._tls if scheme == "https" else None
        )
        return connection


class _Connection(asyncio.Protocol):
    """One connection; the parser calls the `on_` methods."""

    def __init__(self, all_open: "set[_Connection]") -> None:
        self._all_open = all_open
        self._transport: asyncio.Transport | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._answer = Answer()
        self._arrived: asyncio.Future[Answer] | None = None
        self._keep = True

    @property
    def usable(self) -> bool:
        """True when another request may be sent."""
        return self._keep and self._transport is not None and not self._transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is open."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's transports do not inherit from asyncio's
        self._all_open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone: whoever waits for an answer gets none."""
        self._keep = False
        self._all_open.discard(self)
        self._fail(ConnectionResetError(str(exc or "closed by the application")))

    async def exchange(self, request: bytes) -> Answer:
        """Sends the request and waits for the answer."""
        assert self._transport is not None
        self._answer = Answer()
        self._parser = httptools.HttpResponseParser(self)
        self._arrived = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._arrived

    def close(self) -> None:
        """Closes the connection at once."""
        self._keep = False
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Bytes of an answer came."""
        if self._parser is None:
            self.close()  # nobody asked for anything
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(error)

    def on_body(self, body: bytes) -> None:
        """A part of the body came."""
        self._answer.body += body
        if len(self._answer.body) > MAX_BODY_BYTES:
            self._fail(ConnectionAbortedError("the answer is too long"))

    def on_message_complete(self) -> None:
        """The answer is whole."""
        assert self._parser is not None
        self._answer.status = self._parser.get_status_code()
        self._keep = self._keep and self._parser.should_keep_alive()
        self._parser = None
        if self._arrived is not None and not self._arrived.done():
            self._arrived.set_result(self._answer)

    def _fail(self, error: Exception) -> None:
        self._keep = False
        if self._arrived is not None and not self._arrived.done():
            self._arrived.set_exception(error)
