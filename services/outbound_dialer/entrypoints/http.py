"""The carrier's voice webhooks: verified, opened, handed on; answered with TwiML where it asks what to say."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from common.errors import InvalidEvent, PermanentError, Rejected, TransientError
from common.observability.logging import get_logger
from common.observability.metrics import Metrics
from common.tokens import Sealer
from common.twilio.signature import SIGNATURE_HEADER, is_authentic
from services.outbound_dialer.domain.effects import ProviderNews
from services.outbound_dialer.domain.twiml import HANG_UP
from services.outbound_dialer.handlers import AttemptRef, Handlers, attempt_ref
from services.outbound_dialer.ports import CallUrls

BASE = "/webhooks/twilio/voice"
ANSWER, KEY, STATUS, MACHINE = "answer", "key", "status", "machine"
IN_PROGRESS = "in-progress"
CALL_SID = re.compile(r"CA[0-9a-fA-F]{32}")
MAX_MENU = 9
MAX_TRIES = 5
"""How often the carrier is asked to come back a second later while the store is away; then the call is hung up."""
_log = get_logger("webhooks")

Form = Mapping[str, str]
ReadNews = Callable[[Form, str], ProviderNews]


@dataclass(frozen=True)
class Webhooks:
    """Makes the URLs that the carrier is given, and checks what comes back to them.

    Attributes:
        public_url: scheme and host as the carrier sees them; what it signs begins with them.
        news_of: reads a webhook's fields, given the status it stands for.
    """

    public_url: str
    news_of: "ReadNews"
    sealer: Sealer
    auth_token: str
    provider: str
    metrics: Metrics

    def urls_of(self, customer_id: str, attempt_id: str) -> CallUrls:
        """The URLs of one attempt; the reference in them is sealed."""
        reference = self.sealer.seal(customer_id, attempt_id)
        urls = {kind: f"{self.public_url}{BASE}/{kind}/{reference}" for kind in (ANSWER, STATUS, MACHINE)}
        return CallUrls(answer=urls[ANSWER], status=urls[STATUS], machine=urls[MACHINE])

    def key_url(self, reference: str, menu: int) -> str:
        """Where a key pressed in a menu is told."""
        return f"{self.public_url}{BASE}/{KEY}/{reference}?menu={menu}"

    async def opened(self, request: Request) -> tuple[AttemptRef, Form]:
        """Whom a request speaks of, and its fields.

        Raises:
            Rejected: not signed by the carrier, not a reference of ours, or not about a call.
        """
        form = parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True)
        query = f"?{request.url.query}" if request.url.query else ""
        if not is_authentic(
            auth_token=self.auth_token,
            url=f"{self.public_url}{request.url.path}{query}",
            form=form,
            signature=request.headers.get(SIGNATURE_HEADER, ""),
        ):
            raise Rejected("signature_invalid", rule_id="webhook.signature")
        about = attempt_ref(self.sealer.open(request.path_params["reference"]))
        fields = dict(form)
        if not CALL_SID.fullmatch(fields.get("CallSid", "")):
            raise Rejected("call_sid_invalid", rule_id="webhook.call_sid")
        return about, fields

    def refused(self, kind: str, reason: str) -> Response:
        """Counted, and logged once without anything of the request."""
        self.metrics.webhook(kind, reason)
        _log.warning("webhook_refused", kind=kind, reason=reason)
        return Response(status_code=403)


Receive = Callable[[AttemptRef, Form, Request], Awaitable[Response]]


def routes(handlers: Handlers, webhooks: Webhooks) -> Sequence[BaseRoute]:
    """The carrier's webhooks."""

    async def answer(about: AttemptRef, form: Form, request: Request) -> Response:
        reference = request.path_params["reference"]
        news = webhooks.news_of(form, IN_PROGRESS)
        return _spoken(await handlers.answer(about, news, lambda menu: webhooks.key_url(reference, menu)))

    async def key(about: AttemptRef, form: Form, request: Request) -> Response:
        reference, menu = request.path_params["reference"], _number(request, "menu", MAX_MENU)
        # A person at the keys is proof enough of an answered call, whatever the status field says by now.
        news = webhooks.news_of({**form, "AnsweredBy": ""}, IN_PROGRESS)
        digit = form.get("Digits", "")[:1]
        text = await handlers.take_key(about, digit, menu, news, lambda number: webhooks.key_url(reference, number))
        return _spoken(text)

    async def status(about: AttemptRef, form: Form, _: Request) -> Response:
        await handlers.receive_status(about, webhooks.news_of(form, form.get("CallStatus", "")))
        webhooks.metrics.receipt(webhooks.provider, form.get("CallStatus", ""))
        return Response(status_code=204)

    async def machine(about: AttemptRef, form: Form, _: Request) -> Response:
        # Only an answered call is listened to, so this says both.
        await handlers.receive_status(about, webhooks.news_of(form, IN_PROGRESS))
        return Response(status_code=204)

    kinds = {ANSWER: answer, KEY: key, STATUS: status, MACHINE: machine}
    return [
        Route(f"{BASE}/{kind}/{{reference}}", _guarded(kind, receive, webhooks), methods=["POST"])
        for kind, receive in kinds.items()
    ]


def _guarded(kind: str, receive: Receive, webhooks: Webhooks) -> Callable[[Request], Awaitable[Response]]:
    name = f"voice_{kind}"

    async def guarded(request: Request) -> Response:
        try:
            about, form = await webhooks.opened(request)
        except Rejected as error:
            return webhooks.refused(name, error.code)
        try:
            response = await receive(about, form, request)
        except TransientError as error:
            webhooks.metrics.webhook(name, error.code)
            return _come_back(request) if kind in {ANSWER, KEY} else _later()
        except (InvalidEvent, PermanentError) as error:
            webhooks.metrics.webhook(name, error.code)
            _log.error("call_unusable", kind=name, code=error.code)
            return _spoken(HANG_UP)
        webhooks.metrics.webhook(name, "taken")
        return response

    return guarded


def _later() -> Response:
    # not lost: the status is asked for when it stays away
    return Response(status_code=503, headers={"Retry-After": "1"})


def _come_back(request: Request) -> Response:
    """Holds the line while the store is away: an error would be read out to the customer."""
    tries = _number(request, "try", MAX_TRIES)
    if tries >= MAX_TRIES:
        return _spoken(HANG_UP)
    url = request.url.include_query_params(**{"try": tries + 1})
    address = escape(f"{url.path}?{url.query}")
    return _spoken(f'<Response><Pause length="1"/><Redirect method="POST">{address}</Redirect></Response>')


def _spoken(text: str) -> Response:
    return Response(text, media_type="text/xml")


def _number(request: Request, name: str, largest: int) -> int:
    text = request.query_params.get(name, "")
    return min(int(text), largest) if text.isascii() and text.isdecimal() else 1
