"""One contract for every store: in memory, on one Redis and on a Redis Cluster of three."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from common.errors import PermanentError
from common.kernel.memory import MemoryStore
from common.kernel.ports import CommitResult, FactMark, Loaded, NewDocument, Snapshot
from common.kernel.redis.store import RedisStore
from tests.contract.kernel.tally import TALLY, Tally

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
LEASE = timedelta(seconds=30)
Store = MemoryStore[Tally] | RedisStore[Tally]


@pytest.fixture(params=["memory", "redis", "cluster"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    kind = replace(TALLY, service=f"tally-{uuid4().hex[:8]}")
    if request.param == "memory":
        memory = MemoryStore(kind, partitions=8)
        await memory.settle(memory.shard_of("C1"), doubt_until=None)
        yield memory
        return
    if request.param == "redis":
        url = request.getfixturevalue("redis_server")
    else:
        url = request.getfixturevalue("redis_cluster")[0].replace("redis://", "redis+cluster://")
    redis = RedisStore(url, kind, partitions=8)
    await redis.settle(redis.shard_of("C1"), doubt_until=None)
    yield redis
    await redis.close()


def new(store: Store, loaded: Loaded[Tally], **changes: object) -> NewDocument[Tally]:
    document = NewDocument(
        state=replace(loaded.state, count=loaded.state.count + 1),
        version=store.next_version(loaded.version),
        sequence=loaded.sequence,
        applied=loaded.applied,
        clocks_set={},
        clocks_removed=[],
        ledger=[],
    )
    return replace(document, **changes)  # type: ignore[arg-type]  # tests name real fields


class TestDocuments:
    async def test_an_unknown_customer_is_empty_at_version_zero(self, store: Store) -> None:
        assert await store.load("C1") == Loaded("C1", Tally("C1"))

    async def test_what_was_committed_is_loaded(self, store: Store) -> None:
        loaded = await store.load("C1")
        document = new(store, loaded, sequence=3, applied={"t": 7})
        assert await store.commit(loaded, document) is CommitResult.DONE
        again = await store.load("C1")
        assert again == Loaded("C1", Tally("C1", 1), document.version, 3, {"t": 7})

    async def test_a_moved_document_is_refused_and_nothing_is_written(self, store: Store) -> None:
        stale = await store.load("C1")
        await store.commit(stale, new(store, stale))
        refused = new(store, stale, clocks_set={"a": NOW}, ledger=[b"told"])
        assert await store.commit(stale, refused) is CommitResult.MOVED
        assert (await store.load("C1")).state.count == 1
        assert await store.claim(store.shard_of("C1"), NOW, LEASE, 10) == ([], None)
        assert await store.read([store.shard_of("C1")], 10) == {}

    async def test_nothing_is_written_to_a_shard_that_is_not_set_up(self, store: Store) -> None:
        elsewhere = next(name for name in map(str, range(99)) if store.shard_of(name) != store.shard_of("C1"))
        loaded = await store.load(elsewhere)
        assert await store.commit(loaded, new(store, loaded)) is CommitResult.UNBORN
        assert (await store.load(elsewhere)).version == 0

    async def test_versions_grow_and_never_repeat(self, store: Store) -> None:
        versions = {store.next_version(65_536) for _ in range(50)}
        assert len(versions) > 40
        assert min(versions) > 65_536

    async def test_a_customer_is_always_in_the_same_shard(self, store: Store) -> None:
        assert store.shard_of("C1") == store.shard_of("C1") < 8


class TestSeenMarks:
    MARK = FactMark("source/1", "abc")

    async def test_a_fact_takes_effect_once(self, store: Store) -> None:
        loaded = await store.load("C1")
        await store.commit(loaded, new(store, loaded), mark=self.MARK)
        loaded = await store.load("C1")
        assert await store.commit(loaded, new(store, loaded), mark=self.MARK) is CommitResult.SEEN
        assert (await store.load("C1")).state.count == 1

    async def test_the_same_id_with_other_content_is_told_apart(self, store: Store) -> None:
        loaded = await store.load("C1")
        await store.commit(loaded, new(store, loaded), mark=self.MARK)
        other = replace(self.MARK, digest="xyz")
        assert await store.commit(await store.load("C1"), new(store, loaded), mark=other) is CommitResult.REUSED

    async def test_marks_can_be_read_and_set_for_the_audit(self, store: Store) -> None:
        loaded = await store.load("C1")
        await store.commit(loaded, new(store, loaded), mark=self.MARK)
        shard = store.shard_of("C1")
        await store.mark(shard, [FactMark("source/2", "d2"), replace(self.MARK, digest="late")])
        assert list(await store.seen(shard, ["source/1", "source/2", "source/3"])) == ["abc", "d2", None]


class TestDueWork:
    async def test_work_is_claimed_when_due_and_not_before(self, store: Store) -> None:
        shard = await self._with_clock(store, NOW)
        early = NOW - timedelta(milliseconds=1)
        assert await store.claim(shard, early, LEASE, 10) == ([], NOW)
        claims, next_due = await store.claim(shard, NOW, LEASE, 10)
        assert [(claim.customer_id, claim.item_id, claim.due_at) for claim in claims] == [("C1", "a", NOW)]
        assert next_due == NOW + LEASE

    async def test_a_lease_that_ends_is_claimable_again_with_a_higher_fence(self, store: Store) -> None:
        shard = await self._with_clock(store, NOW)
        (first,), _ = await store.claim(shard, NOW, LEASE, 10)
        assert (await store.claim(shard, NOW + LEASE / 2, LEASE, 10))[0] == []
        (second,), _ = await store.claim(shard, NOW + LEASE, LEASE, 10)
        assert second.fence > first.fence

    async def test_only_the_newest_claim_may_commit(self, store: Store) -> None:
        shard = await self._with_clock(store, NOW)
        (stale,), _ = await store.claim(shard, NOW, LEASE, 10)
        (newest,), _ = await store.claim(shard, NOW + LEASE, LEASE, 10)
        loaded = await store.load("C1")
        done = new(store, loaded, clocks_removed=["a"])
        assert await store.commit(loaded, done, claim=stale) is CommitResult.FENCED
        assert await store.commit(loaded, done, claim=newest) is CommitResult.DONE
        assert await store.claim(shard, NOW + 9 * LEASE, LEASE, 10) == ([], None)

    async def test_a_commit_moves_a_claimed_clock(self, store: Store) -> None:
        shard = await self._with_clock(store, NOW)
        (claim,), _ = await store.claim(shard, NOW, LEASE, 10)
        loaded, later = await store.load("C1"), NOW + timedelta(hours=1)
        await store.commit(loaded, new(store, loaded, clocks_set={"a": later}), claim=claim)
        assert await store.claim(shard, NOW + LEASE, LEASE, 10) == ([], later)

    async def test_work_without_a_document_is_dropped_only_by_its_newest_claim(self, store: Store) -> None:
        shard = await self._with_clock(store, NOW)
        (stale,), _ = await store.claim(shard, NOW, LEASE, 10)
        (newest,), _ = await store.claim(shard, NOW + LEASE, LEASE, 10)
        await store.drop(stale)
        assert (await store.claim(shard, NOW, LEASE, 10))[1] == NOW + 2 * LEASE
        await store.drop(newest)
        assert await store.claim(shard, NOW, LEASE, 10) == ([], None)

    async def test_a_claim_is_limited_and_takes_the_earliest_first(self, store: Store) -> None:
        loaded = await store.load("C1")
        clocks = {f"{number}": NOW + timedelta(seconds=number) for number in range(5)}
        await store.commit(loaded, new(store, loaded, clocks_set=clocks))
        claims, _ = await store.claim(store.shard_of("C1"), NOW + LEASE, LEASE, 2)
        assert [claim.item_id for claim in claims] == ["0", "1"]

    async def _with_clock(self, store: Store, at: datetime) -> int:
        loaded = await store.load("C1")
        await store.commit(loaded, new(store, loaded, clocks_set={"a": at}))
        return store.shard_of("C1")


class TestOutbox:
    async def test_entries_come_in_order_until_trimmed(self, store: Store) -> None:
        for values in ([b"one", b"two"], [b"three"]):
            loaded = await store.load("C1")
            await store.commit(loaded, new(store, loaded, ledger=values))
        shard = store.shard_of("C1")
        entries = (await store.read([shard, (shard + 1) % 8], 10))[shard]
        assert [(entry.key, entry.value) for entry in entries] == [(b"C1", b"one"), (b"C1", b"two"), (b"C1", b"three")]
        await store.trim({shard: entries[1].position})
        await store.trim({shard: entries[0].position})
        assert [entry.value for entry in (await store.read([shard], 10))[shard]] == [b"three"]


class TestChangelog:
    async def test_changed_documents_are_listed_until_that_version_is_copied(self, store: Store) -> None:
        shard = await self._commit(store)
        first = await store.changed([shard], 10)
        await self._commit(store)
        await store.copied(first)
        second = await store.changed([shard], 10)
        assert second[shard][0].version > first[shard][0].version
        await store.copied(second)
        assert await store.changed([shard], 10) == {}

    async def test_a_lost_document_comes_back_with_its_clocks(self, store: Store) -> None:
        shard = await self._commit(store)
        snapshots = (await store.changed([shard], 10))[shard]
        other = type_of(store)()
        try:
            assert await other.restore(shard, snapshots) == 1
            assert await other.restore(shard, snapshots) == 0
            assert (await other.load("C1")).state == (await store.load("C1")).state
            claims, _ = await other.claim(shard, NOW, LEASE, 10)
            assert [claim.item_id for claim in claims] == ["a"]
        finally:
            if isinstance(other, RedisStore):
                await other.close()

    async def test_a_copy_that_nobody_can_read_comes_back_as_it_was(self, store: Store) -> None:
        shard = store.shard_of("C1")
        for schema, body in ((99, b"{}"), (1, b"garbage")):
            customer_id = f"C-{schema}"
            copy = Snapshot(customer_id, 7, b"7 %d %s" % (schema, body))
            assert await store.restore(store.shard_of(customer_id), [copy]) == 1
            with pytest.raises(PermanentError, match="document_unreadable"):
                await store.load(customer_id)
        assert (await store.claim(shard, NOW, LEASE, 10))[0] == []

    async def _commit(self, store: Store) -> int:
        loaded = await store.load("C1")
        state = replace(loaded.state, count=loaded.state.count + 1, alarms={"a": NOW})
        await store.commit(loaded, new(store, loaded, state=state, clocks_set={"a": NOW}))
        return store.shard_of("C1")


class TestShardRecords:
    async def test_a_new_shard_is_not_born_until_settled(self, store: Store) -> None:
        shard = (store.shard_of("C1") + 1) % 8
        assert not (await store.open(shard, NOW)).born
        await store.settle(shard, doubt_until=None)
        record = await store.open(shard, NOW)
        assert (record.born, record.doubt_until, record.audited) == (True, None, {})

    async def test_how_far_the_audit_came_and_what_is_in_doubt_are_remembered(self, store: Store) -> None:
        await store.settle(3, doubt_until=NOW)
        await store.audited(3, "policy-events.v1", 12)
        record = await store.open(3, NOW + LEASE)
        assert (record.doubt_until, record.audited) == (NOW, {"policy-events.v1": 12})

    async def test_a_shard_set_up_in_doubt_is_not_whole_until_the_audit_says_so(self, store: Store) -> None:
        shard = (store.shard_of("C1") + 1) % 8
        await store.settle(shard, doubt_until=NOW)
        assert not (await store.open(shard, NOW)).whole
        await store.made_whole(shard, NOW - LEASE)
        assert not (await store.open(shard, NOW)).whole
        record = await store.open(shard, NOW)
        assert record.doubt_until is not None
        await store.made_whole(shard, record.doubt_until)
        assert (await store.open(shard, NOW)).whole

    async def test_a_shard_set_up_without_doubt_is_whole(self, store: Store) -> None:
        assert (await store.open(store.shard_of("C1"), NOW)).whole

    async def test_a_shard_is_set_up_once_so_that_a_late_second_time_erases_nothing(self, store: Store) -> None:
        shard = (store.shard_of("C1") + 1) % 8
        await store.settle(shard, doubt_until=NOW)
        await store.audited(shard, "policy-events.v1", 12)
        await store.settle(shard, doubt_until=None)
        record = await store.open(shard, NOW + LEASE)
        assert (record.doubt_until, record.audited) == (NOW, {"policy-events.v1": 12})


def type_of(store: Store) -> Callable[[], Store]:
    """Makes an empty store of the same kind: what is left after a total loss."""
    if isinstance(store, MemoryStore):
        return lambda: MemoryStore(TALLY, partitions=8)
    kind = replace(TALLY, service=f"tally-{uuid4().hex[:8]}")
    return lambda: RedisStore(store.url, kind, partitions=8)
