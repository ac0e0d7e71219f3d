"""Decide, commit, act: the one way in which any service changes anything.

A fact, a command, a status webhook, a clock that is due and the outcome of a provider call all take the same path:
load the customer's document, decide purely, commit atomically, and only then act on what the commit reserved.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Generic, TypeVar

import stamina

from common.clock import Clock
from common.errors import AppError, PermanentError, TransientError
from common.events.model import LedgerFact
from common.kernel.decision import Decision, Effect, Moment, Origin
from common.kernel.document import AggregateType
from common.kernel.ledger import LedgerWriter
from common.kernel.pool import Pool
from common.kernel.ports import (
    AggregateStore,
    Claim,
    CommitResult,
    DueWork,
    FactMark,
    Loaded,
    LogPosition,
    NewDocument,
)
from common.kernel.shards import NOT_READY_RETRY, ShardKeeper
from common.kernel.watch import KernelWatch
from common.observability.tracing import enter_story

S = TypeVar("S")
Decide = Callable[[S, Moment], Decision[S]]

MAX_ROUNDS = 20
"""Two writers of one customer collide rarely; twenty collisions in a row mean that something is wrong."""

MAX_AT_ONCE = 16
"""How many clocks one commit may fire besides its own decision; the rest waits for the shard's loop."""

CLOCK_GRAIN = timedelta(milliseconds=10)
"""Stores keep times in milliseconds; a claim due later than its clock by more is one whose earlier lease ended."""

OUTCOME_ATTEMPTS = 8
"""How often the outcome of a call is offered to an unavailable store; after that reconciliation finds it out."""


