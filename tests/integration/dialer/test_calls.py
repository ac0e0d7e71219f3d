"""Calls ordered by gRPC, placed at the carrier sandbox, followed to their ends."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from urllib.error import HTTPError

import pytest

from common.errors import Rejected
from common.rpc.client import call
from common.rpc.refusals import InvalidRequest, KeyReused, NotFound
from nineconnect.dialer.v1 import dialer_pb2 as pb
from tests.support.dialer import running_dialer
from tests.support.polling import eventually_async

HOTLINE = "+12025550199"  # of the rule pack
BY_HAND = "+12025550299"  # rings until a person does something at the page of phones
DEADLINE = timedelta(seconds=5)


def order(number: str = "+12025550181", key: str = "t-1/1", customer: str = "c-1", **fields) -> pb.PlaceCallRequest:
    request = pb.PlaceCallRequest(
        idempotency_key=key,
        customer_id=customer,
        phone_number=number,
        purpose=pb.PURPOSE_SERVICE,
        flow="payment_failed",
        priority=pb.PRIORITY_P1,
        context=pb.CallContext(task_id="t-1", scenario="N2", correlation_id="f-1"),
        **fields,
    )
    if not request.HasField("latest"):
        request.latest.FromDatetime(datetime.now(UTC) + timedelta(hours=1))
    return request


async def place(stub, **changes) -> pb.PlaceCallResponse:
    return await call(stub.PlaceCall, order(**changes), deadline=DEADLINE)


async def ended(stub, call_id: str, customer: str = "c-1", timeout: float = 20) -> pb.Call:
    async def over():
        request = pb.GetCallRequest(customer_id=customer, call_id=call_id)
        found = (await call(stub.GetCall, request, deadline=DEADLINE)).call
        return found if found.status == pb.CALL_STATUS_ENDED else None

    return await eventually_async(over, timeout)


async def declined(sandbox, number: str) -> None:
    """The person at that phone declines it as soon as it rings."""

    def declines() -> bool:
        try:
            sandbox.act(number, "decline")
        except HTTPError:  # 409: it does not ring yet
            return False
        return True

    await eventually_async(declines, 20)


async def test_a_call_from_the_order_to_its_end(dialer_redis, sandbox):
    async with running_dialer(dialer_redis, sandbox) as (dialer, stub):
        await dialer.knows("c-1")
        placed = await place(stub)
        result = await ended(stub, placed.call.call_id)
        types = dialer.types(result.call_id)
    assert placed.created
    assert result.outcome == pb.CALL_OUTCOME_COMPLETED
    assert [(press.key, press.meaning) for press in result.keys] == [("1", "pay_link_requested")]
    assert (result.attempt_count, result.masked_phone_number) == (1, "+12*******81")
    assert result.provider_call_sid.startswith("CA")
    assert types[:3] == ["call.queued.v1", "call.dialing.v1", "call.accepted.v1"]
    assert types[-1] == "call.ended.v1"
    assert {"call.ringing.v1", "call.answered.v1", "call.key_pressed.v1"} <= set(types)
    assert len(sandbox.book("call")) == 1


@pytest.mark.parametrize(
    ("suffix", "outcome", "meanings"),
    [
        ("80", pb.CALL_OUTCOME_COMPLETED, []),
        ("83", pb.CALL_OUTCOME_COMPLETED, ["opted_out"]),
        ("84", pb.CALL_OUTCOME_COMPLETED, []),
        ("85", pb.CALL_OUTCOME_BUSY, []),
        ("86", pb.CALL_OUTCOME_NO_ANSWER, []),
        ("87", pb.CALL_OUTCOME_MACHINE, []),
        ("88", pb.CALL_OUTCOME_FAILED, []),
        ("98", pb.CALL_OUTCOME_FAILED, []),
    ],
)
async def test_how_calls_end(dialer_redis, sandbox, suffix, outcome, meanings):
    async with running_dialer(dialer_redis, sandbox) as (dialer, stub):
        await dialer.knows("c-1")
        placed = await place(stub, number=f"+120255501{suffix}")
        result = await ended(stub, placed.call.call_id)
    assert result.outcome == outcome
    assert [press.meaning for press in result.keys] == meanings


async def test_who_pressed_2_is_connected_to_a_person(dialer_redis, sandbox):
    async with running_dialer(dialer_redis, sandbox) as (dialer, stub):
        await dialer.knows("c-1")
        placed = await place(stub, number="+12025550182")
        await declined(sandbox, HOTLINE)
        result = await ended(stub, placed.call.call_id)
    [leg] = sandbox.book("leg")
    assert leg["to"] == HOTLINE
    assert [press.meaning for press in result.keys] == ["human_requested"]


async def test_who_pressed_9_is_not_called_again(dialer_redis, sandbox):
    async with running_dialer(dialer_redis, sandbox) as (dialer, stub):
        await dialer.knows("c-1")
        placed = await place(stub, number="+12025550183")
        await ended(stub, placed.call.call_id)
        with pytest.raises(Rejected) as caught:
            await place(stub, number="+12025550183", key="t-1/2")
    assert caught.value.rule_id == "voice.opt_out"


async def test_the_same_order_many_times_at_once_is_one_call(dialer_redis, sandbox):
    async with running_dialer(dialer_redis, sandbox) as (dialer, stub):
        await dialer.knows("c-1")
        latest = order().latest
        answers = await asyncio.gather(*(place(stub, latest=latest) for _ in range(20)))
        await ended(stub, answers[0].call.call_id)
        with pytest.raises(KeyReused):
            await place(stub, latest=latest, number="+12025550182")
    assert sum(answer.created for answer in answers) == 1
    assert len({answer.call.call_id for answer in answers}) == 1
    assert len(sandbox.book("call")) == 1


async def test_wrong_orders_name_their_fields(dialer_redis, sandbox):
    async with running_dialer(dialer_redis, sandbox) as (_, stub):
        with pytest.raises(InvalidRequest) as caught:
            await place(stub, number="911")
        assert [violation.field for violation in caught.value.violations] == ["phone_number"]
        with pytest.raises(InvalidRequest) as caught:
            await call(stub.CancelCall, pb.CancelCallRequest(), deadline=DEADLINE)
        assert [one.field for one in caught.value.violations] == ["customer_id", "target", "reason_code"]
        with pytest.raises(NotFound):
            await call(stub.GetCall, pb.GetCallRequest(customer_id="c-1", call_id="c-9"), deadline=DEADLINE)


async def test_a_cancelled_call_is_not_dialled_even_when_its_order_comes_later(dialer_redis, sandbox):
    async with running_dialer(dialer_redis, sandbox) as (dialer, stub):
        await dialer.knows("c-1")
        cancel = pb.CancelCallRequest(customer_id="c-1", idempotency_key="t-1/1", reason_code="payment_succeeded")
        cancelled = await call(stub.CancelCall, cancel, deadline=DEADLINE)
        late = await place(stub)
        other = await place(stub, key="t-2/1")
        await ended(stub, other.call.call_id)
    assert cancelled.result == pb.CANCEL_RESULT_CANCELLED
    assert (late.created, late.call.outcome) == (False, pb.CALL_OUTCOME_CANCELLED)
    assert len(sandbox.book("call")) == 1


async def test_a_call_under_way_is_cancelled_too_late(dialer_redis, sandbox):
    async with running_dialer(dialer_redis, sandbox) as (dialer, stub):
        await dialer.knows("c-1")
        placed = await place(stub, number=BY_HAND)
        await eventually_async(lambda: sandbox.book("call"))
        cancel = pb.CancelCallRequest(customer_id="c-1", call_id=placed.call.call_id, reason_code="payment_succeeded")
        cancelled = await call(stub.CancelCall, cancel, deadline=DEADLINE)
        await declined(sandbox, BY_HAND)
        result = await ended(stub, placed.call.call_id)
        [fact] = [fact for fact in dialer.records.told if fact.TYPE == "call.ended.v1"]
    assert cancelled.result == pb.CANCEL_RESULT_TOO_LATE
    assert result.cancelled_too_late
    assert fact.triggers is False


async def test_pages_of_calls_newest_first(dialer_redis, sandbox):
    async with running_dialer(dialer_redis, sandbox) as (_, stub):
        for number in range(5):  # without a profile they wait
            await place(stub, key=f"t-1/{number}")
        seen, token = [], ""
        while True:
            request = pb.ListCallsRequest(customer_id="c-1", page_size=2, page_token=token)
            page = await call(stub.ListCalls, request, deadline=DEADLINE)
            seen += [one.idempotency_key for one in page.calls]
            token = page.next_page_token
            if not token:
                break
        with pytest.raises(InvalidRequest):
            await call(stub.ListCalls, pb.ListCallsRequest(customer_id="c-1", page_token="x"), deadline=DEADLINE)
    assert seen == [f"t-1/{number}" for number in (4, 3, 2, 1, 0)]


async def test_watching_shows_the_present_state_then_every_change(dialer_redis, sandbox):
    async with running_dialer(dialer_redis, sandbox) as (dialer, stub):
        placed = await place(stub)
        await place(stub, customer="c-2")
        watching = stub.WatchCalls(pb.WatchCallsRequest(customer_ids=["c-1"]), timeout=20)
        states = [(await anext(aiter(watching))).call]
        await dialer.knows("c-1")
        async for response in watching:
            states.append(response.call)
            if response.call.status == pb.CALL_STATUS_ENDED:
                break
        watching.cancel()
    assert states[0].call_id == placed.call.call_id
    assert states[0].status == pb.CALL_STATUS_QUEUED
    assert {state.customer_id for state in states} == {"c-1"}
    revisions = [state.revision for state in states]
    assert revisions == sorted(set(revisions))


async def test_watching_all_shows_changes_from_now_on(dialer_redis, sandbox):
    async with running_dialer(dialer_redis, sandbox) as (_, stub):
        await place(stub, key="t-0/1")
        watching = stub.WatchCalls(pb.WatchCallsRequest(), timeout=20)
        await watching.initial_metadata()
        placed = await place(stub, customer="c-3")
        first = (await anext(aiter(watching))).call
        watching.cancel()
    assert first.call_id == placed.call.call_id
    assert first.customer_id == "c-3"


async def test_calls_keep_their_distance(dialer_redis, sandbox):
    interval = timedelta(milliseconds=150)
    async with running_dialer(dialer_redis, sandbox, slot_interval=interval) as (dialer, stub):
        calls = []
        for number in range(6):
            await dialer.knows(f"c-{number}")
            calls.append(await place(stub, customer=f"c-{number}", number=f"+1202555010{number}"))
        for placed in calls:
            await ended(stub, placed.call.call_id, placed.call.customer_id)
    times = sorted(datetime.fromisoformat(entry["at"]) for entry in sandbox.book("call"))
    assert times[-1] - times[0] >= 5 * interval - timedelta(milliseconds=100)
    assert len(times) == 6


MODES = {
    "drops the answer": {"lying": 1.0},
    "answers 500 after accepting": {"lying_error": 1.0},
    "fails without accepting": {"flaky": 0.5},
    "is slow": {"slow_seconds": 0.4},
    "limits the rate": {"rate_limit_per_second": 2.0},
    "tells nothing": {"receipts_missing": 1.0},
    "tells twice and out of order": {"receipts_doubled": 1.0, "receipts_reordered": 0.5, "receipts_held_seconds": 0.2},
    "drops the answer and tells nothing": {"lying": 1.0, "receipts_missing": 1.0, "list_lag_seconds": 0.7},
    "does it all": {
        "lying": 0.3,
        "flaky": 0.2,
        "receipts_missing": 0.3,
        "receipts_doubled": 0.3,
        "list_lag_seconds": 0.5,
    },
}


@pytest.mark.parametrize("modes", MODES.values(), ids=MODES.keys())
async def test_each_call_is_placed_once_however_the_carrier_misbehaves(dialer_redis, sandbox, modes):
    async with running_dialer(dialer_redis, sandbox) as (dialer, stub):
        sandbox.misbehave(**modes)
        calls = []
        for number in range(6):
            await dialer.knows(f"c-{number}")
            calls.append(await place(stub, customer=f"c-{number}", number=f"+120255501{number * 10:02d}"))
        for placed in calls:
            result = await ended(stub, placed.call.call_id, placed.call.customer_id, timeout=60)
            assert result.outcome == pb.CALL_OUTCOME_COMPLETED
    numbers = Counter(entry["to"] for entry in sandbox.book("call"))
    assert len(numbers) == 6
    assert set(numbers.values()) == {1}, "no call twice"
