"""The dialer in the test's own process, on a real Redis and a carrier sandbox; only Kafka is left out."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from redis.asyncio import Redis

from common.clock import SystemClock
from common.events.envelope import Envelope
from common.events.ledger import CallQueued
from common.events.model import LedgerFact
from common.events.profiles import CustomerProfile
from common.events.topics import CUSTOMER_PARTITIONS
from common.kernel.attempts import AttemptTiming
from common.kernel.decision import Origin
from common.kernel.due import DueLoop
from common.kernel.kernel import Cause, Kernel
from common.kernel.ledger import LedgerWriter
from common.kernel.pool import Pool
from common.kernel.ports import CommitResult, Loaded, NewDocument
from common.kernel.redis.connection import RunWatch, open_redis
from common.kernel.redis.store import RedisStore
from common.kernel.shards import ShardKeeper
from common.kernel.watch import Unwatched
from common.observability.health import Health
from common.observability.metrics import Metrics
from common.packs import load_packs
from common.rpc.client import open_channel
from common.rpc.guard import RpcGuard
from common.rpc.server import RpcServer
from common.service.http import HttpServer, http_app
from common.tokens import Sealer
from common.twilio.http_client import twilio_client
from nineconnect.dialer.v1 import dialer_pb2_grpc
from services.outbound_dialer.adapters.change_fan_out import ChangeFanOut
from services.outbound_dialer.adapters.redis_slots import RedisSlots
from services.outbound_dialer.adapters.twilio_voice import TwilioSession, TwilioVoiceGateway, news_in
from services.outbound_dialer.domain.rules import DialLimits, DialRules
from services.outbound_dialer.domain.state import DialerState
from services.outbound_dialer.entrypoints.grpc import SERVICE, register
from services.outbound_dialer.entrypoints.http import Webhooks, routes
from services.outbound_dialer.handlers import DIALER, Handlers, behaviour
from services.outbound_dialer.ports import CallChanged
from tests.support.ports import free_port
from tests.support.sandbox import Sandbox

LOOPBACK = "127.0.0.1"
WEBHOOK_KEY = "a key of a test, forty characters long.."
TIMING = AttemptTiming(
    start_within=timedelta(seconds=1),
    deadline=timedelta(seconds=1),
    settle=timedelta(seconds=1),
    check_every=timedelta(seconds=0.2),
)
LIMITS = DialLimits(
    ring=timedelta(seconds=25),
    grace=timedelta(seconds=1),
    fetch_every=timedelta(seconds=1),
    backoff=timedelta(seconds=0.05),
    max_never_sent=20,
)
PROFILE = CustomerProfile.model_validate(
    {**CustomerProfile.EXAMPLE, "language": "en", "time_zone": "America/New_York", "jurisdiction": "US"}
)


class TellingStore(RedisStore[DialerState]):
    """Tells watchers of each commit, as the ledger topic does where Kafka runs."""

    def __init__(self, url: str, fan_out: ChangeFanOut) -> None:
        super().__init__(url, DIALER, CUSTOMER_PARTITIONS)
        self._fan_out = fan_out

    async def commit(
        self, loaded: Loaded[DialerState], new: NewDocument[DialerState], **checks: object
    ) -> CommitResult:
        result = await super().commit(loaded, new, **checks)
        for call in new.state.calls.values() if result is CommitResult.DONE else ():
            if loaded.state.calls.get(call.call_id) != call:
                self._fan_out.tell(CallChanged(loaded.customer_id, call.call_id))
        return result


class Records(Unwatched):
    """Keeps what was told on the ledger, and wakes the due loop."""

    def __init__(self) -> None:
        self.told: list[LedgerFact] = []
        self.due_loop: DueLoop | None = None

    def committed(
        self, shard: int, clocks: Mapping[str, datetime], entries: Sequence[tuple[Origin, LedgerFact]]
    ) -> None:
        self.told += [fact for _, fact in entries]
        if self.due_loop is not None and clocks:
            self.due_loop.notice(shard, min(clocks.values()))


class DialerInProcess:
    """See the module; made by `running_dialer`."""

    def __init__(self, redis_url: str, sandbox: Sandbox, *, slot_interval: timedelta, rules: DialRules) -> None:
        clock = SystemClock()
        self.http_port = free_port()
        self.url = f"http://{LOOPBACK}:{self.http_port}"
        self.metrics = Metrics(DIALER.service)
        self.http = TwilioSession()
        client = twilio_client(
            session=self.http.session,
            account_sid=sandbox.account_sid,
            auth_token=sandbox.auth_token,
            base_url=sandbox.url,
            deadline=rules.timing.deadline,
        )
        self.gateway = TwilioVoiceGateway(client, "+12025550199", self.metrics, detect_machines=True)
        self.slots = RedisSlots(open_redis(redis_url, RunWatch()), sandbox.account_sid, slot_interval, clock)
        self.webhooks = Webhooks(
            public_url=self.url,
            news_of=news_in,
            sealer=Sealer(WEBHOOK_KEY, purpose="voice"),
            auth_token=sandbox.auth_token,
            provider="twilio",
            metrics=self.metrics,
        )
        self.fan_out = ChangeFanOut()
        self.records = Records()
        self.store = TellingStore(redis_url, self.fan_out)
        shards = ShardKeeper(self.store, clock)
        shards.own(range(CUSTOMER_PARTITIONS))
        pool = Pool(64, self._bug)
        self.bugs: list[BaseException] = []
        self.kernel = Kernel(
            kind=DIALER,
            store=self.store,
            due=self.store,
            shards=shards,
            clock=clock,
            pool=pool,
            behaviour=behaviour(rules, self.gateway, self.slots, self.webhooks.urls_of),
            ledger=LedgerWriter(DIALER.service),
            watch=self.records,
        )
        self.due_loop = self.records.due_loop = DueLoop(
            due=self.store,
            shards=shards,
            clock=clock,
            pool=pool,
            fire=self.kernel.fire,
            lease=timedelta(seconds=10),
            claimed=lambda _: None,
        )
        self.handlers = Handlers(self.kernel, rules, self.fan_out)
        self.pool = pool

    def _bug(self, error: BaseException) -> None:
        self.bugs.append(error)

    async def knows(self, customer_id: str, profile: CustomerProfile = PROFILE) -> None:
        """The customer's profile has arrived."""
        data = profile.model_copy(update={"customer_id": customer_id})
        await self.handlers.handle_event(_profile_event(customer_id, data), Cause())

    def types(self, call_id: str) -> list[str]:
        """What the ledger was told of a call, in order."""
        return [fact.TYPE for fact in self.records.told if getattr(fact, "call_id", None) == call_id]

    def ledger(self, kind: type[LedgerFact]) -> list[LedgerFact]:
        """What the ledger was told of one kind."""
        return [fact for fact in self.records.told if isinstance(fact, kind)]

    @property
    def queued(self) -> int:
        """Orders taken."""
        return len(self.ledger(CallQueued))


