"""Which shards a replica owns, and how far their past can be trusted."""

from datetime import datetime, timedelta

import pytest

from common.errors import TransientError
from common.kernel.memory import MemoryStore
from common.kernel.ports import ShardRecord
from common.kernel.shards import ShardKeeper
from tests.support.kernel.desk import DESK, Desk
from tests.support.virtual_time import START, VirtualClock, VirtualLoop, pass_time

SECOND = timedelta(seconds=1)


class Counting(MemoryStore[Desk]):
    """Counts how often a record is read."""

    opened = 0

    async def open(self, shard: int, now: datetime) -> ShardRecord:
        self.opened += 1
        return await super().open(shard, now)


def keeper() -> tuple[VirtualLoop, Counting, ShardKeeper]:
    loop, store = VirtualLoop(), Counting(DESK, partitions=2)
    return loop, store, ShardKeeper(store, VirtualClock(loop))


def test_exactly_the_given_shards_are_owned() -> None:
    _, _, shards = keeper()
    shards.own([1, 2])
    shards.own([2, 3])
    assert shards.owned == {2, 3}


def test_a_shard_that_is_not_set_up_is_not_ready_and_asked_for_again() -> None:
    loop, store, shards = keeper()

    async def body() -> None:
        with pytest.raises(TransientError, match="shard_not_ready"):
            await shards.moment(0)
        await store.settle(0, doubt_until=None)
        assert (await shards.moment(0)).now == START

    loop.run(body())


def test_a_record_is_read_once_while_the_store_is_the_same() -> None:
    loop, store, shards = keeper()

    async def body() -> None:
        await store.settle(0, doubt_until=None)
        for _ in range(5):
            await shards.moment(0)
        assert store.opened == 1
        shards.forget(0)
        await shards.moment(0)
        assert store.opened == 2

    loop.run(body())


def test_another_run_of_the_store_puts_what_was_possible_until_then_in_doubt() -> None:
    loop, store, shards = keeper()

    async def body() -> None:
        await store.settle(0, doubt_until=None)
        assert not (await shards.moment(0)).in_doubt
        await pass_time(SECOND)
        store.fail_over(store.copy())
        moment = await shards.moment(0, since=START)
        assert (moment.doubt_until, moment.in_doubt) == (START + SECOND, True)
        await pass_time(SECOND)
        assert not (await shards.moment(0)).in_doubt
        assert (await shards.moment(0, since=START)).in_doubt

    loop.run(body())


def test_work_is_never_from_the_future() -> None:
    loop, store, shards = keeper()

    async def body() -> None:
        await store.settle(0, doubt_until=None)
        assert (await shards.moment(0, since=START + SECOND)).since == START

    loop.run(body())


def test_what_the_audit_found_missing_is_in_doubt_whenever_it_was() -> None:
    loop, store, shards = keeper()

    async def body() -> None:
        await store.settle(0, doubt_until=None)
        assert (await shards.moment(0, healed=True)).in_doubt

    loop.run(body())
