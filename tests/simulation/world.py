"""A simulated world: builds the services, lets the schedule happen, and waits until everything is at rest."""

import random
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from tests.simulation.carrier import Desk, Modes
from tests.simulation.machines import NOBODY, MachineLoop
from tests.simulation.plants import Plant
from tests.simulation.replicas import Replica, Service
from tests.simulation.schedules import (
    Crash,
    Fault,
    Freeze,
    LostStore,
    LostWrites,
    Mode,
    Schedule,
    StoreAway,
    Takeover,
)
from tests.simulation.surroundings import Surroundings
from tests.simulation.topics import SharedLog
from tests.simulation.upstream import CUSTOMER, event_of, topic_of

PARTITIONS = 2
BUDGET = 20_000
"""Callbacks; a usual schedule takes a thousand or two."""

SESSION_TIMEOUT = 6.0
FIRST_REST = 8.0
LONGEST_REST = 6 * 3600.0
MAX_AUDITS = 12


class World:
    """One run of one schedule.

    Attributes:
        services: by name.
    """

    def __init__(self, schedule: Schedule, plant: Plant | None = None, budget: int = BUDGET) -> None:
        rng = Random(f"run {schedule.seed}")
        # jittered pauses of libraries draw from the global generator
        random.seed(schedule.seed)
        modes = Modes({part.name: part.value for part in schedule.parts if isinstance(part, Mode)})
        self.schedule = schedule
        self.plant = plant or Plant()
        self.loop = MachineLoop(rng, budget)
        lost_store = any(isinstance(part, LostStore) for part in schedule.parts)
        self.around = Surroundings(self.loop, rng, modes, PARTITIONS, copies_states=lost_store)
        self.log = SharedLog(self.loop, self.around.clock.now, PARTITIONS)
        self.desk = Desk(self.loop, rng, modes, self.around.journal)
        self._last_fault = max(self._moments(), default=0.0)
        self.services: dict[str, Service[Any]] = {}

    # running

    def run(self) -> None:
        """Lets everything happen until nothing is left to do.

        Raises:
            TooLong: it never comes to rest.
            Deadlock: something waits for ever.
        """
        try:
            self.loop.run_alone(self._live())
        finally:
            self.loop.forget()

    async def _live(self) -> None:
        for happening in self.schedule.happenings():
            self._at(happening.at, self.log.append, topic_of(happening), CUSTOMER, event_of(happening))
        for service in self.services.values():
            self.join(service)
        for fault in self.schedule.faults():
            self._arrange(fault)
        await self._rest()

    async def _rest(self) -> None:
        """Waits, longer and longer, until nothing is due, then lets the audits prove it."""
        pause, writes, audits = FIRST_REST, -1, 0
        while True:
            await self._pass(pause)
            if self.around.bugs:
                return
            changed, writes = writes != self._writes, self._writes
            pause = FIRST_REST if changed else min(pause * 2, LONGEST_REST)
            if changed or not self._at_rest():
                continue
            if audits and self._proved():
                return
            audits += 1
            assert audits <= MAX_AUDITS, "the audits never end"
            await self._audit()

    async def _pass(self, seconds: float) -> None:
        passed = self.loop.create_future()
        self._at(seconds, passed.set_result, None)
        await passed

    @property
    def _writes(self) -> int:
        return sum(service.store.writes for service in self.services.values())

    def _at_rest(self) -> bool:
        return self.loop.time() > self._last_fault and all(self._rests(one) for one in self.services.values())

    def _rests(self, service: Service[Any]) -> bool:
        shelves = [service.store.shelves[number] for number in range(PARTITIONS)]
        if not service.live or any(shelf.due or shelf.outbox for shelf in shelves):
            return False
        alive = [one for one in service.replicas if not one.machine.dead]
        if any(one.pool._tasks or not one.answers for one in alive):
            return False
        return service.group.caught_up(list(service.interests))

    async def _audit(self) -> None:
        """Lets each service's newest process look back."""
        for service in self.services.values():
            owner = service.owner
            if owner is not None:
                done = self.loop.start(owner.machine, owner.look_back())
                while not done.done() and owner.answers:
                    await self._pass(0.5)
        await self._pass(1)

    def _proved(self) -> bool:
        """Whether each audit has come as far as its group, on the store as it is now."""
        for service in self.services.values() if self.plant.audits else ():
            owner = service.owner
            if owner is None:
                return False
            for place, offset in service.group.offsets.items():
                progress = owner.audit._progress.get(place)
                if progress is None or progress.next_offset < offset:
                    return False
                if progress.generation != owner.connection.generation or owner.connection.met != service.store.run:
                    return False
        return True

    # faults

    def join(self, service: Service[Any]) -> Replica[Any]:
        """A new process of the service."""
        replica = Replica(service, self.around, self.plant)
        for fault in self.schedule.faults():
            if not isinstance(fault, Crash | Freeze):
                continue
            if (fault.service, fault.process) == (service.name, len(service.replicas)):
                moments = replica.machine.at_start if fault.of_starts else replica.machine.at_step
                moments[fault.step] = self._strike(replica, fault)
        replica.start()
        return replica

    def _strike(self, replica: Replica[Any], fault: Fault) -> Callable[[], None]:
        def crash() -> None:
            replica.die()
            assert isinstance(fault, Crash)
            self._at(fault.back_after, self._replace, replica.service)

        def freeze() -> None:
            assert isinstance(fault, Freeze)
            replica.freeze(fault.span)
            if fault.span > SESSION_TIMEOUT:
                self._at(SESSION_TIMEOUT, self._replace, replica.service)
                # what it does before it hears that its partitions are gone
                self._at(fault.span + self.around.rng.random(), replica.retire)

        return crash if isinstance(fault, Crash) else freeze

    def _replace(self, service: Service[Any]) -> None:
        self.join(service)

    def _arrange(self, fault: Fault) -> None:
        service = self.services.get(fault.service)
        if service is None:
            return
        match fault:
            case Takeover(at=at, overlap=overlap):
                self._at(at, self._take_over, service, overlap)
            case LostWrites(at=at, lost=lost, away=away):
                self._at(max(at - lost, 0), self._remember, service, min(lost, at), away)
            case LostStore(at=at):
                self._at(at, service.store.fail_over, {})
            case StoreAway(at=at, span=span):
                self._at(at, self._reach, service, False)
                self._at(at + span, self._reach, service, True)

    def _take_over(self, service: Service[Any], overlap: float) -> None:
        for old in service.live:
            self._at(overlap, old.retire)
        self.join(service)

    def _remember(self, service: Service[Any], lost: float, away: float) -> None:
        copy = service.store.copy()

        def fail_over() -> None:
            self._reach(service, False)
            service.store.fail_over(copy)
            self._at(away, self._reach, service, True)

        self._at(lost, fail_over)

    def _reach(self, service: Service[Any], reachable: bool) -> None:
        self.around.journal.say(service.name, "store is", "there" if reachable else "away")
        service.store.reachable = reachable

    def _moments(self) -> Iterator[float]:
        for happening in self.schedule.happenings():
            yield happening.at
        for fault in self.schedule.faults():
            if isinstance(fault, Takeover):
                yield fault.at + fault.overlap
            elif isinstance(fault, LostWrites):
                yield fault.at + fault.away
            elif isinstance(fault, LostStore | StoreAway):
                yield fault.at + getattr(fault, "span", 0.0)

    def _at(self, after: float, what: Callable[..., object], *args: object) -> None:
        self.loop.call_later(after, what, *args, context=NOBODY)