def _profile_event(customer_id: str, profile: CustomerProfile) -> Envelope:
    return Envelope(
        id=f"profile-{customer_id}",
        source="/tests",
        type=CustomerProfile.TYPE,
        time=datetime.now(UTC),
        customer_id=customer_id,
        data=profile,
    )


def demo_rules(**changes: object) -> DialRules:
    """The sample pack that lets invented customers be called at any hour, with short times."""
    rules = DialRules(pack=load_packs(Path("policies"), "demo"), timing=TIMING, limits=LIMITS)
    return replace(rules, **changes)


@asynccontextmanager
async def running_dialer(
    redis_url: str,
    sandbox: Sandbox,
    *,
    slot_interval: timedelta = timedelta(milliseconds=10),
    rules: DialRules | None = None,
) -> AsyncIterator[tuple[DialerInProcess, "dialer_pb2_grpc.DialerServiceAsyncStub"]]:
    """A dialer and a client of its API; the Redis database is emptied first."""
    dialer = DialerInProcess(redis_url, sandbox, slot_interval=slot_interval, rules=rules or demo_rules())
    async with AsyncExitStack() as ends:
        ends.push_async_callback(dialer.http.stop)
        ends.push_async_callback(dialer.slots.stop)
        ends.push_async_callback(dialer.store.close)
        async with Redis.from_url(redis_url) as redis:
            await redis.flushdb()
        for shard in range(CUSTOMER_PARTITIONS):
            await dialer.store.settle(shard, doubt_until=None)
        app = http_app(routes(dialer.handlers, dialer.webhooks), Health(DIALER.service), dialer.metrics)
        http = HttpServer(app, LOOPBACK, dialer.http_port)
        await http.start()
        ends.push_async_callback(http.stop)
        guard = RpcGuard(count=dialer.metrics.grpc_request, bug=lambda: None)
        services = {SERVICE: partial(register, dialer.handlers)}
        rpc = RpcServer(host=LOOPBACK, port=0, services=services, guard=guard)
        await rpc.start()
        ends.push_async_callback(rpc.stop)
        loop = asyncio.create_task(dialer.due_loop.run())
        ends.push_async_callback(dialer.pool.drain, timedelta(seconds=5))
        ends.callback(loop.cancel)
        channel = await ends.enter_async_context(open_channel(f"{LOOPBACK}:{rpc.port}"))
        yield dialer, dialer_pb2_grpc.DialerServiceStub(channel)
    assert dialer.bugs == []
