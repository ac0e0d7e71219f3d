"""Each step has its own time, and all of them together no more than the whole."""

import asyncio
from datetime import timedelta

from common.service.patience import Patience
from tests.support.virtual_time import VirtualLoop, pass_time

SECOND = timedelta(seconds=1)


def test_steps_are_cut_short_and_the_last_gets_what_is_left() -> None:
    loop = VirtualLoop()

    async def body() -> None:
        within = Patience(5 * SECOND)
        await within(SECOND, pass_time(SECOND / 2))
        assert loop.time() == 0.5
        await within(3 * SECOND, pass_time(10 * SECOND))
        assert loop.time() == 3.5
        await within(3 * SECOND, asyncio.Event().wait())
        assert loop.time() == 5
        assert within.left == timedelta(0)

    loop.run(body())
