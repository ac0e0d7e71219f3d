"""The guard around each record: it takes effect, is dead-lettered, or waits; it never gets lost and never blocks."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import timedelta

import pytest

from common.errors import InvalidEvent, PermanentError, TransientError
from common.events.envelope import Envelope
from common.events.upstream import PremiumPaymentFailed
from common.kernel.intake import DEAD_LETTER_TRIES, LONGEST_PAUSE, MAX_BUGS, Intake, Interest, letter_mark_of
from common.kernel.kernel import Cause
from common.kernel.log import LogRecord
from common.kernel.memory import MemoryStore
from common.kernel.ports import CommitResult
from tests.support.kernel.desk import CUSTOMER, DESK, note
from tests.support.kernel.desk import Desk as DeskState
from tests.support.kernel.facts import FACTS, LEDGER, fact_value, ledger_fact, other_fact
from tests.support.kernel.log import KeptLetters, MemoryLog
from tests.support.kernel.office import Office
from tests.support.virtual_time import START, pass_time

SECOND = timedelta(seconds=1)


class Forgetful(MemoryStore[DeskState]):
    """A store whose marks cannot be reached while it is `away`."""

    away = False

    async def seen(self, shard: int, fact_ids: Sequence[str]) -> Sequence[str | None]:
        if self.away:
            raise TransientError("store_unavailable")
        return await super().seen(shard, fact_ids)


class Desk:
    """An intake over an office; `handle` may be replaced by what the test wants to happen."""

    def __init__(self, letters: KeptLetters | None = None) -> None:
        self.store = Forgetful(DESK, partitions=4)
        self.office = Office(self.store)
        self.log = MemoryLog(self.office.clock.now)
        self.letters = letters or KeptLetters()
        self.seen = self.office.watch
        self.causes: list[Cause] = []
        self.handle: Callable[[Envelope, Cause], Coroutine[None, None, CommitResult | None]] = self.take_note
        self.intake = Intake(
            service="desk",
            interests={
                FACTS: Interest(frozenset({PremiumPaymentFailed.TYPE})),
                LEDGER: Interest(frozenset({"call.ended.v1"}), peek=True),
            },
            handle=self._handle,
            letters=self.letters,
            marks=self.office.store,
            clock=self.office.clock,
            watch=self.seen,
        )

    async def _handle(self, envelope: Envelope, cause: Cause) -> CommitResult | None:
        self.causes.append(cause)
        return await self.handle(envelope, cause)

    async def take_note(self, envelope: Envelope, cause: Cause) -> CommitResult | None:
        return (await self.office.kernel.handle(CUSTOMER, note(envelope.id), cause)).result

    def record(self, value: bytes | None, topic: str = FACTS) -> LogRecord:
        return self.log.append(topic, self.office.shard, CUSTOMER.encode(), value)

    def fact(self, name: str = "f-1") -> LogRecord:
        return self.record(fact_value(name, START))

    def run(self, main: Callable[[], Coroutine[None, None, None]]) -> None:
        self.office.run(main)


class TestTaking:
    def test_a_fact_is_handled_with_all_that_names_it(self) -> None:
        desk = Desk()

        async def body() -> None:
            record = desk.fact()
            await desk.intake.take(record)
            [cause] = desk.causes
            assert (cause.origin.fact_id, cause.origin.correlation_id) == ("f-1", "f-1")
            assert cause.mark == desk.intake.mark_of(record)
            assert (cause.position, cause.since, cause.healed) == (
                type(cause.position)(FACTS, 0),  # type: ignore[misc]  # a LogPosition
                START,
                False,
            )
            assert desk.seen.outcomes == ["handled"]

        desk.run(body)

    def test_a_second_delivery_is_seen(self) -> None:
        desk = Desk()

        async def body() -> None:
            record = desk.fact()
            await desk.intake.take(record)
            await desk.intake.take(record)
            assert desk.seen.outcomes == ["handled", "seen"]
            assert await desk.office.notes() == ("f-1",)

        desk.run(body)

    def test_types_nobody_asked_for_are_passed_over_and_leave_no_mark(self) -> None:
        desk = Desk()

        async def body() -> None:
            record = desk.record(fact_value("f-1", START, other_fact()))
            await desk.intake.take(record)
            assert desk.seen.outcomes == ["ignored"]
            assert desk.causes == []
            assert desk.intake.mark_of(record) is None

        desk.run(body)

    def test_the_product_s_own_events_are_passed_over_by_their_type_alone(self) -> None:
        desk = Desk()

        async def body() -> None:
            known = fact_value("e-1", START, ledger_fact())
            broken = known.replace(b'"fact_id"', b'"fact_di"')
            record = desk.record(broken, LEDGER)
            await desk.intake.take(record)
            assert desk.seen.outcomes == ["ignored"]
            assert desk.intake.mark_of(record) is None

        desk.run(body)

    @pytest.mark.parametrize("value", [b"no json", b'{"type":"call.unheard_of.v1"}', None])
    def test_what_stands_among_them_and_is_unknown_is_looked_at(self, value: bytes | None) -> None:
        desk = Desk()

        async def body() -> None:
            await desk.intake.take(desk.record(value, LEDGER))
            assert desk.seen.outcomes == ["dead_lettered"]

        desk.run(body)


class TestWhatCannotBeUnderstood:
    def test_the_letter_is_safe_before_the_record_is_done_and_its_mark_tells_the_audit(self) -> None:
        desk = Desk()

        async def body() -> None:
            record = desk.record(b"no json")
            await desk.intake.take(record)
            [(kept, error)] = desk.letters.kept
            assert kept is record
            assert (error.code, error.reason != "", error.remedy != "") == ("not_json", True, True)
            assert desk.seen.letters == ["not_json"]
            mark = desk.intake.mark_of(record)
            assert mark == letter_mark_of(record)
            assert mark is not None
            assert list(await desk.office.store.seen(desk.office.shard, [mark.fact_id])) == [mark.digest]

        desk.run(body)

    def test_what_a_rule_cannot_take_is_dead_lettered_too(self) -> None:
        desk = Desk()

        async def refuse(_: Envelope, __: Cause) -> CommitResult:
            raise InvalidEvent("held_list_full")

        desk.handle = refuse

        async def body() -> None:
            record = desk.fact()
            await desk.intake.take(record)
            assert desk.letters.codes == ["held_list_full"]
            letter = desk.intake.letter_mark_of(record)
            assert list(await desk.office.store.seen(desk.office.shard, [letter.fact_id])) == [letter.digest]

        desk.run(body)

    def test_an_id_used_again_for_other_content_is_dead_lettered(self) -> None:
        desk = Desk()

        async def body() -> None:
            await desk.intake.take(desk.fact())
            await desk.intake.take(desk.record(fact_value("f-1", START + SECOND)))
            assert desk.letters.codes == ["event_id_reused"]
            assert await desk.office.notes() == ("f-1",)

        desk.run(body)

    def test_an_unwritten_letter_is_offered_again(self) -> None:
        desk = Desk(KeptLetters(failures=3))

        async def body() -> None:
            await desk.intake.take(desk.record(b"no json"))
            assert desk.letters.codes == ["not_json"]
            assert desk.office.loop.time() == 3 * LONGEST_PAUSE.total_seconds()

        desk.run(body)

    def test_a_letter_that_cannot_be_written_ends_the_process_and_the_record_stays(self) -> None:
        desk = Desk(KeptLetters(failures=DEAD_LETTER_TRIES))

        async def body() -> None:
            taking = asyncio.ensure_future(desk.intake.take(desk.record(b"no json")))
            await pass_time(timedelta(hours=1))
            assert desk.seen.ends == ["dead_letter_not_written"]
            assert not taking.done()
            assert desk.seen.outcomes == []

        desk.run(body)


class TestOutages:
    def test_a_store_that_is_away_stops_intake_and_dead_letters_nothing(self) -> None:
        desk = Desk()
        tries = 0

        async def away_for_a_while(envelope: Envelope, cause: Cause) -> CommitResult | None:
            nonlocal tries
            tries += 1
            if desk.office.loop.time() < 3600:
                raise TransientError("store_unavailable", retry_after=timedelta(0))
            return await desk.take_note(envelope, cause)

        desk.handle = away_for_a_while

        async def body() -> None:
            await desk.intake.take(desk.fact())
            assert desk.seen.outcomes == ["handled"]
            assert desk.letters.kept == []
            assert set(desk.seen.waits) == {"store_unavailable", ""}
            assert desk.seen.waits[-1] == ""
            assert 3600 <= desk.office.loop.time() <= 3600 + LONGEST_PAUSE.total_seconds()
            assert tries < 750

        desk.run(body)

    def test_what_nobody_understands_waits_too_and_is_one_letter_in_the_end(self) -> None:
        desk = Desk()
        desk.store.away = True

        async def body() -> None:
            taking = asyncio.ensure_future(desk.intake.take(desk.record(b"no json")))
            await pass_time(60 * SECOND)
            assert desk.letters.kept == []
            desk.store.away = False
            await taking
            assert desk.letters.codes == ["not_json"]

        desk.run(body)

    def test_a_longer_pause_that_was_asked_for_is_kept_up_to_the_longest(self) -> None:
        desk = Desk()

        async def busy_once(_: Envelope, __: Cause) -> CommitResult | None:
            if not desk.seen.waits:
                raise TransientError("shard_not_ready", retry_after=3 * SECOND)
            return None

        desk.handle = busy_once

        async def body() -> None:
            await desk.intake.take(desk.fact())
            assert desk.office.loop.time() == 3

        desk.run(body)


class TestBugs:
    @staticmethod
    async def unforeseen(_: Envelope, __: Cause) -> CommitResult:
        raise ValueError("unforeseen")

    def test_one_is_dead_lettered_and_told(self) -> None:
        desk = Desk()
        desk.handle = self.unforeseen

        async def body() -> None:
            await desk.intake.take(desk.fact())
            assert desk.letters.codes == ["bug"]
            assert [type(bug) for bug in desk.seen.bugs] == [ValueError]

        desk.run(body)

    def test_an_error_of_ours_keeps_its_code(self) -> None:
        desk = Desk()

        async def too_large(_: Envelope, __: Cause) -> CommitResult:
            raise PermanentError("document_too_large")

        desk.handle = too_large

        async def body() -> None:
            await desk.intake.take(desk.fact())
            assert desk.letters.codes == ["document_too_large"]

        desk.run(body)

    def test_too_many_in_a_short_time_end_the_process(self) -> None:
        desk = Desk()
        desk.handle = self.unforeseen

        async def body() -> None:
            for number in range(MAX_BUGS - 1):
                await desk.intake.take(desk.fact(f"f-{number}"))
            assert desk.seen.ends == []
            last = asyncio.ensure_future(desk.intake.take(desk.fact("f-last")))
            await pass_time(SECOND)
            assert desk.seen.ends == ["too_many_bugs"]
            assert not last.done()
            assert len(desk.letters.kept) == MAX_BUGS - 1

        desk.run(body)

    def test_as_many_over_a_long_time_do_not(self) -> None:
        desk = Desk()
        desk.handle = self.unforeseen

        async def body() -> None:
            for number in range(3 * MAX_BUGS):
                await desk.intake.take(desk.fact(f"f-{number}"))
                await pass_time(4 * SECOND)
            assert desk.seen.ends == []

        desk.run(body)


class TestHealing:
    def test_a_healed_fact_is_in_doubt(self) -> None:
        desk = Desk()

        async def body() -> None:
            await desk.intake.heal(desk.fact())
            assert desk.causes[0].healed

        desk.run(body)

    def test_an_outage_is_left_to_the_audit(self) -> None:
        desk = Desk()

        async def away(_: Envelope, __: Cause) -> CommitResult:
            raise TransientError("store_unavailable")

        desk.handle = away

        async def body() -> None:
            with pytest.raises(TransientError):
                await desk.intake.heal(desk.fact())

        desk.run(body)
