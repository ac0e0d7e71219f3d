"""One process of a service: kernel, intake, loops and audit wired as the real one wires them.

What the real process does every second because it cannot know better, it does here when there is something to do:
virtual days must cost nothing. The rounds themselves are the product's.
"""

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar

from common.errors import AppError, InvalidEvent, TransientError
from common.events.envelope import Envelope
from common.events.model import LedgerFact
from common.events.topics import OUTREACH_EVENTS, POLICY_EVENTS
from common.kernel.audit import Audit
from common.kernel.decision import Effect, Origin
from common.kernel.document import AggregateType
from common.kernel.due import DueLoop
from common.kernel.intake import Intake, Interest
from common.kernel.kernel import Behaviour, Cause
from common.kernel.ledger import LedgerWriter
from common.kernel.log import LogRecord
from common.kernel.pool import Pool
from common.kernel.ports import CommitResult
from common.kernel.rebuild import Rebuild
from common.kernel.relay import changelog_relay
from common.kernel.watch import Unwatched
from tests.simulation.machines import Machine
from tests.simulation.plants import Plant
from tests.simulation.stores import Connection, SharedStore
from tests.simulation.surroundings import Surroundings
from tests.simulation.topics import Group
from tests.support.virtual_time import pass_time

S = TypeVar("S")

LEASE = timedelta(seconds=30)
TRAIL = timedelta(seconds=10)
SECOND = timedelta(seconds=1)


class HandlesEvents(Protocol):
    """A service's use cases."""

    async def handle_event(self, envelope: Envelope, cause: Cause) -> CommitResult: ...


@dataclass
class Service(Generic[S]):
    """A service: its shared store, its consumer group, and how its processes are made.

    Attributes:
        handlers: makes the use cases of one process.
        healed: gaps that audits healed.
    """

    name: str
    kind: AggregateType[S]
    interests: dict[str, Interest]
    store: SharedStore[S]
    group: Group
    behaviour: Behaviour[S]
    handlers: Callable[[Any], HandlesEvents]
    replicas: "list[Replica[S]]" = field(default_factory=list)
    healed: int = 0

    @property
    def owner(self) -> "Replica[S] | None":
        """The newest process that answers and owns the shards."""
        return next((one for one in reversed(self.live) if one.keeper.owned), None)

    @property
    def live(self) -> "list[Replica[S]]":
        """Processes that answer: neither dead nor frozen."""
        return [one for one in self.replicas if one.answers]


class ReplicaWatch(Unwatched):
    """Hears everything; an unexpected exception ends the schedule as failed."""

    def __init__(self, replica: "Replica[Any]", around: Surroundings) -> None:
        self._replica = replica
        self._around = around

    def committed(
        self,
        shard: int,
        clocks: Mapping[str, datetime],
        entries: Sequence[tuple[Origin, LedgerFact]],
    ) -> None:
        self._replica.ledger_relay.notice(shard)
        self._replica.state_relay.notice(shard)
        if clocks:
            self._replica.due_loop.notice(shard, min(clocks.values()))

    def outcome_not_recorded(self, effect: Effect, error: AppError) -> None:
        """The attempt will be reconciled."""

    def taken(self, record: LogRecord, event_type: str, outcome: str, since: datetime) -> None:
        """Nobody counts."""

    def waiting(self, reason: str) -> None:
        """Intake waits."""

    def dead_lettered(self, record: LogRecord, error: InvalidEvent) -> None:
        """The group keeps the letter."""

    def bug(self, record: LogRecord, error: Exception) -> None:
        self._around.bugs.append(error)

    def fatal(self, reason: str) -> None:
        self._around.bugs.append(AssertionError(f"the process would end: {reason}"))

    def audited(self, topic: str, shard: int, up_to: datetime) -> None:
        """Nobody counts."""

    def gap_healed(self, topic: str) -> None:
        self._replica.service.healed += 1


