"""The page of phones: what arrived, rang and was said; a person can reply, answer and press keys there."""

import asyncio
from collections import deque
from pathlib import Path
from typing import Final

from aiohttp import web

from sandbox.api.errors import ApiError, json_response
from sandbox.api.gate import read_json
from sandbox.book import Book
from sandbox.calling import Calling
from sandbox.carrier import Carrier
from sandbox.customers import BY_SUFFIX, ORDINARY
from sandbox.line import Line
from sandbox.messaging import Messaging
from sandbox.records import CallStatus

PAGE: Final = Path(__file__).resolve().parent.parent / "page"
TYPES: Final = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
BATCH_SECONDS: Final = 0.1  # entries are sent in batches: under load a page would be drowned otherwise
HEARTBEAT_BATCHES: Final = 100
MAX_WAITING: Final = 5000  # a page that cannot keep up loses the oldest entries, never the sandbox its memory
KEYS: Final = frozenset("0123456789*#")


class Phones:
    """The page, its stream of events and what a person can do there."""

    def __init__(self, *, book: Book, carrier: Carrier, messaging: Messaging, calling: Calling) -> None:
        self._book = book
        self._carrier = carrier
        self._messaging = messaging
        self._calling = calling

    async def page(self, request: web.Request) -> web.StreamResponse:
        """One of the page's three files."""
        path = PAGE / request.match_info.get("file", "phones.html")
        if path.suffix not in TYPES or not path.is_file():
            raise web.HTTPNotFound
        return web.Response(
            body=path.read_bytes(),
            content_type=TYPES[path.suffix],
            charset="utf-8",
            headers={"Cache-Control": "no-cache", "Content-Security-Policy": "default-src 'self'; img-src data:"},
        )

    async def customers(self, _: web.Request) -> web.Response:
        """How numbers behave by their last digits."""
        table = [{"suffix": who.suffix, "about": who.about} for who in BY_SUFFIX]
        return json_response({"suffixes": table, "others": ORDINARY.about})

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events: recent entries of the book, then each new one, until the page goes."""
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        waiting: deque[bytes] = deque(self._book.recent, maxlen=MAX_WAITING)
        end = self._book.listen(waiting.append)
        try:
            await self._stream(response, waiting)
        except ConnectionResetError:
            pass  # the page was closed
        finally:
            end()
        return response

    async def _stream(self, response: web.StreamResponse, waiting: deque[bytes]) -> None:
        quiet = 0
        while True:
            if waiting:
                batch = b"".join(b"data: %b\n" % line for line in waiting)
                waiting.clear()
                await response.write(batch)
                quiet = 0
            elif quiet == HEARTBEAT_BATCHES:
                await response.write(b": still here\n\n")
                quiet = 0
            quiet += 1
            await asyncio.sleep(BATCH_SECONDS)

    async def act(self, request: web.Request) -> web.Response:
        """Does what a person does with a phone; 409 when the phone is in no state for it."""
        number, action = request.match_info["number"], request.match_info["action"]
        try:
            what = {name: str(value) for name, value in (await read_json(request)).items()}
            done = self._reply(number, what) if action == "reply" else self._handle_call(number, action, what)
        except ApiError as refusal:
            return refusal.response()
        return json_response({"done": done}, status=200 if done else 409)

    def _reply(self, number: str, what: dict[str, str]) -> bool:
        """Answers whoever wrote last, unless `to` names somebody."""
        body = what.get("body", "").strip()
        latest = next(self._carrier.messages.newest_first(to=number), None)
        sender = what.get("to") or (latest.from_ if latest else "")
        if not body or not sender:
            return False
        self._messaging.receive(customer=number, sender=sender, body=body)
        return True

    def _handle_call(self, number: str, action: str, what: dict[str, str]) -> bool:
        named = self._calling.line(what["sid"]) if "sid" in what else None
        line = named or next(iter(self._calling.lines_to(number)), None)
        if line is None:
            return False
        ringing, talking = line.call.status is CallStatus.RINGING, line.call.status is CallStatus.IN_PROGRESS
        match action:
            case "answer" if ringing:
                line.pick_up()
            case "decline" if ringing:
                line.hang_up(unanswered=CallStatus.BUSY)
            case "hang-up" if talking:
                line.hang_up()
            case "keys" if talking:
                return _press(line, what.get("digits", ""))
            case _:
                return False
        return True


def _press(line: Line, digits: str) -> bool:
    if not digits or not KEYS.issuperset(digits):
        return False
    line.press(digits)
    return True


def add_phones(app: web.Application, phones: Phones) -> None:
    """Adds the page's addresses."""
    app.router.add_get("/", phones.page)
    app.router.add_get("/_sandbox/page/{file}", phones.page)
    app.router.add_get("/_sandbox/events", phones.events)
    app.router.add_get("/_sandbox/customers", phones.customers)
    app.router.add_post("/_sandbox/phones/{number}/{action}", phones.act)
