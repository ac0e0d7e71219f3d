"""What must hold after every schedule, whatever went wrong."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import orjson

from common.events.topics import OUTREACH_EVENTS
from common.events.upstream import PremiumPaymentSucceeded
from common.kernel.attempts import AttemptTiming
from services.notifier.domain.facts import is_open
from services.notifier.domain.model import WITH_PROVIDER, Notification, NotifierState, Status
from tests.simulation.carrier import Message, SmsCarrier
from tests.simulation.replicas import Service
from tests.simulation.schedules import LostStore, LostWrites
from tests.simulation.upstream import CUSTOMER
from tests.simulation.world import World
from tests.support.virtual_time import START

Told = dict[str, Any]

SENT = WITH_PROVIDER | {Status.DELIVERED, Status.UNDELIVERED}
STATUS_TOLD = {
    "notification.suppressed.v1": (Status.SUPPRESSED, Status.EXPIRED, Status.CANCELLED, Status.FAILED),
    "notification.cancelled.v1": (Status.CANCELLED,),
    "notification.delivered.v1": (Status.DELIVERED,),
    "notification.undelivered.v1": (Status.UNDELIVERED,),
    "notification.failed.v1": (Status.FAILED, Status.EXPIRED),
}
"""The last word on the ledger → what the state may say."""


def ledger_topic(world: World) -> dict[str, Told]:
    """Everything that was ever told on the ledger, doubles once, by event id."""
    records = [
        record for place, kept in world.log.topics.items() if place[0] == OUTREACH_EVENTS.name for record in kept
    ]
    events = [orjson.loads(record.value or b"") for record in records]
    return {told["id"]: told for told in events}


def surviving_ledger(world: World, service: Service[Any]) -> tuple[list[Told], list[str]]:
    """The ledger of the writes that survived, in order, and what is wrong with it."""
    topic = ledger_topic(world)
    loaded = service.store.state_of(CUSTOMER)
    ids = service.store.told.get(loaded.version, ())
    missing = [number for number, name in enumerate(ids, start=1) if name not in topic]
    ledger = [topic[name] for name in ids if name in topic]
    wrong = [f"{service.name}: ledger entries {missing} of {len(ids)} never came to the topic"] if missing else []
    if len(ids) != loaded.sequence:
        wrong.append(f"{service.name}: {len(ids)} ledger entries, but the document counts {loaded.sequence}")
    for number, told in enumerate(ledger, start=1):
        if not missing and int(told["sequence"]) != number:
            wrong.append(f"{service.name}: ledger entry {number} says {told['sequence']}")
    return ledger, wrong


def of_every_service(world: World) -> Iterator[str]:
    """What holds for each service, whatever it does."""
    for bug in world.around.bugs:
        yield f"unexpected {bug!r}"
    for service in world.services.values():
        for _, error in service.group.letters:
            yield f"{service.name}: a good event became a dead letter: {error}"
        if any(shelf.due for shelf in service.store.shelves.values()):
            yield f"{service.name}: a clock still waits"


class NotifierLaws:
    """Each message once, none after the payment, all ended, the ledger equal to the state."""

    def __init__(self, world: World, carrier: SmsCarrier) -> None:
        self._world = world
        self._carrier = carrier
        self._paid_at: float | None = None
        service = world.services["notifier"]
        service.store.landmarks.append(self._committed)

    def _committed(self, _: str, state: NotifierState) -> None:
        if not _paid(state):
            self._paid_at = None  # not yet, or lost again
        elif self._paid_at is None:
            self._paid_at = self._world.loop.time()

    def broken(self) -> Iterator[str]:
        """What does not hold."""
        service = self._world.services["notifier"]
        state: NotifierState = service.store.state_of(CUSTOMER).state
        ledger, wrong = surviving_ledger(self._world, service)
        yield from wrong
        yield from self._each_once(state)
        yield from self._nothing_lost(state)
        yield from self._none_after_payment()
        yield from self._ended(state)
        yield from self._ledger_is_state(state, ledger)

    def _each_once(self, state: NotifierState) -> Iterator[str]:
        """Every message belongs to one notification, and every notification that was sent has one message.

        Whose message it was by its reference does not count: of two equal texts the list cannot tell which is which.
        """
        owners: dict[str, list[str]] = {message.sid: [] for message in self._carrier.book}
        for name, item in state.notifications.items():
            for sid in item.sids:
                owners.setdefault(sid, []).append(name)
            if item.status in SENT and len(item.sids) != 1:
                yield f"{name} is {item.status}, and has the messages {sorted(item.sids)}"
        for message in self._carrier.book:
            if len(owners[message.sid]) > 1 or not (owners[message.sid] or self._excused(state, message)):
                yield f"{message.sid} ({message.reference}) belongs to {owners[message.sid] or 'nobody'}"

        facts = {one.number for one in self._world.schedule.happenings() if one.kind == "failed"}
        asked = {told["id"] for told in ledger_topic(self._world).values() if told["type"] == "call.key_pressed.v1"}
        if len(self._carrier.book) > len(facts) + len(asked):
            yield f"{len(self._carrier.book)} messages were sent for {len(facts)} facts and {len(asked)} wishes"

    def _excused(self, state: NotifierState, message: Message) -> bool:
        """Whether it is right that nobody knows of the message.

        Lost writes sent it, and before it was missed a newer fact joined it, or it joined another message, or a payment
        ended it, or the customer was erased.
        """
        forgot = any(isinstance(part, LostWrites | LostStore) for part in self._world.schedule.parts)
        item = state.notifications.get(self._owner(message.reference))
        erased = any(happening.kind == "erased" for happening in self._world.schedule.happenings())
        ended = item is None or item.happened_at > message.taken or item.status is Status.CANCELLED
        return erased or (forgot and ended)

    def _nothing_lost(self, state: NotifierState) -> Iterator[str]:
        if any(happening.kind == "erased" for happening in self._world.schedule.happenings()):
            return
        known = {item.origin.fact_id for item in state.notifications.values()}
        journeys = {item.merge_value for item in state.notifications.values()}
        closed = _paid(state)
        for happening in self._world.schedule.happenings():
            fact = f"f-{happening.number}"
            merged = any(value.startswith(f"P-{happening.policy}|") for value in journeys)
            if happening.kind == "failed" and fact not in known and not merged and not closed:
                yield f"{fact} was lost"
            if happening.kind == "paid" and not closed:
                yield f"{fact} (paid) was lost"

    def _none_after_payment(self) -> Iterator[str]:
        if self._paid_at is None:
            return
        paid = next((one.happened for one in self._world.schedule.happenings() if one.kind == "paid"), 0.0)
        paid_at = START + timedelta(seconds=paid)
        latest = self._paid_at + AttemptTiming().window.total_seconds()
        state: NotifierState = self._world.services["notifier"].store.state_of(CUSTOMER).state
        for message in self._carrier.book:
            item = state.notifications.get(self._owner(message.reference))
            ended = item and item.happened_at <= paid_at and item.merge_value.startswith("P-1|")
            if ended and message.taken_at > latest:
                yield f"{message.reference} was sent {message.taken_at - self._paid_at:.0f} s after the payment"

    @staticmethod
    def _owner(reference: str) -> str:
        return reference.split()[1].partition("/")[0]

    @staticmethod
    def _ended(state: NotifierState) -> Iterator[str]:
        yield from (f"{item.notification_id} is still {item.status}" for item in state.open if is_open(item))
        if state.held:
            yield "facts are still held"

    def _ledger_is_state(self, state: NotifierState, ledger: list[Told]) -> Iterator[str]:
        by_item: dict[str, list[Told]] = {}
        for told in ledger:
            if "notification_id" in told["data"]:
                by_item.setdefault(told["data"]["notification_id"], []).append(told)
        for name, item in state.notifications.items():
            yield from _story_is_state(item, by_item.get(name, []))


def _paid(state: NotifierState) -> bool:
    return any(closing.type == PremiumPaymentSucceeded.TYPE for closing in state.closings)


def _story_is_state(item: Notification, story: list[Told]) -> Iterator[str]:
    types = [told["type"] for told in story]
    if types.count("notification.scheduled.v1") != 1:
        yield f"{item.notification_id} was scheduled {types.count('notification.scheduled.v1')} times"
    attempts = [told["data"]["attempt_id"] for told in story if told["type"] == "notification.attempt_reserved.v1"]
    if len(attempts) != len(set(attempts)) or len(attempts) > item.tries:
        yield f"{item.notification_id} has {item.tries} tries, but on the ledger {attempts}"
    last = [STATUS_TOLD[kind] for kind in types if kind in STATUS_TOLD]
    if not last or item.status not in last[-1]:
        yield f"{item.notification_id} is {item.status}, but the ledger says {types[-3:]}"


Laws = Callable[[], Iterator[str]]
