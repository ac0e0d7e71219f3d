"""The notifier's composition root: the only place that constructs adapters and wires them."""

from functools import partial

from common.kernel.attempts import AttemptTiming
from common.observability.logging import configure_logging
from common.observability.metrics import Metrics
from common.packs import load_packs
from common.service.runtime import ServiceRuntime
from common.tokens import Sealer
from common.twilio.http_client import twilio_client
from services.notifier.adapters.twilio_sms import TwilioSession, TwilioSmsGateway, read_status
from services.notifier.domain.rules import Rules
from services.notifier.entrypoints.http import routes, status_url
from services.notifier.handlers import NOTIFIER, Handlers, behaviour, interests
from services.notifier.settings import NotifierSettings


async def serve(settings: NotifierSettings) -> int:
    """Runs the notifier until it is told to stop; returns the exit status."""
    configure_logging(NOTIFIER.service, level=settings.log_level, form=settings.log_format)
    rules = Rules(
        pack=load_packs(settings.policies_dir, settings.policies_overlay),
        timing=AttemptTiming(
            start_within=settings.attempt_start_seconds,
            deadline=settings.provider_deadline_seconds,
            settle=settings.provider_settle_seconds,
            check_every=settings.reconcile_every_seconds,
        ),
        first_receipt_check=settings.receipt_check_seconds,
    )
    metrics = Metrics(NOTIFIER.service)
    http = TwilioSession()
    gateway = TwilioSmsGateway(_client(settings, http), settings.sender_number, metrics)
    sealer = Sealer(settings.webhook_key.get_secret_value(), purpose="sms")
    runtime = ServiceRuntime(
        settings=settings,
        kind=NOTIFIER,
        behaviour=behaviour(rules, gateway, partial(status_url, settings.public_url, sealer)),
        interests=interests(rules.pack),
        metrics=metrics,
    )
    handlers = Handlers(runtime.kernel, rules)
    webhooks = routes(
        handlers,
        read=read_status,
        sealer=sealer,
        auth_token=settings.twilio_auth_token.get_secret_value(),
        public_url=settings.public_url,
        metrics=metrics,
    )
    return await runtime.run(handle=handlers.handle_event, routes=webhooks, extras=[http])


def _client(settings: NotifierSettings, http: TwilioSession) -> object:
    return twilio_client(
        session=http.session,
        account_sid=settings.twilio_account_sid,
        auth_token=settings.twilio_auth_token.get_secret_value(),
        base_url=settings.twilio_base_url,
        deadline=settings.provider_deadline_seconds,
    )
