"""What stands before every API request: credentials, and the ways in which the carrier may misbehave."""

import asyncio
import base64
import hmac
import time
from collections.abc import Awaitable, Callable
from enum import Enum
from typing import Final
from urllib.parse import parse_qsl

import orjson
from aiohttp import web

from sandbox.api.errors import ApiError
from sandbox.book import Book
from sandbox.modes import Faults


class Fate(Enum):
    """What the asker of an accepted creation will see."""

    ANSWERED = "answered"
    DROPPED = "dropped"
    ERROR = "error"


Handler = Callable[[web.Request], Awaitable[web.Response]]
Creator = Callable[[web.Request, bool], Awaitable[web.Response]]
MAX_FORM_FIELDS: Final = 1000


class Gate:
    """Wraps the handlers of the carrier's API.

    Args:
        account_sid: the only account.
        auth_token: its password.
        book: refusals are noted there.
        faults: the current modes.
    """

    def __init__(self, *, account_sid: str, auth_token: str, book: Book, faults: Faults) -> None:
        self._account_sid = account_sid
        token = base64.b64encode(f"{account_sid}:{auth_token}".encode()).decode()
        self._authorization = f"Basic {token}".encode()
        self._book = book
        self._faults = faults

    def reading(self, handler: Handler) -> Handler:
        """Wraps a handler that creates nothing."""

        async def guarded(request: web.Request) -> web.Response:
            return await self._pass_through(request, handler)

        return guarded

    def creating(self, creator: Creator) -> Handler:
        """Wraps a handler that creates something, about which the carrier may lie."""

        async def guarded(request: web.Request) -> web.Response:
            fate = self._fate()
            response = await self._pass_through(request, lambda asked: creator(asked, fate is not Fate.ANSWERED))
            if response.status >= web.HTTPBadRequest.status_code or fate is Fate.ANSWERED:
                return response
            if fate is Fate.ERROR:
                return ApiError(20500).response()
            if request.transport is not None:
                request.transport.abort()
            return response

        return guarded

    async def _pass_through(self, request: web.Request, handler: Handler) -> web.Response:
        pause_seconds = self._faults.modes.slow_seconds / 2
        if pause_seconds:
            await asyncio.sleep(pause_seconds)
        try:
            self._check(request)
            response = await handler(request)
        except ApiError as refusal:
            response = refusal.response()
            self._book.write("refused", method=request.method, resource=_resource(request), code=refusal.code)
        if pause_seconds:
            await asyncio.sleep(pause_seconds)
        return response

    def _check(self, request: web.Request) -> None:
        given = request.headers.get("Authorization", "").encode()
        known = hmac.compare_digest(given, self._authorization)
        if not known or request.match_info.get("account") != self._account_sid:
            raise ApiError(20003)
        if self._faults.over_rate(time.monotonic()):
            raise ApiError(20429)
        error_status = self._faults.server_error()
        if error_status is not None:
            raise ApiError(20000 + error_status)

    def _fate(self) -> Fate:
        modes = self._faults.modes
        if self._faults.happens(modes.lying):
            return Fate.DROPPED
        return Fate.ERROR if self._faults.happens(modes.lying_error) else Fate.ANSWERED


async def read_form(request: web.Request) -> tuple[dict[str, str], dict[str, list[str]]]:
    """The form's fields, once with the last value of each and once with all values.

    Raises:
        ApiError: the body is no form.
    """
    single: dict[str, str] = {}
    repeated: dict[str, list[str]] = {}
    try:
        fields = parse_qsl((await request.read()).decode(), keep_blank_values=True, max_num_fields=MAX_FORM_FIELDS)
    except ValueError as error:
        raise ApiError(20001, "body") from error
    for name, value in fields:
        single[name] = value
        repeated.setdefault(name, []).append(value)
    return single, repeated


def _resource(request: web.Request) -> str:
    return request.path.rsplit("/", 2)[-1].split(".")[0]


async def read_json(request: web.Request) -> dict[str, object]:
    """The body as a JSON object.

    Raises:
        ApiError: it is none.
    """
    try:
        body = orjson.loads(await request.read())
    except orjson.JSONDecodeError as error:
        raise ApiError(20001, "body") from error
    if not isinstance(body, dict):
        raise ApiError(20001, "body")
    return body
