"""The store when its server dies, comes back, hangs, or comes back empty."""

import os
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cli.stack.redis import EmbeddedRedis
from common.errors import TransientError
from common.kernel.ports import CommitResult
from common.kernel.redis.store import RedisStore
from tests.contract.kernel.tally import TALLY, Tally
from tests.contract.kernel.test_store import new
from tests.support.polling import eventually_async
from tests.support.ports import free_port

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


@dataclass
class Bench:
    server: EmbeddedRedis
    store: RedisStore[Tally]
    directory: Path


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    server = EmbeddedRedis(directory=tmp_path, port=free_port())
    server.start()
    store = RedisStore(server.url, TALLY, partitions=1)
    await store.settle(0, doubt_until=None)
    yield Bench(server, store, tmp_path)
    await store.close()
    server.stop()


async def commit(store: RedisStore[Tally]) -> CommitResult:
    loaded = await store.load("C1")
    return await store.commit(loaded, new(store, loaded))


async def test_a_killed_server_is_an_outage_and_its_return_is_another_run(bench: Bench) -> None:
    assert await commit(bench.store) is CommitResult.DONE
    generation = bench.store.generation
    bench.server.kill()
    with pytest.raises(TransientError, match="store_unavailable"):
        await commit(bench.store)
    bench.server.start()
    assert await commit(bench.store) is CommitResult.DONE
    assert (await bench.store.load("C1")).state.count == 2
    assert bench.store.generation == generation + 1


async def test_after_another_run_what_was_possible_before_is_in_doubt(bench: Bench) -> None:
    assert (await bench.store.open(0, NOW)).doubt_until is None
    bench.server.kill()
    bench.server.start()
    assert (await bench.store.open(0, NOW)).doubt_until == NOW
    assert (await bench.store.open(0, NOW + timedelta(hours=1))).doubt_until == NOW


async def test_a_lost_connection_without_a_new_run_is_not_in_doubt(bench: Bench) -> None:
    generation = bench.store.generation
    await bench.store.close()
    assert await commit(bench.store) is CommitResult.DONE
    assert bench.store.generation == generation
    assert (await bench.store.open(0, NOW)).doubt_until is None


async def test_a_server_that_hangs_is_given_up_and_used_again_once_it_answers(bench: Bench) -> None:
    pid = int((await bench.store._redis.call("INFO", "server")).split(b"process_id:")[1].split(b"\r")[0])
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(TransientError, match="store_unavailable"):
            await commit(bench.store)
    finally:
        os.kill(pid, signal.SIGCONT)

    async def works() -> bool:
        return await commit(bench.store) is CommitResult.DONE

    assert await eventually_async(works)


async def test_a_server_that_lost_everything_takes_no_writes_before_it_is_set_up(bench: Bench) -> None:
    await commit(bench.store)
    await bench.store._redis.call("FLUSHALL")
    assert await commit(bench.store) is CommitResult.UNBORN
    assert not (await bench.store.open(0, NOW)).born


async def test_a_wrong_password_is_an_outage_that_names_itself(bench: Bench) -> None:
    wrong = RedisStore(bench.server.url.replace("redis://", "redis://:nonsense@"), TALLY, partitions=1)
    with pytest.raises(TransientError) as refused:
        await wrong.load("C1")
    assert refused.value.code == "store_unavailable"
    await wrong.close()