class Replica(Generic[S]):
    """One process; see the module."""

    def __init__(self, service: Service[S], around: Surroundings, plant: Plant) -> None:
        self.service = service
        self.machine = Machine(f"{service.name}-{len(service.replicas)}")
        self.leaving = False
        self._around = around
        self._plant = plant
        self.rounds_at = 0.0
        connection = plant.store(Connection(service.store, around.wire, around.rng))
        self.connection = connection
        watch = ReplicaWatch(self, around)
        self.pool = Pool(int(around.modes["small_pool"]) or 64, around.bugs.append)
        self.keeper = plant.keeper(connection, around.clock)
        self.kernel = plant.kernel(
            kind=service.kind,
            store=connection,
            due=connection,
            shards=self.keeper,
            clock=around.clock,
            pool=self.pool,
            behaviour=plant.behaviour(service.behaviour),
            ledger=LedgerWriter(service.name, new_id=around.new_id),
            watch=watch,
        )
        self.handlers = service.handlers(self.kernel)
        self._wire_loops(connection, watch)
        self._wire_intake(connection, watch)

    def _wire_loops(self, connection: Connection[S], watch: ReplicaWatch) -> None:
        self.due_loop = DueLoop(
            due=connection,
            shards=self.keeper,
            clock=self._around.clock,
            pool=self.pool,
            fire=self.kernel.fire,
            lease=LEASE,
            claimed=lambda _: None,
        )
        group = self.service.group
        self.ledger_relay = self._plant.ledger_relay(connection, group, OUTREACH_EVENTS.name, self.keeper)
        state_topic = f"{self.service.name}-state.v1"
        self.state_relay = changelog_relay(connection, group, state_topic, self.keeper, self.ledger_relay)
        self.rebuild = Rebuild(
            records=connection,
            changelog=connection,
            reader=group,
            writer=group,
            shards=self.keeper,
            clock=self._around.clock,
            state_topic=state_topic,
        )

    def _wire_intake(self, connection: Connection[S], watch: ReplicaWatch) -> None:
        self.intake = Intake(
            service=self.service.name,
            interests=self.service.interests,
            handle=self.handlers.handle_event,
            letters=self.service.group,
            marks=connection,
            clock=self._around.clock,
            watch=watch,
        )
        self.audit = Audit(
            topics=tuple(self.service.interests),
            reader=self.service.group,
            records=connection,
            marks=connection,
            shards=self.keeper,
            clock=self._around.clock,
            examiner=self.intake,
            applied=self._applied,
            trail=TRAIL,
            watch=watch,
        )

    async def _applied(self, record: LogRecord) -> int:
        assert record.key is not None
        return (await self.connection.load(record.key.decode())).applied.get(record.topic, -1)

    @property
    def answers(self) -> bool:
        """Whether requests to it are answered now."""
        return not self.machine.dead and self.machine.frozen_until <= self._around.loop.time()

    # life

    def start(self) -> None:
        """The process begins."""
        self._around.journal.say(self.machine.name, "starts")
        self.service.replicas.append(self)
        for topic in self.service.interests:
            self.run(self._consume(topic))
        for loop in (self._set_up, self._ring_clocks, self._publish, self._copy, self._probe, self._look_back):
            self.run(loop())

    def run(self, work: Coroutine[Any, Any, object]) -> None:
        """Starts work on this process's machine; what escapes it is a bug."""
        self._around.loop.start(self.machine, work).add_done_callback(self._around.ended, context=self.machine.context)

    def die(self) -> None:
        """SIGKILL."""
        self._around.journal.say(self.machine.name, "dies")
        self.machine.dead = True

    def freeze(self, span: float) -> None:
        """SIGSTOP, and SIGCONT after so many seconds."""
        self._around.journal.say(self.machine.name, f"freezes for {span:.1f} s")
        self.machine.frozen_until = self._around.loop.time() + span

    def retire(self) -> None:
        """The group took its partitions away; what is in flight goes on."""
        self._around.journal.say(self.machine.name, "loses its shards")
        self.leaving = True
        self.keeper.own([])

    # loops

    async def _set_up(self) -> None:
        shards = range(self._around.partitions)
        while not self.leaving:
            try:
                await self.rebuild.set_up(shards)
            except TransientError:
                await pass_time(SECOND)
            else:
                break
        if not self.leaving:
            self.keeper.own(shards)
            for bell in (self.service.store.clocks_bell, self.service.store.ledger_bell, self.service.store.run_bell):
                bell.ring()

    async def _consume(self, topic: str) -> None:
        group = self.service.group
        positions = {number: group.offsets.get((topic, number), 0) for number in range(self._around.partitions)}
        while not self.leaving:
            record = group.next_record(topic, positions)
            if record is None:
                await group.log.bells[topic].wait()
                continue
            await self._plant.take(self.intake.take, self._acknowledge, record)
            if not self._around.by_lot("redelivered"):
                positions[record.partition] = record.offset + 1

    def _acknowledge(self, record: LogRecord) -> None:
        """The offset is committed within a second, if the process lives so long."""
        self._around.loop.call_later(
            self._around.rng.random(),
            self.service.group.acknowledge,
            *(record.topic, record.partition, record.offset + 1),
            context=self.machine.context.copy(),
        )

    async def _ring_clocks(self) -> None:
        store, loop = self.service.store, self._around.loop
        while not self.leaving:
            due = store.next_due(self.keeper.owned)
            at = self._around.seconds(due) if due else None
            if at is None or at > loop.time():
                await store.clocks_bell.wait(at)
                continue
            # the next sweep comes within a second
            await pass_time(SECOND * self._around.rng.random())
            with suppress(TransientError):
                await self.due_loop.round()

    async def _publish(self) -> None:
        await self._carry(self.ledger_relay.round, self.ledger_relay.notice, "outbox", 0.1)

    async def _copy(self) -> None:
        if self._around.copies_states:
            await self._carry(self.state_relay.round, self.state_relay.notice, "changed", 1.0)

    async def _carry(
        self, round_: Callable[[], Awaitable[None]], notice: Callable[[int], None], what: str, pause: float
    ) -> None:
        store, rng = self.service.store, self._around.rng
        while not self.leaving:
            waiting = [shard for shard in self.keeper.owned if getattr(store.shelves[shard], what)]
            if not waiting:
                await store.ledger_bell.wait()
                continue
            await pass_time(SECOND * pause * rng.random())
            for shard in waiting:
                notice(shard)
            with suppress(TransientError):
                await round_()

    async def _probe(self) -> None:
        """Notices a store that is another run or has lost its shards, as the real process does within a second."""
        store, met = self.service.store, 0
        while not self.leaving:
            unborn = any(store.shelves[shard].record is None for shard in self.keeper.owned)
            if not unborn and store.run == met:
                await store.run_bell.wait()
                continue
            await pass_time(SECOND * self._around.rng.random())
            met = store.run
            with suppress(TransientError):
                for shard in self.keeper.owned:
                    self.keeper.forget(shard)
                await self.rebuild.set_up(sorted(self.keeper.owned))

    async def _look_back(self) -> None:
        """Audits now and then; when all is at rest, the world asks for it."""
        while not self.leaving:
            await pass_time(SECOND * self._around.rng.uniform(5, 300))
            await self.look_back()
            await self.service.group.log.bells[POLICY_EVENTS.name].wait()

    async def look_back(self) -> None:
        """One audit of every topic: a look at what the group has committed, and a trail later the proof of it."""
        if not self._plant.audits:
            return
        await self._rounds()
        await pass_time(TRAIL + SECOND)
        await self._rounds()

    async def _rounds(self) -> None:
        for topic in self.service.interests:
            with suppress(TransientError):
                await self.audit.round(topic)
