"""The official SDK's transport on one shared aiohttp session: a deadline on every call, our errors, any base URL."""

import logging
from base64 import b64encode
from collections.abc import Mapping
from datetime import timedelta
from json import JSONDecodeError, loads
from urllib.parse import urlencode, urlsplit

import aiohttp
from aiohttp import ClientSession, ClientTimeout, TCPConnector
from twilio.http import AsyncHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from common.errors import OutcomeUnknown, TransientError
from common.twilio.errors import error_for

CONNECT_SHARE = 0.5
"""Of the deadline, at most this much goes into getting a connection, so that a slow dial is told from a lost answer."""
KEEPALIVE = timedelta(seconds=4)
"""Shorter than the 5 s after which common servers close an idle connection: a POST on a closing one is ambiguous."""
MAX_CONNECTIONS = 100
FIRST_ERROR_STATUS = 300
READS = frozenset({"GET", "HEAD"})
_logger = logging.getLogger("twilio.async_http_client")


def open_session() -> ClientSession:
    """The process's one aiohttp session for Twilio; the caller closes it. Needs a running loop."""
    connector = TCPConnector(limit=MAX_CONNECTIONS, keepalive_timeout=KEEPALIVE.total_seconds())
    return ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())


def twilio_client(
    *, session: ClientSession, account_sid: str, auth_token: str, base_url: str | None, deadline: timedelta
) -> Client:
    """The official SDK's client whose `..._async` methods obey the deadline and raise the errors of `common.errors`.

    Args:
        session: from `open_session`.
        account_sid: the Twilio account.
        auth_token: its secret.
        base_url: scheme and host that stand for every `https://*.twilio.com`; None speaks to Twilio itself.
        deadline: for each whole request, connecting included.
    """
    transport = DeadlineHttpClient(session=session, base_url=base_url, deadline=deadline)
    return Client(username=account_sid, password=auth_token, http_client=transport, environment={"": ""})


class DeadlineHttpClient(AsyncHttpClient):  # type: ignore[misc]  # the SDK ships no types
    """Transport of the SDK that raises AppErrors named by what the caller does.

    - refused or slow connection, 429: TransientError (certainly not processed);
    - time-out, dropped connection, 5xx or unreadable answer of a write: OutcomeUnknown; of a read: TransientError;
    - other 4xx: PermanentError.
    """

    def __init__(self, *, session: ClientSession, base_url: str | None, deadline: timedelta) -> None:
        super().__init__(_logger, is_async=True, timeout=deadline.total_seconds())
        self._session = session
        self._base_url = base_url.rstrip("/") if base_url else None
        seconds = deadline.total_seconds()
        self._timeout = ClientTimeout(total=seconds, connect=seconds * CONNECT_SHARE)
        self._authorizations: dict[tuple[str, str], str] = {}

    async def request(
        self,
        method: str,
        uri: str,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 — the SDK's signature; aiohttp enforces it
        allow_redirects: bool = False,
    ) -> Response:
        """One HTTP request within the deadline; `timeout` in seconds may only make it shorter.

        Raises:
            TransientError: certainly not processed, or a read that failed.
            OutcomeUnknown: a write that may have been processed.
            PermanentError: refused for good.
        """
        writes = method.upper() not in READS
        try:
            async with self._session.request(
                method.upper(),
                self._address(uri, params),
                data=urlencode(dict(data), doseq=True).encode() if data else None,
                headers=self._headers(headers, auth),
                timeout=self._timeout_within(timeout),
                allow_redirects=allow_redirects,
            ) as response:
                text = await response.text()
                _refuse_failure(response.status, response.headers, text, writes=writes)
                return Response(response.status, text, response.headers)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise TransientError("provider_unreachable") from error
        except TimeoutError as error:
            raise _interrupted("provider_timeout", writes=writes) from error
        except (aiohttp.ClientError, UnicodeDecodeError) as error:
            raise _interrupted("provider_connection_lost", writes=writes) from error

    def _address(self, uri: str, params: Mapping[str, object] | None) -> str:
        parts = urlsplit(uri)
        base = self._base_url or f"{parts.scheme}://{parts.netloc}"
        query = "&".join(part for part in (parts.query, urlencode(dict(params or {}), doseq=True)) if part)
        return f"{base}{parts.path}?{query}" if query else f"{base}{parts.path}"

    def _headers(self, headers: Mapping[str, str] | None, auth: tuple[str, str] | None) -> dict[str, str]:
        sent = dict(headers or {})
        if auth is not None:
            sent["Authorization"] = self._authorizations.setdefault(auth, _basic(auth))
        return sent

    def _timeout_within(self, seconds: float | None) -> ClientTimeout:
        if seconds is None or self._timeout.total is None or seconds >= self._timeout.total:
            return self._timeout
        return ClientTimeout(total=seconds, connect=seconds * CONNECT_SHARE)


def _basic(auth: tuple[str, str]) -> str:
    return "Basic " + b64encode(":".join(auth).encode()).decode()


def _interrupted(code: str, *, writes: bool) -> OutcomeUnknown | TransientError:
    return OutcomeUnknown(code) if writes else TransientError(code)


def _refuse_failure(status: int, headers: Mapping[str, str], text: str, *, writes: bool) -> None:
    try:
        body = loads(text) if text else {}
    except JSONDecodeError:
        body = None
    if status < FIRST_ERROR_STATUS:
        if not isinstance(body, dict):  # Perhaps accepted, but nobody can say under which sid.
            raise _interrupted("provider_answer_unreadable", writes=writes)
        return
    code = body.get("code") if isinstance(body, dict) else None
    raise error_for(
        status=status,
        provider_code=code if isinstance(code, int) else None,
        writes=writes,
        retry_after=_retry_after(headers),
    )


def _retry_after(headers: Mapping[str, str]) -> timedelta | None:
    seconds = headers.get("Retry-After", "")
    return timedelta(seconds=int(seconds)) if seconds.isdecimal() else None
