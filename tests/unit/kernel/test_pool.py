"""The pool: room, bugs, and what a graceful stop waits for."""

import asyncio
from datetime import timedelta

from common.kernel.pool import Pool
from tests.support.virtual_time import VirtualLoop, pass_time

SECOND = timedelta(seconds=1)


async def fails() -> None:
    raise ValueError("unforeseen")


def test_room_is_what_its_limit_leaves() -> None:
    async def body() -> None:
        pool = Pool(2, lambda _: None)
        assert pool.room == 2
        for _ in range(3):  # reserved effects are taken on beyond the limit
            pool.submit(pass_time(SECOND))
        assert pool.room == 0
        await pass_time(2 * SECOND)
        assert pool.room == 2

    VirtualLoop().run(body())


def test_a_bug_is_told_once_and_frees_its_place() -> None:
    async def body() -> None:
        bugs: list[BaseException] = []
        pool = Pool(1, bugs.append)
        pool.submit(fails())
        await pass_time(SECOND)
        assert [type(bug) for bug in bugs] == [ValueError]
        assert pool.room == 1

    VirtualLoop().run(body())


class TestDrain:
    def test_it_waits_for_what_is_in_flight_and_takes_nothing_new(self) -> None:
        async def body() -> None:
            pool, done = Pool(2, lambda _: None), asyncio.Event()

            async def work() -> None:
                await pass_time(SECOND)
                done.set()

            pool.submit(work())
            assert await pool.drain(5 * SECOND) == 0
            assert done.is_set()
            assert pool.room == 0

        VirtualLoop().run(body())

    def test_what_follows_from_work_in_flight_is_waited_for_too(self) -> None:
        async def body() -> None:
            pool, done = Pool(2, lambda _: None), asyncio.Event()

            async def first() -> None:
                await pass_time(SECOND)
                pool.submit(second())

            async def second() -> None:
                await pass_time(SECOND)
                done.set()

            pool.submit(first())
            assert await pool.drain(5 * SECOND) == 0
            assert done.is_set()

        VirtualLoop().run(body())

    def test_patience_ends(self) -> None:
        async def body() -> None:
            bugs: list[BaseException] = []
            pool = Pool(2, bugs.append)
            pool.submit(pass_time(60 * SECOND))
            assert await pool.drain(3 * SECOND) == 1
            assert asyncio.get_running_loop().time() == 3
            await pass_time(SECOND)
            assert bugs == []

        VirtualLoop().run(body())
