"""The dialer's composition root: the only place that constructs adapters and wires them."""

from datetime import timedelta
from functools import partial

from twilio.rest import Client

from common.clock import SystemClock
from common.kernel.attempts import AttemptTiming
from common.kernel.redis.connection import RunWatch, open_redis
from common.observability.logging import configure_logging
from common.observability.metrics import Metrics
from common.packs import load_packs
from common.rpc.guard import RpcGuard
from common.rpc.server import RpcServer
from common.rpc.tls import TlsFiles
from common.service.runtime import ServiceRuntime
from common.tokens import Sealer
from common.twilio.http_client import twilio_client
from services.outbound_dialer.adapters.kafka_changes import KafkaCallChanges
from services.outbound_dialer.adapters.redis_slots import RedisSlots
from services.outbound_dialer.adapters.twilio_voice import PROVIDER, TwilioSession, TwilioVoiceGateway, news_in
from services.outbound_dialer.domain.rules import DialLimits, DialRules
from services.outbound_dialer.entrypoints.grpc import SERVICE, register
from services.outbound_dialer.entrypoints.http import Webhooks, routes
from services.outbound_dialer.handlers import DIALER, INTERESTS, Handlers, behaviour
from services.outbound_dialer.settings import DialerSettings


async def serve(settings: DialerSettings) -> int:
    """Runs the dialer until it is told to stop; returns the exit status."""
    configure_logging(DIALER.service, level=settings.log_level, form=settings.log_format)
    metrics, rules, http = Metrics(DIALER.service), _rules(settings), TwilioSession()
    gateway = TwilioVoiceGateway(
        _client(settings, http), settings.caller_number, metrics, detect_machines=settings.detect_machines
    )
    slots, changes = _slots(settings), KafkaCallChanges(settings.kafka_bootstrap_servers)
    webhooks = _webhooks(settings, metrics)
    runtime = ServiceRuntime(
        settings=settings,
        kind=DIALER,
        behaviour=behaviour(rules, gateway, slots, webhooks.urls_of),
        interests=INTERESTS,
        metrics=metrics,
    )
    handlers = Handlers(runtime.kernel, rules, changes)
    rpc = _rpc(settings, handlers, metrics)
    return await runtime.run(
        handle=handlers.handle_event, routes=routes(handlers, webhooks), extras=[http, slots, changes, rpc]
    )


def _rules(settings: DialerSettings) -> DialRules:
    overlays = [settings.policies_overlay] if settings.policies_overlay else []
    return DialRules(
        pack=load_packs(settings.policies_dir, *overlays),
        provider=PROVIDER,
        timing=AttemptTiming(
            start_within=settings.attempt_start_seconds,
            deadline=settings.provider_deadline_seconds,
            settle=settings.provider_settle_seconds,
            check_every=settings.reconcile_every_seconds,
        ),
        limits=DialLimits(
            ring=settings.ring_seconds,
            talk=settings.talk_seconds,
            grace=settings.status_grace_seconds,
            fetch_every=settings.status_check_seconds,
        ),
    )


def _client(settings: DialerSettings, http: TwilioSession) -> Client:
    return twilio_client(
        session=http.session,
        account_sid=settings.twilio_account_sid,
        auth_token=settings.twilio_auth_token.get_secret_value(),
        base_url=settings.twilio_base_url,
        deadline=settings.provider_deadline_seconds,
    )


def _slots(settings: DialerSettings) -> RedisSlots:
    interval = timedelta(seconds=1 / settings.calls_per_second)
    return RedisSlots(open_redis(settings.redis_url, RunWatch()), settings.twilio_account_sid, interval, SystemClock())


def _webhooks(settings: DialerSettings, metrics: Metrics) -> Webhooks:
    return Webhooks(
        public_url=settings.public_url,
        news_of=news_in,
        sealer=Sealer(settings.webhook_key.get_secret_value(), purpose="voice"),
        auth_token=settings.twilio_auth_token.get_secret_value(),
        provider=PROVIDER,
        metrics=metrics,
    )


def _rpc(settings: DialerSettings, handlers: Handlers, metrics: Metrics) -> RpcServer:
    tls = None
    if settings.grpc_certificate is not None:
        tls = TlsFiles(settings.grpc_certificate, settings.grpc_key, settings.grpc_client_authority)
    return RpcServer(
        host=settings.grpc_host,
        port=settings.grpc_port,
        services={SERVICE: partial(register, handlers)},
        guard=RpcGuard(count=metrics.grpc_request, bug=partial(metrics.bug, "grpc")),
        tls=tls,
    )
