"""Decide, commit, act: what is written together, what happens when writers meet, and when effects may begin."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from common.errors import OutcomeUnknown, PermanentError, TransientError
from common.kernel.decision import Decision, Effect, Moment, Origin
from common.kernel.kernel import MAX_AT_ONCE, MAX_ROUNDS, OUTCOME_ATTEMPTS, Cause
from common.kernel.memory import MemoryStore
from common.kernel.ports import Claim, CommitResult, Loaded, LogPosition, NewDocument
from tests.support.kernel.desk import CUSTOMER, DESK, START_WITHIN, Desk, note, nothing
from tests.support.kernel.office import Office, fact
from tests.support.virtual_time import START, pass_time

MINUTE = timedelta(minutes=1)
LEASE = timedelta(seconds=30)


class TestCommit:
    def test_state_mark_clock_and_ledger_are_written_together(self) -> None:
        office = Office()

        async def body() -> None:
            done = await office.handle(note("read", alarm=("call", START + MINUTE)), fact("f-1"))
            assert done.result is CommitResult.DONE
            assert done.loaded.state == Desk(CUSTOMER, ("read",), {"call": START + MINUTE})
            assert await office.notes() == ("read",)
            assert list(await office.store.seen(office.shard, ["f-1"])) == ["d"]
            [told] = await office.told()
            assert (told["data"]["fact_id"], told["sequence"]) == ("read", 1)
            claims, _ = await office.store.claim(office.shard, START + MINUTE, LEASE, 5)
            assert [claim.item_id for claim in claims] == ["call"]

        office.run(body)

    def test_a_fact_takes_effect_once_however_often_it_comes(self) -> None:
        office = Office()

        async def body() -> None:
            results = [(await office.handle(note("read", post="1"), fact("f-1"))).result for _ in range(3)]
            await office.quiet()
            assert results == [CommitResult.DONE, CommitResult.SEEN, CommitResult.SEEN]
            assert await office.notes() == ("read", "1 accepted")
            assert office.post.book == ["1"]
            assert office.watch.refusals == [CommitResult.SEEN, CommitResult.SEEN]

        office.run(body)

    def test_the_same_id_with_other_content_is_told_apart(self) -> None:
        office = Office()

        async def body() -> None:
            await office.handle(note("read"), fact("f-1", "d"))
            assert (await office.handle(note("forged"), fact("f-1", "other"))).result is CommitResult.REUSED
            assert await office.notes() == ("read",)

        office.run(body)

    def test_a_fact_that_changes_nothing_still_leaves_its_mark(self) -> None:
        office = Office()

        async def body() -> None:
            await office.handle(nothing, fact("f-1"))
            assert (await office.handle(note("read"), fact("f-1"))).result is CommitResult.SEEN

        office.run(body)

    def test_a_command_that_changes_nothing_writes_nothing(self) -> None:
        office = Office()

        async def body() -> None:
            assert (await office.handle(nothing)).result is CommitResult.DONE
            assert (await office.store.load(CUSTOMER)).version == 0

        office.run(body)

    def test_the_document_remembers_how_far_each_topic_was_applied(self) -> None:
        office = Office()

        async def body() -> None:
            for offset in (7, 9, 8):
                await office.handle(note(f"{offset}"), Cause(position=LogPosition("facts", offset)))
            assert (await office.store.load(CUSTOMER)).applied == {"facts": 9}

        office.run(body)

    def test_ledger_entries_are_numbered_without_gaps_and_name_their_story(self) -> None:
        office = Office()

        async def body() -> None:
            await office.handle(note("one"), Cause(origin=Origin("f-1", "story", "")))
            await office.handle(note("two", origin=Origin("f-2", "", "")))
            told = await office.told()
            assert [entry["sequence"] for entry in told] == [1, 2]
            assert [(entry["causationid"], entry["correlationid"]) for entry in told] == [
                ("f-1", "story"),
                ("f-2", "f-2"),
            ]

        office.run(body)

    def test_a_shard_that_is_not_set_up_is_waited_for(self) -> None:
        office = Office()
        with pytest.raises(TransientError, match="shard_not_ready"):
            office.loop.run(office.handle(note("read")))

    def test_a_store_that_lost_everything_refuses_until_it_is_set_up_again(self) -> None:
        office = Office()

        async def body() -> None:
            await office.handle(note("read"))
            office.store.shelves.clear()  # the same run: nobody was told
            with pytest.raises(TransientError, match="shard_not_ready"):
                await office.handle(note("again"))
            await office.open()
            assert (await office.handle(note("again"))).result is CommitResult.DONE

        office.run(body)


class TestWhatIsDueAtOnce:
    def test_clocks_that_are_due_ring_in_the_same_commit(self) -> None:
        office = Office()

        async def body() -> None:
            await office.handle(note("read", alarm=("post", START)), Cause(origin=Origin("f-1")))
            assert len(office.watch.commits) == 1
            await office.quiet()
            assert await office.notes() == ("read", "post rang", "post/1 accepted")
            assert [entry["data"]["fact_id"] for entry in await office.told()] == ["read", "post-rang", "posted"]

        office.run(body)

    def test_without_room_they_are_left_to_the_loop(self) -> None:
        office = Office(room=0)

        async def body() -> None:
            await office.handle(note("read", alarm=("post", START)))
            assert await office.notes() == ("read",)
            claims, _ = await office.store.claim(office.shard, START, LEASE, 5)
            assert len(claims) == 1

        office.run(body)

    def test_one_commit_rings_a_bounded_number(self) -> None:
        office = Office()
        many = {f"alarm-{number:02d}": START for number in range(MAX_AT_ONCE + 5)}

        def decide(state: Desk, _: Moment) -> Decision[Desk]:
            return Decision(replace(state, alarms=many))

        async def body() -> None:
            done = await office.handle(decide)
            assert len(done.loaded.state.notes) == MAX_AT_ONCE
            claims, _ = await office.store.claim(office.shard, START, LEASE, 50)
            assert len(claims) == 5

        office.run(body)

    def test_a_clock_that_does_not_move_is_a_bug_and_nothing_is_written(self) -> None:
        office = Office()

        async def body() -> None:
            with pytest.raises(PermanentError, match="clock_did_not_move"):
                await office.handle(note("read", alarm=("stuck", START)))
            assert await office.notes() == ()

        office.run(body)


class TestWritersThatMeet:
    def test_the_slower_one_decides_again_on_the_newer_state(self) -> None:
        office = Office()
        decided: list[tuple[str, ...]] = []

        def decide(state: Desk, moment: Moment) -> Decision[Desk]:
            decided.append(state.notes)
            return note("slow")(state, moment)

        class Interrupted(MemoryStore[Desk]):
            async def commit(self, loaded: Loaded[Desk], new: NewDocument[Desk], **more: Any) -> CommitResult:
                if len(decided) == 1:
                    decided.append(("interrupted",))
                    await office.handle(note("fast"))
                return await super().commit(loaded, new, **more)

        office = Office(Interrupted(DESK, partitions=4))

        async def body() -> None:
            await office.handle(decide, fact("f-1"))
            assert await office.notes() == ("fast", "slow")
            assert decided == [(), ("interrupted",), ("fast",)]
            assert office.watch.collisions == 1

        office.run(body)

    def test_it_gives_up_after_a_bounded_number_of_rounds(self) -> None:
        class Moving(MemoryStore[Desk]):
            async def commit(self, loaded: Loaded[Desk], new: NewDocument[Desk], **more: Any) -> CommitResult:
                return CommitResult.MOVED

        office = Office(Moving(DESK, partitions=4))

        async def body() -> None:
            with pytest.raises(TransientError, match="commit_contention"):
                await office.handle(note("never"))
            assert office.watch.collisions == MAX_ROUNDS

        office.run(body)

    def test_a_refused_commit_starts_no_effect(self) -> None:
        office = Office()

        async def body() -> None:
            await office.handle(nothing, fact("f-1"))
            await office.handle(note("again", post="again/1"), fact("f-1"))
            await office.quiet()
            assert office.post.book == []

        office.run(body)


class TestClaims:
    async def _claimed(self, office: Office) -> Claim:
        await office.handle(note("read", alarm=("post", office.clock.now() + MINUTE)))
        await pass_time(MINUTE)
        [claim], _ = await office.store.claim(office.shard, office.clock.now(), LEASE, 5)
        return claim

    def test_a_claimed_clock_rings_once(self) -> None:
        office = Office()

        async def body() -> None:
            claim = await self._claimed(office)
            await office.kernel.fire(claim)
            await office.kernel.fire(claim)
            await office.quiet()
            assert (await office.notes()).count("post rang") == 1
            assert office.post.book == ["post/1"]
            assert office.watch.lateness == [timedelta(0)]

        office.run(body)

    def test_work_taken_over_by_another_owner_is_left_alone(self) -> None:
        office = Office()

        async def body() -> None:
            stale = await self._claimed(office)
            [newer], _ = await office.store.claim(office.shard, office.clock.now() + LEASE, LEASE, 5)
            await office.kernel.fire(stale)
            assert office.watch.refusals == [CommitResult.FENCED]
            assert await office.notes() == ("read",)
            await office.kernel.fire(newer)
            assert "post rang" in await office.notes()

        office.run(body)

    def test_a_clock_that_is_gone_is_dropped(self) -> None:
        office = Office()

        async def body() -> None:
            claim = await self._claimed(office)
            ghost = replace(claim, item_id="ghost")
            office.store.shelves[office.shard].due[CUSTOMER, "ghost"] = office.clock.now()
            office.store.shelves[office.shard].fences[CUSTOMER, "ghost"] = ghost.fence
            await office.kernel.fire(ghost)
            assert (CUSTOMER, "ghost") not in office.store.shelves[office.shard].due

        office.run(body)

    def test_a_clock_that_was_moved_is_set_back_to_its_time(self) -> None:
        office = Office()

        async def body() -> None:
            claim = await self._claimed(office)
            later = office.clock.now() + 5 * MINUTE
            await office.handle(note("moved", alarm=("post", later)))
            office.store.shelves[office.shard].due[CUSTOMER, "post"] = office.clock.now() + LEASE
            await office.kernel.fire(claim)
            assert office.store.shelves[office.shard].due[CUSTOMER, "post"] == later
            assert "post rang" not in await office.notes()

        office.run(body)

    def test_work_due_before_lost_writes_is_in_doubt(self) -> None:
        office = Office()

        async def body() -> None:
            await office.handle(note("read", alarm=("call", office.clock.now() + MINUTE)))
            await pass_time(2 * MINUTE)
            office.store.fail_over(office.store.copy())
            claims, _ = await office.store.claim(office.shard, office.clock.now(), LEASE, 5)
            await office.kernel.fire(claims[0])
            assert "call rang in doubt" in await office.notes()

        office.run(body)


class TestFactsPublishedTwice:
    @pytest.mark.parametrize(("happened", "in_doubt"), [(START, True), (START + 3 * MINUTE, False)])
    def test_one_that_happened_before_lost_writes_may_have_been_handled_then(
        self, happened: datetime, in_doubt: bool
    ) -> None:
        office = Office()
        doubts: list[bool] = []

        def decide(state: Desk, moment: Moment) -> Decision[Desk]:
            doubts.append(moment.in_doubt)
            return note("read")(state, moment)

        async def body() -> None:
            await pass_time(MINUTE)
            office.store.fail_over(office.store.copy())
            await office.handle(note("noticed"))
            await pass_time(MINUTE)
            await office.handle(decide, Cause(since=office.clock.now(), happened_at=happened))
            assert doubts == [in_doubt]

        office.run(body)


class TestEffects:
    def test_they_begin_only_after_their_commit(self) -> None:
        office = Office()
        at_call: list[Sequence[str]] = []

        def answer(_: Effect) -> object:
            body = office.store.shelves[office.shard].documents[CUSTOMER][2]
            at_call.append(body.decode())
            return "accepted"

        office.post.answer = answer

        async def body() -> None:
            await office.handle(note("reserved", post="1"))
            assert office.post.book == []
            await office.quiet()
            assert "reserved" in at_call[0]

        office.run(body)

    @pytest.mark.parametrize(
        "error", [PermanentError("no_such_number"), TransientError("too_many"), OutcomeUnknown("timed_out")]
    )
    def test_what_the_provider_says_is_decided_on(self, error: Exception) -> None:
        office = Office()
        office.post.answer = lambda _: error

        async def body() -> None:
            await office.handle(note("read", post="1"))
            await office.quiet()
            assert await office.notes() == ("read", f"1 {error.code}")  # type: ignore[attr-defined]  # an AppError

        office.run(body)

    def test_a_stale_owner_does_not_start_them(self) -> None:
        office = Office()

        async def body() -> None:
            await office.handle(note("read", post="1"))
            office.loop._time += START_WITHIN.total_seconds() + 0.001
            await office.quiet()
            assert office.post.book == []
            assert await office.notes() == ("read", "1 not_started")

        office.run(body)

    def test_a_bug_in_an_adapter_is_told_and_nothing_is_recorded(self) -> None:
        office = Office()
        office.post.answer = lambda _: ValueError("unforeseen")

        async def body() -> None:
            await office.handle(note("read", post="1"))
            await office.quiet()
            assert [type(bug) for bug in office.bugs] == [ValueError]
            assert await office.notes() == ("read",)

        office.run(body)


class TestOutcomes:
    def _office(self, failures: int) -> Office:
        class Ailing(MemoryStore[Desk]):
            left = failures

            async def commit(self, loaded: Loaded[Desk], new: NewDocument[Desk], **more: Any) -> CommitResult:
                if "1 accepted" in new.state.notes and self.left:
                    self.left -= 1
                    raise TransientError("store_unavailable")
                return await super().commit(loaded, new, **more)

        return Office(Ailing(DESK, partitions=4))

    def test_the_outcome_is_offered_again_while_the_store_is_away(self) -> None:
        office = self._office(failures=3)

        async def body() -> None:
            await office.handle(note("read", post="1"))
            await office.quiet()
            assert await office.notes() == ("read", "1 accepted")
            assert office.post.book == ["1"]

        office.run(body)

    def test_in_the_end_it_is_left_to_reconciliation(self) -> None:
        office = self._office(failures=OUTCOME_ATTEMPTS)

        async def body() -> None:
            await office.handle(note("read", post="1"))
            await office.quiet()
            assert office.watch.unrecorded == ["1"]
            assert await office.notes() == ("read",)
            assert office.post.book == ["1"]

        office.run(body)

    def test_it_is_decided_on_the_state_of_that_time(self) -> None:
        office = Office()

        async def meanwhile() -> None:
            await office.handle(note("meanwhile"))

        office.post.before = meanwhile

        async def body() -> None:
            await office.handle(note("read", post="1"))
            await office.quiet()
            assert await office.notes() == ("read", "meanwhile", "1 accepted")

        office.run(body)
