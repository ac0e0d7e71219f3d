"""Composes the kernel with Kafka, Redis and HTTP into one process that starts, serves and stops cleanly."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Generic, Protocol, TypeVar

from starlette.routing import BaseRoute

from common.clock import Clock, SystemClock
from common.errors import PermanentError, TransientError
from common.events.topics import CUSTOMER_PARTITIONS, OUTREACH_EVENTS, POLICY_EVENTS
from common.kafka.consumer_group import ConsumerGroup, GroupSettings
from common.kafka.dead_letter_writer import KafkaDeadLetters
from common.kafka.log_reader import KafkaLogReader
from common.kafka.membership import Membership
from common.kafka.publisher import KafkaPublisher
from common.kernel.audit import Audit
from common.kernel.document import AggregateType
from common.kernel.due import DueLoop
from common.kernel.intake import HandleFact, Intake, Interest
from common.kernel.kernel import Behaviour, Kernel
from common.kernel.ledger import LedgerWriter
from common.kernel.log import LogRecord
from common.kernel.pool import Pool
from common.kernel.ports import OutboxEntry
from common.kernel.rebuild import Rebuild
from common.kernel.redis.store import RedisStore
from common.kernel.relay import changelog_relay, ledger_relay
from common.kernel.shards import ShardKeeper
from common.observability.health import Health, keep_beating
from common.observability.logging import get_logger
from common.observability.metrics import Metrics
from common.service.http import HttpServer, http_app
from common.service.patience import Patience
from common.service.watching import INTAKE, ServiceWatch
from common.settings import ServiceSettings

S = TypeVar("S")
_log = get_logger("service")

RETRY_START = timedelta(seconds=1)
STOPPING = timedelta(seconds=8)
"""All of a stop, even when Kafka and Redis are away; with what libraries need at the end it may not exceed 10 s."""

STEP = timedelta(seconds=3)
FLUSH = timedelta(seconds=1)

PROBE = timedelta(seconds=1)
LOG_PROBE = timedelta(seconds=5)
STORE, LOG, SHARDS = "redis_reachable", "kafka_reachable", "shards_assigned"
REMEDIES = {
    STORE: "Check that Redis runs and that REDIS_URL leads to it.",
    LOG: "Check that Kafka runs and that KAFKA_BOOTSTRAP_SERVERS leads to it.",
    SHARDS: "Wait for the rebalance; if it lasts, compare the number of replicas with that of partitions.",
    INTAKE: "Look at the other checks first; intake goes on by itself once what it waits for is back.",
}


class Lifecycle(Protocol):
    """Something that runs beside the kernel: a gRPC server, a ticker, a client that must be closed."""

    async def start(self) -> None:
        """Begins; called once, before intake."""

    async def stop(self) -> None:
        """Ends in order; called once, after intake."""


class ServiceRuntime(Generic[S]):
    """One service's process.

    Args:
        settings: what every service is told.
        kind: the service's document.
        behaviour: the service's pure decisions and its one way to act.
        interests: topic → what the service handles of it; the shard topic must be among them.
    """

    def __init__(
        self,
        *,
        settings: ServiceSettings,
        kind: AggregateType[S],
        behaviour: Behaviour[S],
        interests: Mapping[str, Interest],
        metrics: Metrics,
        clock: Clock | None = None,
    ) -> None:
        self._settings = settings
        self._kind = kind
        self._interests = interests
        self.clock = clock or SystemClock()
        self.metrics = metrics
        self.health = Health(kind.service)
        self._conditions = {name: self.health.require(name, remedy=remedy) for name, remedy in REMEDIES.items()}
        self._conditions[INTAKE].met()
        self._ended = asyncio.Event()
        self._exit_status = 0
        self._taking_over: asyncio.Task[None] | None = None
        self.store: RedisStore[S] = RedisStore(settings.redis_url, kind, CUSTOMER_PARTITIONS)
        self._watch = ServiceWatch(self.metrics, self._conditions[INTAKE], self.clock, self._fail)
        self._pool = Pool(settings.pool_limit, self._watch.bug_in_pool)
        self._shards = ShardKeeper(self.store, self.clock)
        self._publisher = KafkaPublisher(settings.kafka_bootstrap_servers, kind.service)
        self._reader = KafkaLogReader(settings.kafka_bootstrap_servers, kind.service)
        self.kernel = Kernel(
            kind=kind,
            store=self.store,
            due=self.store,
            shards=self._shards,
            clock=self.clock,
            pool=self._pool,
            behaviour=behaviour,
            ledger=LedgerWriter(kind.service),
            watch=self._watch,
        )
        self._wire_loops()

    def _wire_loops(self) -> None:
        state_topic = f"{self._kind.service}-state.v1"
        self._due_loop = DueLoop(
            due=self.store,
            shards=self._shards,
            clock=self.clock,
            pool=self._pool,
            fire=self.kernel.fire,
            lease=self._settings.lease_seconds,
            claimed=self._watch.claimed,
        )
        self._ledger_relay = ledger_relay(
            self.store, self._publisher, OUTREACH_EVENTS.name, self._shards, self._published, self._found
        )
        self._changelog_relay = changelog_relay(
            self.store, self._publisher, state_topic, self._shards, self._ledger_relay
        )
        self._watch.due_loop = self._due_loop
        self._watch.relays = (self._ledger_relay, self._changelog_relay)
        self._rebuild = Rebuild(
            records=self.store,
            changelog=self.store,
            reader=self._reader,
            writer=self._publisher,
            shards=self._shards,
            clock=self.clock,
            state_topic=state_topic,
        )

    def _published(self, entries: Mapping[int, Sequence[OutboxEntry]]) -> None:
        for shard, published in entries.items():
            self.metrics.outbox_published(shard, len(published))

    def _found(self, entries: Mapping[int, Sequence[OutboxEntry]]) -> None:
        for shard in entries:
            self.metrics.outbox_waiting(shard)

    async def run(
        self, *, handle: HandleFact, routes: Sequence[BaseRoute] = (), extras: Sequence[Lifecycle] = ()
    ) -> int:
        """Serves until SIGTERM, SIGINT or a fatal error.

        Args:
            handle: the service's handler of facts.
            routes: its HTTP routes beside health and metrics.
            extras: what else runs in the process, started in order and stopped in reverse.

        Returns:
            The exit status: 0 after a signal, 1 after a fatal error.
        """
        self._listen_for_signals()
        app = http_app(routes, self.health, self.metrics)
        http = HttpServer(app, self._settings.http_host, self._settings.http_port)
        await http.start()
        group = self._group(handle)
        starting = asyncio.create_task(self._start(group, extras))
        loops: list[asyncio.Task[None]] = []
        try:
            await self._either(starting)
            if not self._ended.is_set():
                loops = [asyncio.create_task(self._guarded(loop)) for loop in self._loops(group)]
                await self._ended.wait()
        finally:
            starting.cancel()
            await self._stop(group, loops, extras, http)
        return self._exit_status

    def _loops(self, group: ConsumerGroup) -> Sequence[Callable[[], Awaitable[None]]]:
        audit = self._audit.run
        membership = Membership(
            clients=self._reader.group_clients,
            client_id=group.client_id,
            session_timeout=self._settings.session_timeout_seconds,
            clock=self.clock,
            lost=self._watch.fatal,
        )
        return (
            self._due_loop.run,
            self._ledger_relay.run,
            self._changelog_relay.run,
            audit,
            self._probe,
            self._probe_log,
            membership.run,
            self._beat,
        )

    def _group(self, handle: HandleFact) -> ConsumerGroup:
        intake = Intake(
            service=self._kind.service,
            interests=self._interests,
            handle=handle,
            letters=KafkaDeadLetters(self._publisher, self._kind.service, self.clock),
            marks=self.store,
            clock=self.clock,
            watch=self._watch,
        )
        self._audit = Audit(
            topics=tuple(self._interests),
            reader=self._reader,
            records=self.store,
            marks=self.store,
            shards=self._shards,
            clock=self.clock,
            examiner=intake,
            applied=self._applied,
            trail=self._settings.audit_trail_seconds,
            every=self._settings.audit_every_seconds,
            watch=self._watch,
        )
        return ConsumerGroup(
            GroupSettings(
                bootstrap_servers=self._settings.kafka_bootstrap_servers,
                group=self._kind.service,
                shard_topic=POLICY_EVENTS.name,
                topics=tuple(self._interests),
                partitions=CUSTOMER_PARTITIONS,
                session_timeout=self._settings.session_timeout_seconds,
            ),
            intake.take,
            self._take_over,
        )

    async def _applied(self, record: LogRecord) -> int:
        if not record.key:
            return -1
        try:
            loaded = await self.store.load(record.key.decode(errors="replace"))
        except PermanentError:
            # nobody can read the document: handling the record says so in a letter
            return -1
        return loaded.applied.get(record.topic, -1)

    async def _start(self, group: ConsumerGroup, extras: Sequence[Lifecycle]) -> None:
        await self._until_there(self.store.ping, STORE)
        await self._until_there(self._publisher.start, LOG)
        for extra in extras:
            await extra.start()
        await group.start()

    async def _until_there(self, step: Callable[[], Awaitable[None]], name: str) -> None:
        while True:
            try:
                await step()
            except TransientError as error:
                _log.warning("waiting_for", part=name, code=error.code, kind=error.context.get("kind"))
                self._conditions[name].failed(error.code)
                await asyncio.sleep(RETRY_START.total_seconds())
            else:
                self._conditions[name].met()
                return

    async def _take_over(self, shards: frozenset[int]) -> None:
        """The group gave us exactly these shards; the rebalance must not wait for a store that is away."""
        _log.info("shards_assigned", count=len(shards))
        self._shards.own(self._shards.owned & shards)
        if self._taking_over is not None:
            self._taking_over.cancel()
        self._taking_over = asyncio.create_task(self._guarded(partial(self._set_up, shards)))

    async def _set_up(self, shards: frozenset[int]) -> None:
        self.metrics.shards_owned(shards)
        while True:
            try:
                restored = await self._rebuild.set_up(sorted(shards))
            except TransientError as error:
                self._conditions[SHARDS].failed(error.code)
                await asyncio.sleep(RETRY_START.total_seconds())
            else:
                break
        if restored:
            _log.warning("documents_restored", count=restored)
        self._shards.own(shards)
        if shards:
            self._conditions[SHARDS].met()
        else:
            self._conditions[SHARDS].failed("no_partitions_assigned")

    async def _probe(self) -> None:
        """Keeps readiness honest while nothing comes in, and notices a store that has lost its shards."""
        turn = 0
        while True:
            try:
                await self.store.ping()
                await self._set_up_again(turn)
            except TransientError as error:
                self._conditions[STORE].failed(error.code)
                self.metrics.store_unavailable()
            else:
                self._conditions[STORE].met()
            turn += 1
            await asyncio.sleep(PROBE.total_seconds())

    async def _probe_log(self) -> None:
        """As `_probe`, for Kafka: by the audit's client, which is independent of intake."""
        while True:
            try:
                await self._reader.committed(POLICY_EVENTS.name, ())
            except TransientError as error:
                self._conditions[LOG].failed(error.code)
            else:
                self._conditions[LOG].met()
            await asyncio.sleep(LOG_PROBE.total_seconds())

    async def _set_up_again(self, turn: int) -> None:
        """Looks at one owned shard a turn: a store that lost everything has lost all of them."""
        owned = sorted(self._shards.owned)
        if not owned:
            return
        shard = owned[turn % len(owned)]
        self._shards.forget(shard)
        if not (await self._shards.record(shard)).born:
            for each in owned:
                self._shards.forget(each)
            restored = await self._rebuild.set_up(owned)
            _log.error("store_lost", documents_restored=restored)

    async def _beat(self) -> None:
        await keep_beating(self.health)

    async def _guarded(self, loop: Callable[[], Awaitable[None]]) -> None:
        try:
            await loop()
        except Exception as error:  # the one guard of the loops: without them nothing would move, so the process ends
            self.metrics.bug("loop")
            _log.error("bug", entrypoint="loop", exc_info=error)
            self._fail("loop_died")

    async def _either(self, starting: asyncio.Task[None]) -> None:
        ended = asyncio.create_task(self._ended.wait())
        await asyncio.wait({starting, ended}, return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
        if starting.done():
            starting.result()

    async def _stop(
        self,
        group: ConsumerGroup,
        loops: Sequence[asyncio.Task[None]],
        extras: Sequence[Lifecycle],
        http: HttpServer,
    ) -> None:
        """Takes nothing new, finishes what is in flight, publishes what is committed, closes."""
        within = Patience(STOPPING)
        self._conditions[INTAKE].failed("stopping")
        await within(STEP, group.stop())
        if self._taking_over is not None:
            loops = [*loops, self._taking_over]
        for loop in loops:
            loop.cancel()
        await within(FLUSH, asyncio.gather(*loops, return_exceptions=True))
        # before the extras, which hold the connections that calls in flight need
        left = await self._pool.drain(min(STEP, within.left))
        if left:
            _log.warning("work_left_for_next_owner", count=left)
        for extra in reversed(extras):
            await within(STEP, extra.stop())
        await within(STEP, http.stop())
        for relay in (self._ledger_relay, self._changelog_relay):
            with suppress(TransientError):
                await within(FLUSH, relay.flush())
        for close in (self._publisher.close, self._reader.close, self.store.close):
            await within(FLUSH, close())

    def _listen_for_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._ended.set)

    def _fail(self, _reason: str) -> None:
        self._exit_status = 1
        self._ended.set()
