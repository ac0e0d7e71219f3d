"""Puts the services of the path into a world."""

from collections.abc import Awaitable, Callable
from typing import Any

from common.errors import InvalidEvent, TransientError
from common.kernel.attempts import AttemptTiming
from common.kernel.document import AggregateType
from common.kernel.intake import Interest
from common.kernel.kernel import Behaviour
from common.packs import Pack
from services.callback import handlers as callback
from services.callback.domain.rules import CallbackRules
from services.notifier import handlers as notifier
from services.notifier.domain.effects import MessageSeen
from services.notifier.domain.rules import Rules
from services.outbound_dialer import handlers as dialer
from services.outbound_dialer.domain.effects import ProviderNews
from services.outbound_dialer.domain.rules import DialRules
from services.outbound_dialer.ports import CallUrls
from tests.simulation.carrier import SimulatedSms, SmsCarrier
from tests.simulation.ordering import SimulatedDialer
from tests.simulation.replicas import HandlesEvents, Replica, Service
from tests.simulation.stores import SharedStore
from tests.simulation.voice import SimulatedSlots, SimulatedVoice, VoiceCarrier, Webhooks
from tests.simulation.world import PARTITIONS, World
from tests.support.packs import shipped_pack

NO_CHANGES: Any = None
"""Nobody watches calls here."""


def with_notifier(world: World) -> SmsCarrier:
    """Adds the notifier and its SMS carrier."""
    rules = Rules(pack=_pack(world), timing=world.plant.timing(AttemptTiming()))

    def report(reference: str, seen: MessageSeen) -> None:
        customer_id, attempt_id = reference.split()
        service = world.services["notifier"]
        _tell(world, service, lambda handlers: handlers.receive_status(customer_id, attempt_id, seen))

    carrier = SmsCarrier(world.desk, world.around.clock.now, report)
    gateway = SimulatedSms(carrier, world.desk, world.around.clock.now)
    _service(
        world,
        "notifier",
        notifier.NOTIFIER,
        notifier.interests(rules.pack),
        notifier.behaviour(rules, gateway, _reference),
        lambda kernel: notifier.Handlers(kernel, rules),
    )
    return carrier


def with_callback(world: World) -> None:
    """Adds the callback service; it orders calls from the dialer of the same world."""
    rules = CallbackRules(_pack(world))
    orders = SimulatedDialer(world.around, lambda: world.services["outbound_dialer"].replicas)
    _service(
        world,
        "callback",
        callback.CALLBACK,
        callback.interests(rules.pack),
        callback.behaviour(rules, orders),
        lambda kernel: callback.Handlers(kernel, rules),
    )


def with_dialer(world: World) -> VoiceCarrier:
    """Adds the dialer and its voice carrier."""
    rules = DialRules(_pack(world), timing=world.plant.timing(AttemptTiming()))
    carrier = VoiceCarrier(world.desk, world.around)
    service = _service(
        world,
        "outbound_dialer",
        dialer.DIALER,
        dialer.INTERESTS,
        dialer.behaviour(rules, SimulatedVoice(carrier, world.desk), SimulatedSlots(world.around), _urls),
        lambda kernel: dialer.Handlers(kernel, rules, NO_CHANGES),
    )
    carrier.webhooks = _voice_webhooks(world, service)
    return carrier


def _voice_webhooks(world: World, service: Service[Any]) -> Webhooks:
    def status(reference: str, news: ProviderNews) -> None:
        about = _about(reference)
        _tell(world, service, lambda handlers: handlers.receive_status(about, news))

    def answer(reference: str, news: ProviderNews, spoken: Callable[[str | None], None]) -> None:
        about = _about(reference)
        _tell(world, service, lambda handlers: handlers.answer(about, news, lambda menu: f"/key?menu={menu}"), spoken)

    def key(reference: str, digit: str, news: ProviderNews, spoken: Callable[[str | None], None]) -> None:
        about = _about(reference)
        _tell(
            world,
            service,
            lambda handlers: handlers.take_key(about, digit, 1, news, lambda menu: f"/key?menu={menu}"),
            spoken,
        )

    return Webhooks(status, answer, key)


def _about(reference: str) -> dialer.AttemptRef:
    return dialer.AttemptRef(*reference.split())


def _urls(customer_id: str, attempt_id: str) -> CallUrls:
    reference = _reference(customer_id, attempt_id)
    return CallUrls(reference, reference, reference)


def _reference(customer_id: str, attempt_id: str) -> str:
    return f"{customer_id} {attempt_id}"


def _pack(world: World) -> Pack:
    return shipped_pack(*([world.schedule.overlay] if world.schedule.overlay else []))


def _service(
    world: World,
    name: str,
    kind: AggregateType[Any],
    interests: dict[str, Interest],
    behaviour: Behaviour[Any],
    handlers: Callable[[Any], HandlesEvents],
) -> Service[Any]:
    around = world.around
    service: Service[Any] = Service(
        name=name,
        kind=kind,
        interests=interests,
        store=SharedStore(kind, PARTITIONS, around.rng, around.loop, around.journal),
        group=world.log.group(around.wire),
        behaviour=behaviour,
        handlers=handlers,
    )
    world.services[name] = service
    return service


def _tell(
    world: World,
    service: Service[Any],
    what: Callable[[Any], Awaitable[Any]],
    then: Callable[[Any], None] = lambda _: None,
) -> None:
    """A webhook reaches one of the service's processes, if any answers; `then` hears what it said, or None."""
    if not service.live:
        then(None)
        return
    replica = world.around.rng.choice(service.live)
    replica.run(_receive(replica, what, then))


async def _receive(replica: Replica[Any], what: Callable[[Any], Awaitable[Any]], then: Callable[[Any], None]) -> None:
    try:
        said = await what(replica.handlers)
    except (TransientError, InvalidEvent):
        then(None)  # answered with an error; this carrier does not come back
    else:
        then(said)
