"""Status webhooks of the SMS provider: verified, opened, handed on."""

from collections.abc import Callable, Mapping, Sequence
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from common.errors import PermanentError, Rejected, TransientError
from common.observability.logging import get_logger
from common.observability.metrics import Metrics
from common.tokens import Sealer
from common.twilio.signature import SIGNATURE_HEADER, is_authentic
from services.notifier.domain.effects import MessageSeen
from services.notifier.handlers import Handlers

STATUS_PATH = "/webhooks/twilio/messages/{reference}"
KIND = "sms_status"
_log = get_logger("webhooks")

ReadStatus = Callable[[Mapping[str, str]], MessageSeen | None]


def status_url(public_url: str, sealer: Sealer, customer_id: str, attempt_id: str) -> str:
    """Where the provider reports on an attempt; names nobody and cannot be made up."""
    return public_url + STATUS_PATH.format(reference=sealer.seal(customer_id, attempt_id))


def routes(
    handlers: Handlers, *, read: ReadStatus, sealer: Sealer, auth_token: str, public_url: str, metrics: Metrics
) -> Sequence[BaseRoute]:
    """The provider's webhooks.

    Args:
        read: the provider's form in our words; None if it is no status.
    """

    async def receive(request: Request) -> Response:
        form = parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True)
        if not is_authentic(
            auth_token=auth_token,
            url=public_url + request.url.path,
            form=form,
            signature=request.headers.get(SIGNATURE_HEADER, ""),
        ):
            return _refused(metrics, "signature_invalid")
        try:
            customer_id, attempt_id = sealer.open(request.path_params["reference"])
        except (Rejected, ValueError):
            return _refused(metrics, "reference_forged")
        receipt = read(dict(form))
        if receipt is None:
            return _refused(metrics, "not_a_status", 400)
        try:
            await handlers.receive_status(customer_id, attempt_id, receipt)
        except (TransientError, PermanentError) as error:
            if isinstance(error, PermanentError):
                _log.error("webhook_failed", kind=KIND, reason=error.code)
            metrics.webhook(KIND, error.code)
            # not lost: the receipt is asked for when it stays away
            return Response(status_code=503, headers={"Retry-After": "1"})
        metrics.webhook(KIND, "taken")
        metrics.receipt(handlers.rules.provider, receipt.status)
        return Response(status_code=204)

    return [Route(STATUS_PATH, receive, methods=["POST"])]


def _refused(metrics: Metrics, reason: str, status: int = 403) -> Response:
    metrics.webhook(KIND, reason)
    _log.warning("webhook_refused", kind=KIND, reason=reason)
    return Response(status_code=status)
