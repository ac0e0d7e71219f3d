"""A kernel on a memory store and virtual time, with a post office that does what the test says."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from itertools import count
from typing import Any, TypeVar

import orjson

from common.kernel.decision import Effect
from common.kernel.kernel import Cause, Handled, Kernel
from common.kernel.ledger import LedgerWriter
from common.kernel.memory import MemoryStore
from common.kernel.pool import Pool
from common.kernel.ports import FactMark
from common.kernel.shards import ShardKeeper
from tests.support.kernel.desk import CUSTOMER, DESK, Desk, desk_behaviour
from tests.support.kernel.watches import Seen
from tests.support.virtual_time import VirtualClock, VirtualLoop

T = TypeVar("T")


@dataclass
class PostOffice:
    """Takes letters. `answer` says what becomes of each: a value, an exception, or something to wait for first."""

    answer: Callable[[Effect], object] = lambda _: "accepted"
    book: list[str] = field(default_factory=list)
    before: Callable[[], Coroutine[Any, Any, None]] | None = None

    async def perform(self, customer_id: str, effect: Effect) -> object:
        self.book.append(effect.attempt_id)
        if self.before:
            await self.before()
        outcome = self.answer(effect)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


class Office:
    """One process with a kernel over a store that several may share."""

    def __init__(self, store: MemoryStore[Desk] | None = None, *, loop: VirtualLoop | None = None, room: int = 8):
        self.loop = loop or VirtualLoop()
        self.clock = VirtualClock(self.loop)
        self.store = store or MemoryStore(DESK, partitions=4)
        self.shard = self.store.shard_of(CUSTOMER)
        self.watch = Seen()
        self.bugs: list[BaseException] = []
        self.pool = Pool(room, self.bugs.append)
        self.post = PostOffice()
        self.keeper = ShardKeeper(self.store, self.clock)
        self.keeper.own(range(4))
        numbers = count(1)
        self.kernel: Kernel[Desk] = Kernel(
            kind=DESK,
            store=self.store,
            due=self.store,
            shards=self.keeper,
            clock=self.clock,
            pool=self.pool,
            behaviour=desk_behaviour(self.post.perform),
            ledger=LedgerWriter("desk", new_id=lambda: f"e-{next(numbers)}"),
            watch=self.watch,
        )

    async def open(self) -> None:
        """Sets the shards up."""
        for shard in range(4):
            await self.store.settle(shard, doubt_until=None)

    def run(self, main: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Runs the test's body with the shards set up."""

        async def body() -> T:
            await self.open()
            return await main()

        return self.loop.run(body())

    async def handle(self, decide: Any, cause: Cause | None = None) -> Handled[Desk]:
        return await self.kernel.handle(CUSTOMER, decide, cause)

    async def notes(self) -> tuple[str, ...]:
        return (await self.kernel.read(CUSTOMER)).notes

    async def quiet(self) -> None:
        """Lets everything run that is under way."""
        while self.pool._tasks:
            await asyncio.wait(set(self.pool._tasks))

    async def told(self) -> list[dict[str, Any]]:
        """The ledger entries that wait in the outbox, decoded."""
        waiting = await self.store.read([self.shard], 1000)
        told = [orjson.loads(entry.value) for entry in waiting.get(self.shard, [])]
        return [{**entry, "sequence": int(entry["sequence"])} for entry in told]


def fact(name: str, digest: str = "d") -> Cause:
    """What a decision about a fact of this name answers to."""
    return Cause(mark=FactMark(name, digest))
