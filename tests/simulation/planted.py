"""Planted bugs: each leaves out one thing that the kernel does, and must be found."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from common.clock import Clock
from common.errors import OutcomeUnknown, TransientError
from common.kernel.attempts import AttemptTiming
from common.kernel.decision import Decision, Effect, Moment
from common.kernel.kernel import Behaviour, Cause, Handled, Kernel
from common.kernel.log import LogRecord, LogWriter
from common.kernel.ports import Claim, CommitResult, FactMark, Loaded, NewDocument
from common.kernel.relay import LEDGER_PAUSE, Relay
from common.kernel.shards import ShardKeeper
from tests.simulation.plants import Plant, Take
from tests.simulation.stores import Connection
from tests.simulation.wire import done


class NoFence(Plant):
    """An effect is started however late, and a claim that was taken over still counts."""

    class _Kernel(Kernel[Any]):
        async def _perform(self, customer_id: str, effect: Effect) -> object:
            never = datetime.max.replace(tzinfo=effect.act_before.tzinfo)
            return await super()._perform(customer_id, replace(effect, act_before=never))

    class _Store(Connection[Any]):
        async def commit(
            self,
            loaded: Loaded[Any],
            new: NewDocument[Any],
            *,
            mark: FactMark | None = None,
            claim: Claim | None = None,
        ) -> CommitResult:
            return await super().commit(loaded, new, mark=mark)

    def kernel(self, **parts: Any) -> Kernel[Any]:
        return self._Kernel(**parts)

    def store(self, connection: Connection[Any]) -> Connection[Any]:
        return connection.turned_into(self._Store)


class ActsBeforeItReserves(Plant):
    """The provider is called before the commit that reserves the attempt."""

    class _Kernel(Kernel[Any]):
        async def _commit(
            self, loaded: Loaded[Any], steps: list[Decision[Any]], cause: Cause, moment: Moment
        ) -> Handled[Any] | None:
            for step in steps:
                for effect in step.effects:
                    self.pool.submit(self._act(loaded, effect, step.origin))
            return await super()._commit(loaded, [replace(step, effects=()) for step in steps], cause, moment)

    def kernel(self, **parts: Any) -> Kernel[Any]:
        return self._Kernel(**parts)


class NoSeenMarks(Plant):
    """A fact takes effect as often as it comes."""

    class _Store(Connection[Any]):
        async def commit(
            self,
            loaded: Loaded[Any],
            new: NewDocument[Any],
            *,
            mark: FactMark | None = None,
            claim: Claim | None = None,
        ) -> CommitResult:
            result = await super().commit(loaded, new, claim=claim)
            if mark and result is CommitResult.DONE:
                await self.mark(self.shard_of(loaded.customer_id), [mark])
            return result

    def store(self, connection: Connection[Any]) -> Connection[Any]:
        return connection.turned_into(self._Store)


class SendsAgainOnTimeOut(Plant):
    """What nobody knows the outcome of counts as never processed."""

    def behaviour(self, behaviour: Behaviour[Any]) -> Behaviour[Any]:
        def decide(state: Any, effect: Effect, outcome: object, moment: Moment) -> Decision[Any]:
            mistaken = TransientError("timed_out") if isinstance(outcome, OutcomeUnknown) else outcome
            return behaviour.decide_outcome(state, effect, mistaken, moment)

        return replace(behaviour, decide_outcome=decide)


class ForgetsBeforeItPublishes(Plant):
    """The relay trims the outbox before the ledger topic has the entries."""

    def ledger_relay(self, outbox: Connection[Any], writer: LogWriter, topic: str, shards: ShardKeeper) -> Relay:
        async def carry(dirty: Sequence[int]) -> Sequence[int]:
            waiting = await outbox.read(dirty, 500)
            if not waiting:
                return []
            await outbox.trim({shard: entries[-1].position for shard, entries in waiting.items()})
            pairs = {shard: [(entry.key, entry.value) for entry in entries] for shard, entries in waiting.items()}
            await writer.publish(topic, pairs)
            return []

        return Relay(pause=LEDGER_PAUSE, shards=shards, carry=carry)


class BelievesTheListAtOnce(Plant):
    """A look-up that finds nothing proves that nothing was sent, whenever it began."""

    def timing(self, timing: AttemptTiming) -> AttemptTiming:
        return replace(timing, settle=-timing.window)


class NeverDoubts(Plant):
    """What was possible before lost writes is taken for not done."""

    class _Keeper(ShardKeeper):
        async def moment(self, shard: int, *, since: datetime | None = None, healed: bool = False) -> Moment:
            return replace(await super().moment(shard, since=since), doubt_until=None, healed=False)

    def keeper(self, records: Connection[Any], clock: Clock) -> ShardKeeper:
        return self._Keeper(records, clock)


class HealsAsIfNew(Plant):
    """What the audit finds missing is done without asking the provider first."""

    class _Keeper(ShardKeeper):
        async def moment(self, shard: int, *, since: datetime | None = None, healed: bool = False) -> Moment:
            now = self.clock.now() if healed else since
            return replace(await super().moment(shard, since=now), healed=False)

    def keeper(self, records: Connection[Any], clock: Clock) -> ShardKeeper:
        return self._Keeper(records, clock)


class ClaimsOffsetsAlways(Plant):
    """Documents claim what came after lost writes before the audit has gone over them."""

    class _Keeper(ShardKeeper):
        async def moment(self, shard: int, *, since: datetime | None = None, healed: bool = False) -> Moment:
            return replace(await super().moment(shard, since=since, healed=healed), whole=True)

    def keeper(self, records: Connection[Any], clock: Clock) -> ShardKeeper:
        return self._Keeper(records, clock)


class NoVersionCheck(Plant):
    """Whoever commits last wins."""

    class _Store(Connection[Any]):
        async def commit(
            self,
            loaded: Loaded[Any],
            new: NewDocument[Any],
            *,
            mark: FactMark | None = None,
            claim: Claim | None = None,
        ) -> CommitResult:
            # as if the version were that of the document, whatever it is when the commit arrives
            current = done(self.store.load(loaded.customer_id)).version
            return await super().commit(
                replace(loaded, version=current),
                replace(new, version=self.next_version(current)),
                mark=mark,
                claim=claim,
            )

    def store(self, connection: Connection[Any]) -> Connection[Any]:
        return connection.turned_into(self._Store)


class NoAudit(Plant):
    """Nobody looks whether everything took effect."""

    audits = False


class AcknowledgesFirst(Plant):
    """A record is acknowledged before it has taken effect."""

    async def take(self, take: Take, acknowledge: Callable[[LogRecord], None], record: LogRecord) -> None:
        acknowledge(record)
        await take(record)


class ForgetsClocks(Plant):
    """A commit sets no clocks, so nothing comes back by itself."""

    class _Store(Connection[Any]):
        async def commit(
            self,
            loaded: Loaded[Any],
            new: NewDocument[Any],
            *,
            mark: FactMark | None = None,
            claim: Claim | None = None,
        ) -> CommitResult:
            no_clocks: Mapping[str, datetime] = {}
            return await super().commit(loaded, replace(new, clocks_set=no_clocks), mark=mark, claim=claim)

    def store(self, connection: Connection[Any]) -> Connection[Any]:
        return connection.turned_into(self._Store)


PLANTED: tuple[type[Plant], ...] = (
    NoFence,
    ActsBeforeItReserves,
    NoSeenMarks,
    SendsAgainOnTimeOut,
    ForgetsBeforeItPublishes,
    BelievesTheListAtOnce,
    NeverDoubts,
    HealsAsIfNew,
    ClaimsOffsetsAlways,
    NoVersionCheck,
    NoAudit,
    AcknowledgesFirst,
    ForgetsClocks,
)
