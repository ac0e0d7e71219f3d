"""Trace context is continued when it is valid and begun anew when it is not."""

import asyncio

import pytest

from common.observability.tracing import (
    Story,
    bind_correlation,
    continue_trace,
    current_story,
    enter_story,
    parse_traceparent,
)

TRACE = "0af7651916cd43dd8448eb211c80319c"
VALID = f"00-{TRACE}-b7ad6b7169203331-01"


def test_a_callers_trace_goes_on_in_a_new_span() -> None:
    ours = continue_trace(VALID)
    assert ours.trace_id == TRACE
    assert ours.flags == "01"
    assert ours.span_id != "b7ad6b7169203331"
    assert parse_traceparent(ours.traceparent) == ours


@pytest.mark.parametrize(
    "traceparent",
    [
        None,
        "",
        "rubbish",
        VALID.upper(),
        VALID[:-1],
        VALID + "0",
        VALID + "-more",
        f"ff-{TRACE}-b7ad6b7169203331-01",
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        f"00-{TRACE}-{'0' * 16}-01",
        VALID + "\n",
    ],
)
def test_what_is_malformed_is_ignored_and_a_new_trace_begins(traceparent: str | None) -> None:
    assert parse_traceparent(traceparent) is None
    ours = continue_trace(traceparent)
    assert ours.trace_id != TRACE
    assert parse_traceparent(ours.traceparent) == ours


def test_a_later_version_may_say_more() -> None:
    later = parse_traceparent(f"01-{TRACE}-b7ad6b7169203331-01-what-the-future-brings")
    assert later is not None
    assert later.trace_id == TRACE


def test_a_story_is_bound_for_the_block_only_and_blocks_nest() -> None:
    with bind_correlation("corr-1", VALID):
        assert current_story() == Story("corr-1", TRACE)
        with bind_correlation("corr-2"):
            assert current_story() == Story("corr-2", "")
        assert current_story() == Story("corr-1", TRACE)
    assert current_story() == Story()


async def test_a_task_may_enter_a_story_for_the_rest_of_its_life() -> None:
    async def entered() -> Story:
        enter_story("corr-2", VALID)
        return current_story()

    with bind_correlation("corr-1"):
        assert await asyncio.create_task(entered()) == Story("corr-2", TRACE)
        assert current_story() == Story("corr-1", "")


async def test_tasks_inherit_the_story_and_keep_it() -> None:
    async def told() -> Story:
        return current_story()

    with bind_correlation("corr-1"):
        task = asyncio.create_task(told())
    assert await task == Story("corr-1", "")
