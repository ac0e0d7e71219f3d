"""The sandbox's own controls: the book, the figures and the modes; no credentials, so never on a public address."""

import time
from collections.abc import Iterable

from aiohttp import web
from pydantic import ValidationError

from sandbox.api.errors import ApiError, json_response
from sandbox.api.gate import read_json
from sandbox.book import Book
from sandbox.calling import Calling
from sandbox.carrier import Carrier
from sandbox.messaging import Messaging
from sandbox.modes import Faults
from sandbox.webhooks import Webhooks

EVERYTHING = 10_000_000


class Controls:
    """`/_sandbox/book`, `/_sandbox/stats` and `/_sandbox/modes`."""

    def __init__(
        self,
        *,
        book: Book,
        carrier: Carrier,
        faults: Faults,
        messaging: Messaging,
        calling: Calling,
        webhooks: Webhooks,
    ) -> None:
        self._book = book
        self._carrier = carrier
        self._faults = faults
        self._messaging = messaging
        self._calling = calling
        self._webhooks = webhooks

    async def book(self, request: web.Request) -> web.Response:
        """Entries of the book; filters `kind` (several by comma or repeated), `to`, `since` (seq), `limit`."""
        query = request.query
        kinds = [kind for value in query.getall("kind", []) for kind in value.split(",") if kind]
        try:
            since, limit = int(query.get("since", 0)), int(query.get("limit", EVERYTHING))
        except ValueError:
            return ApiError(20001, "since").response()
        body = await self._book.search(kinds=kinds, to=query.get("to"), since=since, limit=limit)
        return web.Response(body=body, content_type="application/json")

    async def stats(self, _: web.Request) -> web.Response:
        """What was asked for, how much of it more than once, what is not finished, and what it cost."""
        messages, calls = self._carrier.asked_messages, self._carrier.asked_calls
        figures = {
            "entries": dict(self._book.counts),
            "last_seq": self._book.last_seq,
            "messages": {
                "accepted": messages.total(),
                "distinct": len(messages),
                "doubled": _doubled(messages.values()),
            },
            "calls": {"accepted": calls.total(), "distinct": len(calls), "doubled": _doubled(calls.values())},
            "under_way": {
                "messages": self._messaging.under_way,
                "calls": self._calling.under_way,
                "webhooks": self._webhooks.under_way,
            },
            "opted_out": len(self._carrier.opted_out),
            "cpu_seconds": time.process_time(),
        }
        return json_response(figures)

    async def modes(self, _: web.Request) -> web.Response:
        """The current modes."""
        return json_response(self._faults.modes.model_dump())

    async def switch(self, request: web.Request) -> web.Response:
        """Changes the named modes from now on and starts the dice again from the seed."""
        try:
            modes = self._faults.switch(await read_json(request))
        except ApiError as refusal:
            return refusal.response()
        except ValidationError as error:
            problems = [{"mode": ".".join(map(str, item["loc"])), "problem": item["msg"]} for item in error.errors()]
            return json_response({"problems": problems}, status=400)
        self._book.write("modes", **modes.model_dump())
        return json_response(modes.model_dump())


def _doubled(counts: Iterable[int]) -> int:
    """How many were asked for beyond the first time."""
    return sum(count - 1 for count in counts)


def add_controls(app: web.Application, controls: Controls) -> None:
    """Adds the controls' addresses."""
    app.router.add_get("/_sandbox/book", controls.book)
    app.router.add_get("/_sandbox/stats", controls.stats)
    app.router.add_get("/_sandbox/modes", controls.modes)
    app.router.add_post("/_sandbox/modes", controls.switch)