@dataclass(frozen=True)
class Behaviour(Generic[S]):
    """What a service adds to the kernel.

    Attributes:
        decide_due: pure; a clock of the state is due. The clock must move or go: an unchanged state is a bug.
        decide_outcome: pure; a provider call ended with a value or an `AppError`.
        perform: makes the provider call (customer id, effect) with a deadline; raises `TransientError` only if it was
            certainly not processed, `OutcomeUnknown` if nobody can say.
    """

    decide_due: Callable[[S, str, Moment], Decision[S]]
    decide_outcome: Callable[[S, Effect, object, Moment], Decision[S]]
    perform: Callable[[str, Effect], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Cause:
    """What a decision answers to.

    Attributes:
        origin: the story that ledger entries belong to, unless the decision says otherwise.
        mark: makes a fact or command take effect once.
        position: where the fact stands in its topic.
        since: from when on it could have been acted on; None means now.
        happened_at: the fact's own time, None if it has none: it may have been published, and handled, before.
        healed: found missing by the audit.
        claim: the due work that fired.
    """

    origin: Origin = Origin()  # noqa: RUF009  # frozen, so one instance may serve all
    mark: FactMark | None = None
    position: LogPosition | None = None
    since: datetime | None = None
    happened_at: datetime | None = None
    healed: bool = False
    claim: Claim | None = None


@dataclass(frozen=True, slots=True)
class Handled(Generic[S]):
    """What came of it, and the document as it stands."""

    result: CommitResult
    loaded: Loaded[S]


@dataclass
class Kernel(Generic[S]):
    """One service's kernel; see the module."""

    kind: AggregateType[S]
    store: AggregateStore[S]
    due: DueWork
    shards: ShardKeeper
    clock: Clock
    pool: Pool
    behaviour: Behaviour[S]
    ledger: LedgerWriter
    watch: KernelWatch

    async def read(self, customer_id: str) -> S:
        """The customer's state as committed."""
        return (await self.store.load(customer_id)).state

    async def handle(
        self, customer_id: str, decide: Decide[S], cause: Cause | None = None, *, known: Loaded[S] | None = None
    ) -> Handled[S]:
        """Decides on the current state and commits, again when another writer was faster, and starts the effects.

        Args:
            known: the document as this process just committed it, to save a read; loaded when it proves stale.

        Raises:
            TransientError: the store is unavailable, the shard is not ready, or 20 rounds collided.
        """
        cause = cause or Cause()
        for _ in range(MAX_ROUNDS):
            loaded = known or await self.store.load(customer_id)
            known = None
            moment = await self._moment(customer_id, cause)
            steps = self._with_what_is_due(decide(loaded.state, moment), moment)
            handled = await self._commit(loaded, steps, cause, moment)
            if handled:
                return handled
            self.watch.collided()
        raise TransientError("commit_contention", customer_id=customer_id)

    async def _moment(self, customer_id: str, cause: Cause) -> Moment:
        moment = await self.shards.moment(self.store.shard_of(customer_id), since=cause.since, healed=cause.healed)
        # published twice, it may have been handled the first time by writes that were lost since
        again = cause.happened_at and moment.doubt_until and cause.happened_at <= moment.doubt_until
        return replace(moment, healed=True) if again else moment

    async def fire(self, claim: Claim) -> None:
        """Lets a claimed clock ring; a clock that was moved or silenced meanwhile does nothing."""

        def decide(state: S, moment: Moment) -> Decision[S]:
            due_at = self.kind.clocks(state).get(claim.item_id)
            if due_at is None or due_at > moment.now:
                return Decision(state)
            self.watch.fired(moment.now - due_at)
            if claim.due_at - due_at > CLOCK_GRAIN:
                self.watch.lease_expired()
            return self._ring(state, claim.item_id, replace(moment, since=min(due_at, moment.since)))

        await self.handle(claim.customer_id, decide, Cause(claim=claim))

    def _ring(self, state: S, item_id: str, moment: Moment) -> Decision[S]:
        decision = self.behaviour.decide_due(state, item_id, moment)
        if decision.state == state:
            raise PermanentError("clock_did_not_move", service=self.kind.service, item_id=item_id)
        return decision

    def _with_what_is_due(self, first: Decision[S], moment: Moment) -> list[Decision[S]]:
        """The decision, followed by those of clocks that are due already: one commit instead of several."""
        steps = [first]
        while self.pool.room and len(steps) <= MAX_AT_ONCE:
            clocks = self.kind.clocks(steps[-1].state)
            item_id = next((item for item, at in clocks.items() if at <= moment.now), None)
            if item_id is None:
                break
            since = min(clocks[item_id], moment.since)
            step = self._ring(steps[-1].state, item_id, replace(moment, since=since))
            steps.append(step if step.origin else replace(step, origin=first.origin))
        return steps

    async def _commit(
        self, loaded: Loaded[S], steps: list[Decision[S]], cause: Cause, moment: Moment
    ) -> Handled[S] | None:
        """One commit; None when the document moved and everything must be decided again."""
        entries = [(step.origin or cause.origin, fact) for step in steps for fact in step.ledger]
        state = steps[-1].state
        idle = state == loaded.state and not entries and not cause.mark
        if idle and (cause.claim is None or cause.claim.item_id not in self.kind.clocks(state)):
            if cause.claim:
                await self.due.drop(cause.claim)
            return Handled(CommitResult.DONE, loaded)
        new = self._document(loaded, state, cause, moment, self.ledger.encode(loaded, entries, moment.now))
        result = await self.store.commit(loaded, new, mark=cause.mark, claim=cause.claim)
        if result is CommitResult.MOVED:
            return None
        if result is CommitResult.UNBORN:
            self.shards.forget(self.store.shard_of(loaded.customer_id))
            raise TransientError("shard_not_ready", retry_after=NOT_READY_RETRY)
        if result is not CommitResult.DONE:
            self.watch.refused(result)
            return Handled(result, loaded)
        committed = replace(loaded, state=state, version=new.version, sequence=new.sequence, applied=new.applied)
        self._afterwards(committed, new, steps, entries)
        return Handled(result, committed)

    def _document(
        self, loaded: Loaded[S], state: S, cause: Cause, moment: Moment, ledger: list[bytes]
    ) -> NewDocument[S]:
        before, after = self.kind.clocks(loaded.state), self.kind.clocks(state)
        changed = {item: at for item, at in after.items() if before.get(item) != at}
        if cause.claim and cause.claim.item_id in after:
            changed[cause.claim.item_id] = after[cause.claim.item_id]
        removed = [item for item in before if item not in after]
        if cause.claim and cause.claim.item_id not in after:
            removed.append(cause.claim.item_id)
        return NewDocument(
            state=state,
            version=self.store.next_version(loaded.version),
            sequence=loaded.sequence + len(ledger),
            applied=_applied(loaded.applied, cause, moment),
            clocks_set=changed,
            clocks_removed=removed,
            ledger=ledger,
        )

    def _afterwards(
        self,
        committed: Loaded[S],
        new: NewDocument[S],
        steps: list[Decision[S]],
        entries: list[tuple[Origin, LedgerFact]],
    ) -> None:
        self.watch.committed(self.store.shard_of(committed.customer_id), new.clocks_set, entries)
        for step in steps:
            for effect in step.effects:
                self.pool.submit(self._act(committed, effect, step.origin))

    async def _act(self, committed: Loaded[S], effect: Effect, origin: Origin | None) -> None:
        """Performs a reserved effect and commits what came of it; runs in a task of its own."""
        cause = Cause(origin=origin or Origin())
        enter_story(cause.origin.correlation_id, cause.origin.traceparent)
        outcome = await self._perform(committed.customer_id, effect)

        def decide(state: S, moment: Moment) -> Decision[S]:
            return self.behaviour.decide_outcome(state, effect, outcome, moment)

        known: Loaded[S] | None = committed
        try:
            async for attempt in stamina.retry_context(on=TransientError, attempts=OUTCOME_ATTEMPTS, timeout=30):
                with attempt:
                    await self.handle(committed.customer_id, decide, cause, known=known)
                known = None
        except TransientError as error:
            # the attempt stays open in the document, so its own clock reconciles it
            self.watch.outcome_not_recorded(effect, error)

    async def _perform(self, customer_id: str, effect: Effect) -> object:
        # nothing may be awaited between this check and the call: a stale owner must not start it (the fence)
        if self.clock.now() > effect.act_before:
            return TransientError("not_started", retry_after=timedelta(0))
        try:
            return await self.behaviour.perform(customer_id, effect)
        except AppError as error:
            return error


def _applied(applied: Mapping[str, int], cause: Cause, moment: Moment) -> Mapping[str, int]:
    """How far each topic is contained in the document: no claim may pass over a fact that lost writes took out."""
    position = cause.position
    if position is None or not moment.whole or position.offset <= applied.get(position.topic, -1):
        return applied
    return {**applied, position.topic: position.offset}
