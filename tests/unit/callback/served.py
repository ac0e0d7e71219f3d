"""The service's handlers on the kernel in memory, with a clock and a dialer that the test moves."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from common.events.envelope import Envelope
from common.events.model import Fact
from common.events.profiles import CustomerProfile
from common.kernel.decision import Origin
from common.kernel.intake import fact_mark
from common.kernel.kernel import Cause, Kernel
from common.kernel.ledger import LedgerWriter
from common.kernel.memory import MemoryStore
from common.kernel.pool import Pool
from common.kernel.ports import CommitResult
from common.kernel.shards import ShardKeeper
from common.kernel.watch import Unwatched
from services.callback.adapters.memory_dialer import MemoryDialer
from services.callback.domain.rules import CallbackRules
from services.callback.domain.state import CallbackState
from services.callback.handlers import CALLBACK, Handlers, behaviour
from tests.support.packs import shipped_pack
from tests.support.polling import eventually_async
from tests.unit.callback.world import CUSTOMER, NOON

ROOM = 10


@dataclass
class HandClock:
    """Stands still until it is moved."""

    moment: datetime = NOON

    def now(self) -> datetime:
        return self.moment.astimezone(UTC)


@dataclass
class Served:
    """One replica that owns every shard."""

    clock: HandClock = field(default_factory=HandClock)
    dialer: MemoryDialer = field(default_factory=MemoryDialer)
    store: MemoryStore[CallbackState] = field(default_factory=lambda: MemoryStore(CALLBACK, partitions=2))
    bugs: list[BaseException] = field(default_factory=list)
    facts: int = 0

    async def start(self) -> "Served":
        for shard in range(2):
            await self.store.settle(shard, doubt_until=None)
        shards = ShardKeeper(self.store, self.clock)
        shards.own(range(2))
        self.pool = Pool(ROOM, self.bugs.append)
        rules = CallbackRules(shipped_pack())
        self.kernel = Kernel(
            kind=CALLBACK,
            store=self.store,
            due=self.store,
            shards=shards,
            clock=self.clock,
            pool=self.pool,
            behaviour=behaviour(rules, self.dialer),
            ledger=LedgerWriter(CALLBACK.service),
            watch=Unwatched(),
        )
        self.handlers = Handlers(self.kernel, rules)
        return self

    async def take(self, data: Fact | None, fact_id: str = "") -> CommitResult:
        """A fact arrives now, as the intake hands it on."""
        self.facts += 1
        envelope = Envelope(
            id=fact_id or f"fact-{self.facts}",
            source="/core",
            type=data.TYPE if data else CustomerProfile.TYPE,
            time=self.clock.now(),
            customer_id=CUSTOMER,
            data=data,
            digest=str(hash(encode_data(data))),
        )
        origin = Origin(envelope.id, envelope.id, "")
        cause = Cause(origin=origin, mark=fact_mark(envelope), since=self.clock.now())
        result = await self.handlers.handle_event(envelope, cause)
        await self.settle()
        return result

    async def move(self, span: timedelta) -> None:
        """Time passes; what is due is claimed and rings."""
        self.clock.moment += span
        for shard in range(2):
            claims, _ = await self.store.claim(shard, self.clock.now(), timedelta(seconds=30), 100)
            for claim in claims:
                await self.kernel.fire(claim)
        await self.settle()

    async def settle(self) -> None:
        """Lets the pool finish what it has."""
        await eventually_async(lambda: self.pool.room == ROOM)
        assert self.bugs == []


def encode_data(data: Fact | None) -> str:
    return data.model_dump_json() if data else ""
