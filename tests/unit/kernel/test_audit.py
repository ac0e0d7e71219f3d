"""The audit proves that every record took effect, and heals what did not; the rebuild brings lost documents back."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

from common.events.envelope import Envelope
from common.events.upstream import PremiumPaymentFailed
from common.kernel.audit import OUTAGE_PAUSE, Audit
from common.kernel.intake import Intake, Interest
from common.kernel.kernel import Cause
from common.kernel.log import LogRecord
from common.kernel.ports import CommitResult
from common.kernel.rebuild import Rebuild
from common.kernel.relay import changelog_relay, ledger_relay
from tests.support.kernel.desk import CUSTOMER, note
from tests.support.kernel.facts import FACTS, LEDGER, fact_value, other_fact
from tests.support.kernel.log import KeptLetters, MemoryLog
from tests.support.kernel.office import Office
from tests.support.virtual_time import START, pass_time

STATES = "desk-state.v1"
SECOND = timedelta(seconds=1)
TRAIL = 30 * SECOND


class Auditor:
    """An office with intake, audit and rebuild over one log."""

    def __init__(self, office: Office | None = None, log: MemoryLog | None = None) -> None:
        self.office = office or Office()
        self.log = log or MemoryLog(self.office.clock.now)
        self.letters = KeptLetters()
        self.seen = self.office.watch
        self.healed: list[bool] = []
        self.intake = Intake(
            service="desk",
            interests={FACTS: Interest(frozenset({PremiumPaymentFailed.TYPE}))},
            handle=self._handle,
            letters=self.letters,
            marks=self.office.store,
            clock=self.office.clock,
            watch=self.seen,
        )
        self.audit = Audit(
            topics=(FACTS,),
            reader=self.log,
            records=self.office.store,
            marks=self.office.store,
            shards=self.office.keeper,
            clock=self.office.clock,
            examiner=self.intake,
            applied=self._applied,
            trail=TRAIL,
            watch=self.seen,
        )
        ledger = ledger_relay(self.office.store, self.log, LEDGER, self.office.keeper, lambda _: None)
        self.states = changelog_relay(self.office.store, self.log, STATES, self.office.keeper, ledger)
        self.rebuild = Rebuild(
            records=self.office.store,
            changelog=self.office.store,
            reader=self.log,
            writer=self.log,
            shards=self.office.keeper,
            clock=self.office.clock,
            state_topic=STATES,
        )

    async def _handle(self, envelope: Envelope, cause: Cause) -> CommitResult:
        self.healed.append(cause.healed)
        return (await self.office.kernel.handle(CUSTOMER, note(envelope.id), cause)).result

    async def _applied(self, record: LogRecord) -> int:
        return (await self.office.store.load(CUSTOMER)).applied.get(record.topic, -1)

    def arrives(self, name: str, value: bytes | None = None) -> LogRecord:
        """A record arrives and the group goes past it."""
        content = value or fact_value(name, self.office.clock.now())
        record = self.log.append(FACTS, self.office.shard, CUSTOMER.encode(), content)
        self.log.commit(FACTS, self.office.shard, record.offset + 1)
        return record

    async def taken(self, *names: str) -> None:
        """Facts arrive and are handled."""
        for name in names:
            await self.intake.take(self.arrives(name))

    async def ripens(self) -> None:
        """The audit sees what is committed now, and so much time passes that it may be audited."""
        if not self.log.away:
            await self.audit.round(FACTS)
        await pass_time(TRAIL + SECOND)

    async def lose_all(self) -> None:
        """The store comes back empty, as another run."""
        self.office.store.fail_over({})

    @property
    def audited(self) -> int:
        record = self.office.store.shelves[self.office.shard].record
        return record.audited.get(FACTS, 0) if record else 0

    def run(self, main: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self.office.run(main)


class TestProof:
    def test_what_took_effect_is_proved_and_left_alone(self) -> None:
        desk = Auditor()

        async def body() -> None:
            await desk.taken("f-1", "f-2")
            await desk.ripens()
            await desk.audit.round(FACTS)
            assert desk.seen.healed == []
            assert desk.audited == 2
            assert desk.seen.proved[FACTS, desk.office.shard] == desk.office.clock.now() - TRAIL - SECOND

        desk.run(body)

    def test_a_gap_is_found_and_healed_in_doubt(self) -> None:
        desk = Auditor()

        async def body() -> None:
            await desk.taken("f-1")
            desk.arrives("f-2")
            await desk.taken("f-3")
            await desk.ripens()
            await desk.audit.round(FACTS)
            assert desk.seen.healed == [FACTS]
            assert "f-2" in await desk.office.notes()
            assert desk.healed == [False, False, True]
            await desk.audit.round(FACTS)
            assert desk.seen.healed == [FACTS]

        desk.run(body)

    def test_an_id_used_again_that_the_group_left_out_ends_as_a_letter(self) -> None:
        desk = Auditor()

        async def body() -> None:
            await desk.taken("f-1")
            desk.arrives("f-1", fact_value("f-1", START - SECOND))
            await desk.ripens()
            await desk.audit.round(FACTS)
            await desk.audit.round(FACTS)
            assert desk.letters.codes == ["event_id_reused"]
            assert await desk.office.notes() == ("f-1",)

        desk.run(body)

    def test_a_fact_in_a_partition_that_is_not_its_customer_s_is_no_gap(self) -> None:
        desk = Auditor()

        async def body() -> None:
            astray = (desk.office.shard + 1) % 4
            record = desk.log.append(FACTS, astray, CUSTOMER.encode(), fact_value("f-1", START))
            desk.log.commit(FACTS, astray, 1)
            await desk.intake.take(record)
            await desk.ripens()
            await desk.audit.round(FACTS)
            assert desk.seen.healed == []
            assert await desk.office.notes() == ("f-1",)

        desk.run(body)

    def test_a_record_of_no_interest_needs_no_mark(self) -> None:
        desk = Auditor()

        async def body() -> None:
            desk.arrives("f-1", fact_value("f-1", desk.office.clock.now(), other_fact()))
            await desk.ripens()
            await desk.audit.round(FACTS)
            assert (desk.audited, desk.seen.healed) == (1, [])

        desk.run(body)

    def test_a_lost_dead_letter_is_written(self) -> None:
        desk = Auditor()

        async def body() -> None:
            desk.arrives("f-1", b"no json")
            await desk.ripens()
            await desk.audit.round(FACTS)
            await desk.audit.round(FACTS)
            assert desk.letters.codes == ["not_json"]

        desk.run(body)

    def test_a_fact_that_ended_as_a_dead_letter_is_not_handled_again(self) -> None:
        desk = Auditor()

        async def body() -> None:
            record = desk.arrives("f-1")
            await desk.office.store.mark(desk.office.shard, [desk.intake.letter_mark_of(record)])
            await desk.ripens()
            await desk.audit.round(FACTS)
            assert desk.healed == []

        desk.run(body)


class TestTrail:
    def test_the_young_are_left_in_peace_until_they_are_ripe(self) -> None:
        desk = Auditor()

        async def body() -> None:
            desk.arrives("f-1")
            await desk.ripens()
            desk.arrives("f-2")
            await desk.audit.round(FACTS)
            assert (desk.audited, len(desk.seen.healed)) == (1, 1)
            await desk.ripens()
            await desk.audit.round(FACTS)
            assert (desk.audited, len(desk.seen.healed)) == (2, 2)

        desk.run(body)

    def test_it_stays_behind_the_group(self) -> None:
        desk = Auditor()

        async def body() -> None:
            desk.arrives("f-1")
            desk.log.commit(FACTS, desk.office.shard, 0)
            await desk.ripens()
            await desk.audit.round(FACTS)
            assert (desk.audited, desk.seen.healed) == (0, [])

        desk.run(body)

    def test_what_the_topic_no_longer_holds_is_passed_over(self) -> None:
        desk = Auditor()

        async def body() -> None:
            desk.arrives("f-1")
            desk.arrives("f-2")
            desk.log.first[FACTS, desk.office.shard] = 1
            await desk.ripens()
            await desk.audit.round(FACTS)
            assert (desk.audited, len(desk.seen.healed)) == (2, 1)

        desk.run(body)


class TestAnotherRun:
    def test_lost_writes_are_found_by_going_back(self) -> None:
        desk = Auditor()

        async def body() -> None:
            await desk.taken("f-1")
            before = desk.office.store.copy()
            await desk.taken("f-2")
            await desk.ripens()
            await desk.audit.round(FACTS)
            assert desk.audited == 2
            desk.office.store.fail_over(before)
            await desk.audit.round(FACTS)
            assert desk.seen.healed == [FACTS]
            assert await desk.office.notes() == ("f-1", "f-2")

        desk.run(body)

    def test_a_later_fact_does_not_hide_one_that_was_lost(self) -> None:
        desk = Auditor()

        async def body() -> None:
            await desk.taken("f-1")
            before = desk.office.store.copy()
            await desk.taken("f-2")
            desk.office.store.fail_over(before)
            await desk.taken("f-3")
            await desk.ripens()
            await desk.audit.round(FACTS)
            assert desk.seen.healed == [FACTS]
            assert await desk.office.notes() == ("f-1", "f-3", "f-2")

        desk.run(body)

    def test_documents_claim_nothing_until_the_audit_has_gone_over_what_was_lost(self) -> None:
        desk = Auditor()

        async def applied() -> int:
            return (await desk.office.store.load(CUSTOMER)).applied.get(FACTS, -1)

        async def body() -> None:
            await desk.taken("f-1", "f-2")
            await pass_time(SECOND)
            desk.office.store.fail_over(desk.office.store.copy())
            await desk.taken("f-3")
            assert await applied() == 1
            for _ in range(2):
                await desk.ripens()
                await desk.audit.round(FACTS)
            await desk.taken("f-4")
            assert await applied() == 3

        desk.run(body)

    def test_a_new_owner_goes_back_too(self) -> None:
        desk = Auditor()

        async def body() -> None:
            await desk.taken("f-1")
            await desk.ripens()
            await desk.audit.round(FACTS)
            before = desk.office.store.copy()
            await desk.taken("f-2")
            before[desk.office.shard].record.audited[FACTS] = 2  # type: ignore[union-attr]  # it is set up
            desk.office.store.fail_over(before)
            heir = Auditor(Office(desk.office.store, loop=desk.office.loop), desk.log)
            await heir.ripens()
            await heir.audit.round(FACTS)
            assert heir.seen.healed == [FACTS]

        desk.run(body)

    def test_shards_of_others_are_left_to_them(self) -> None:
        desk = Auditor()

        async def body() -> None:
            desk.arrives("f-1")
            await desk.ripens()
            desk.office.keeper.own([])
            await desk.audit.round(FACTS)
            assert desk.seen.proved == {}

        desk.run(body)


class TestOutages:
    def test_it_waits_and_goes_on(self) -> None:
        desk = Auditor()

        async def body() -> None:
            desk.arrives("f-1")
            desk.log.away = True
            running = asyncio.ensure_future(desk.audit.run())
            await desk.ripens()
            assert desk.seen.healed == []
            desk.log.away = False
            await pass_time(TRAIL + 2 * OUTAGE_PAUSE)
            assert desk.seen.healed == [FACTS]
            assert not running.done()

        desk.run(body)


class TestTotalLoss:
    def test_documents_come_back_and_what_they_hold_is_not_handled_again(self) -> None:
        desk = Auditor()

        async def body() -> None:
            await desk.taken("f-1", "f-2")
            await desk.states.flush()
            await desk.taken("f-3")
            await desk.ripens()
            await desk.lose_all()
            assert await desk.rebuild.set_up(range(4)) == 1
            await desk.audit.round(FACTS)
            assert await desk.office.notes() == ("f-1", "f-2", "f-3")
            assert desk.healed == [False, False, False, True]
            marks = [desk.intake.mark_of(record) for record in desk.log.topics[FACTS, desk.office.shard]]
            assert None not in await desk.office.store.seen(desk.office.shard, [mark.fact_id for mark in marks if mark])

        desk.run(body)

    def test_everything_before_the_rebuild_is_in_doubt(self) -> None:
        desk = Auditor()

        async def body() -> None:
            await desk.taken("f-1")
            await desk.states.flush()
            await pass_time(SECOND)
            await desk.lose_all()
            await desk.rebuild.set_up(range(4))
            assert (await desk.office.keeper.moment(desk.office.shard)).doubt_until == desk.office.clock.now()

        desk.run(body)

    def test_a_shard_nobody_worked_on_is_set_up_without_doubt(self) -> None:
        desk = Auditor()

        async def body() -> None:
            await desk.lose_all()
            assert await desk.rebuild.set_up(range(4)) == 0
            assert (await desk.office.keeper.moment(desk.office.shard)).doubt_until is None

        desk.run(body)

    def test_a_store_lost_before_anything_was_copied_is_doubted_all_the_same(self) -> None:
        desk = Auditor()

        async def body() -> None:
            await desk.lose_all()
            await desk.rebuild.set_up(range(4))
            await desk.lose_all()
            assert await desk.rebuild.set_up(range(4)) == 0
            assert (await desk.office.keeper.moment(desk.office.shard)).doubt_until == desk.office.clock.now()

        desk.run(body)

    def test_clocks_come_back_with_their_documents(self) -> None:
        desk = Auditor()

        async def body() -> None:
            at = desk.office.clock.now() + SECOND
            await desk.office.handle(note("read", alarm=("call", at)))
            await desk.states.flush()
            await desk.lose_all()
            await desk.rebuild.set_up(range(4))
            claims, _ = await desk.office.store.claim(desk.office.shard, at, TRAIL, 5)
            assert [claim.item_id for claim in claims] == ["call"]

        desk.run(body)

    def test_the_newest_of_several_copies_counts(self) -> None:
        desk = Auditor()

        async def body() -> None:
            for name in ("f-1", "f-2", "f-3"):
                await desk.taken(name)
                await desk.states.flush()
            await desk.lose_all()
            await desk.rebuild.set_up(range(4))
            assert await desk.office.notes() == ("f-1", "f-2", "f-3")

        desk.run(body)

    def test_a_shard_that_is_set_up_is_left_as_it_is(self) -> None:
        desk = Auditor()

        async def body() -> None:
            await desk.taken("f-1")
            assert await desk.rebuild.set_up(range(4)) == 0
            assert await desk.office.notes() == ("f-1",)

        desk.run(body)
