"""The callback service's composition root: the only place that constructs adapters and wires them."""

from functools import partial

from common.observability.logging import configure_logging
from common.observability.metrics import Metrics
from common.packs import load_packs
from common.rpc.client import open_channel
from common.rpc.tls import TlsFiles
from common.service.runtime import ServiceRuntime
from services.callback.adapters.grpc_dialer import PROVIDER, GrpcDialer
from services.callback.domain.rules import CallbackRules, CallTiming
from services.callback.entrypoints.http import routes
from services.callback.handlers import CALLBACK, Handlers, behaviour, interests
from services.callback.settings import CallbackSettings


async def serve(settings: CallbackSettings) -> int:
    """Runs the callback service until it is told to stop; returns the exit status."""
    configure_logging(CALLBACK.service, level=settings.log_level, form=settings.log_format)
    rules, metrics = _rules(settings), Metrics(CALLBACK.service)
    # closed only after the runtime has finished what is in flight
    async with open_channel(settings.dialer_target, _tls(settings)) as channel:
        timed = partial(metrics.provider_request, PROVIDER)
        dialer = GrpcDialer(channel, settings.dialer_deadline_seconds, timed)
        runtime = ServiceRuntime(
            settings=settings,
            kind=CALLBACK,
            behaviour=behaviour(rules, dialer),
            interests=interests(rules.pack),
            metrics=metrics,
        )
        handlers = Handlers(runtime.kernel, rules)
        return await runtime.run(handle=handlers.handle_event, routes=routes(handlers, metrics))


def _rules(settings: CallbackSettings) -> CallbackRules:
    overlays = [settings.policies_overlay] if settings.policies_overlay else []
    timing = CallTiming(
        start_within=settings.attempt_start_seconds,
        deadline=settings.dialer_deadline_seconds,
        watch_every=settings.watch_seconds,
    )
    return CallbackRules(load_packs(settings.policies_dir, *overlays), timing)


def _tls(settings: CallbackSettings) -> TlsFiles | None:
    if settings.dialer_authority is None:
        return None
    return TlsFiles(settings.dialer_certificate, settings.dialer_key, settings.dialer_authority)
