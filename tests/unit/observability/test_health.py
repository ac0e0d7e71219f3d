"""Health tells honestly what fails, why, and what to do."""

import asyncio
from datetime import timedelta
from http import HTTPStatus

import pytest

from common.observability.health import Gate, Health, keep_beating
from tests.support.polling import eventually_async


class Stopwatch:
    """Seconds moved by hand."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def watch() -> Stopwatch:
    return Stopwatch()


@pytest.fixture
def health(watch: Stopwatch) -> Health:
    return Health("notifier", watch)


def test_a_condition_fails_until_it_is_first_met(health: Health) -> None:
    redis = health.require("redis_reachable", remedy="Check REDIS_URL.")
    report = health.ready()
    assert report.status is HTTPStatus.SERVICE_UNAVAILABLE
    assert report.body() == {
        "service": "notifier",
        "ready": False,
        "checks": [
            {
                "name": "redis_reachable",
                "ok": False,
                "reason": "not yet met since the start",
                "remedy": "Check REDIS_URL.",
            }
        ],
    }
    redis.met()
    assert health.ready().status is HTTPStatus.OK
    assert health.ready().body()["checks"] == [{"name": "redis_reachable", "ok": True, "reason": "", "remedy": ""}]


def test_one_failing_condition_of_many_is_enough(health: Health) -> None:
    redis = health.require("redis_reachable", remedy="Check REDIS_URL.")
    partitions = health.require("partitions_assigned", remedy="Wait for the rebalance.")
    redis.met()
    partitions.met()
    redis.failed("the connection was refused")
    report = health.ready()
    assert [(finding["name"], finding["reason"]) for finding in report.findings if not finding["ok"]] == [
        ("redis_reachable", "the connection was refused")
    ]
    redis.met()
    assert health.ready().ok


def test_readiness_and_liveness_are_apart(health: Health) -> None:
    health.require("redis_reachable", remedy="Check REDIS_URL.")
    assert health.live().ok
    assert not health.ready().ok
    health.require("event_loop", remedy="Restart.", gate=Gate.LIVE)
    assert not health.live().ok


def test_a_loop_that_shows_no_life_fails_after_its_time(health: Health, watch: Stopwatch) -> None:
    loop = health.require("outbox_relay", remedy="Restart.", gate=Gate.LIVE, max_age=timedelta(seconds=10))
    loop.met()
    watch.seconds += 10
    assert health.live().ok
    watch.seconds += 1
    assert health.live().findings[0]["reason"] == "no sign of life for 11 s"


async def test_a_turning_event_loop_beats_and_a_silent_one_is_found_out(health: Health, watch: Stopwatch) -> None:
    beating = asyncio.create_task(keep_beating(health, every=timedelta(0), max_age=timedelta(seconds=10)))
    await eventually_async(lambda: health.live().findings and health.live().ok)
    beating.cancel()
    watch.seconds += 60
    assert not health.live().ok
