"""One contract for the dialer over gRPC and the one in memory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from common.errors import AppError, OutcomeUnknown, PermanentError, TransientError
from common.events.vocabulary import CallOutcome, Priority, Purpose
from common.rpc.client import open_channel
from services.callback.adapters.grpc_dialer import GrpcDialer
from services.callback.adapters.memory_dialer import MemoryDialer
from services.callback.domain.effects import CallContext, PlaceCallOrder
from services.callback.domain.state import CallRequest
from services.callback.ports import Dialer
from tests.contract.callback.served_dialer import served
from tests.support.ports import free_port

CUSTOMER = "c-000451"
NOW = datetime(2026, 11, 20, 2, 25, 0, 123456, tzinfo=UTC)
ORDER = PlaceCallOrder(
    order_id="t-77ab01c2d3e4/1",
    customer_id=CUSTOMER,
    request=CallRequest(
        phone_number="+12025550143",
        language="zh-CN",
        flow="payment_failed",
        purpose=Purpose.SERVICE,
        variables={"policy_id": "P-2024-000451"},
        earliest=NOW,
        latest=NOW + timedelta(hours=12),
        priority=Priority.P1,
    ),
    context=CallContext("t-77ab01c2d3e4", "N2", "core-2026-000781", "core-2026-000781", ""),
)


@asynccontextmanager
async def in_memory(dialer: MemoryDialer) -> AsyncIterator[Dialer]:
    yield dialer


@pytest.fixture
def backing() -> MemoryDialer:
    """The dialer whose phone calls the test makes happen."""
    return MemoryDialer()


@pytest.fixture(params=[in_memory, served], ids=["memory", "grpc"])
async def dialer(request: pytest.FixtureRequest, backing: MemoryDialer) -> AsyncIterator[Dialer]:
    async with request.param(backing) as made:
        yield made


class TestDialer:
    async def test_takes_an_order_as_it_is(self, dialer: Dialer, backing: MemoryDialer) -> None:
        call = await dialer.place_call(ORDER)
        assert (call.order_id, call.outcome, bool(call.call_id)) == (ORDER.order_id, None, True)
        assert backing.book == [ORDER]

    async def test_the_same_order_again_is_the_same_call(self, dialer: Dialer, backing: MemoryDialer) -> None:
        first = await dialer.place_call(ORDER)
        retold = replace(ORDER, context=replace(ORDER.context, causation_id="another"))
        assert await dialer.place_call(retold) == first
        assert len(backing.book) == 1

    async def test_an_order_id_names_one_order_for_ever(self, dialer: Dialer) -> None:
        await dialer.place_call(ORDER)
        other = replace(ORDER, request=replace(ORDER.request, latest=NOW + timedelta(hours=1)))
        with pytest.raises(PermanentError, match="order_key_reused"):
            await dialer.place_call(other)

    @pytest.mark.parametrize(
        "refusal", [PermanentError("order_invalid", fields=["phone_number"]), PermanentError("opted_out")]
    )
    async def test_refusals_are_final(self, dialer: Dialer, backing: MemoryDialer, refusal: PermanentError) -> None:
        backing.refuses = lambda order: refusal
        with pytest.raises(PermanentError) as caught:
            await dialer.place_call(ORDER)
        assert caught.value.code == refusal.code
        assert caught.value.context.get("fields") == refusal.context.get("fields")

    async def test_a_cancelled_call_stays_cancelled(self, dialer: Dialer) -> None:
        await dialer.place_call(ORDER)
        cancelled = await dialer.cancel_call(CUSTOMER, ORDER.order_id, "paid")
        assert cancelled.outcome is CallOutcome.CANCELLED
        assert await dialer.place_call(ORDER) == cancelled
        assert await dialer.cancel_call(CUSTOMER, ORDER.order_id, "paid") == cancelled

    async def test_an_order_that_comes_after_its_cancellation_dials_nobody(
        self, dialer: Dialer, backing: MemoryDialer
    ) -> None:
        await dialer.cancel_call(CUSTOMER, ORDER.order_id, "paid")
        assert (await dialer.place_call(ORDER)).outcome is CallOutcome.CANCELLED
        assert backing.book == []

    async def test_a_call_in_progress_is_not_cancelled(self, dialer: Dialer, backing: MemoryDialer) -> None:
        await dialer.place_call(ORDER)
        backing.dial(CUSTOMER, ORDER.order_id)
        call = await dialer.cancel_call(CUSTOMER, ORDER.order_id, "paid")
        assert (call.outcome, call.triggers) == (None, False)
        ended = backing.end(CUSTOMER, ORDER.order_id, CallOutcome.COMPLETED, "human_requested")
        assert await dialer.get_call(CUSTOMER, ORDER.order_id) == ended
        assert not ended.triggers

    @pytest.mark.parametrize("outcome", CallOutcome)
    async def test_tells_how_a_call_ended(self, dialer: Dialer, backing: MemoryDialer, outcome: CallOutcome) -> None:
        await dialer.place_call(ORDER)
        backing.end(CUSTOMER, ORDER.order_id, outcome, "human_requested" if outcome is CallOutcome.COMPLETED else None)
        call = await dialer.get_call(CUSTOMER, ORDER.order_id)
        assert call == backing.end(CUSTOMER, ORDER.order_id, outcome)
        assert call.answered == (outcome is CallOutcome.COMPLETED)
        assert await dialer.cancel_call(CUSTOMER, ORDER.order_id, "paid") == call

    async def test_knows_no_order_that_was_never_given(self, dialer: Dialer) -> None:
        assert await dialer.get_call(CUSTOMER, ORDER.order_id) is None

    @pytest.mark.parametrize("request_of", ["place", "cancel", "get"])
    @pytest.mark.parametrize(
        "error", [TransientError("store_unavailable", retry_after=timedelta(seconds=3)), OutcomeUnknown("time_out")]
    )
    async def test_trouble_keeps_its_meaning(
        self, dialer: Dialer, backing: MemoryDialer, error: AppError, request_of: str
    ) -> None:
        backing.fail_next(error)
        with pytest.raises(type(error)) as caught:
            await ask(dialer, request_of)
        assert (caught.value.code, caught.value.context) == (error.code, error.context)


async def ask(dialer: Dialer, request_of: str) -> object:
    match request_of:
        case "place":
            return await dialer.place_call(ORDER)
        case "cancel":
            return await dialer.cancel_call(CUSTOMER, ORDER.order_id, "paid")
    return await dialer.get_call(CUSTOMER, ORDER.order_id)


async def test_no_server_leaves_the_outcome_unknown() -> None:
    async with open_channel(f"127.0.0.1:{free_port()}") as channel:
        with pytest.raises(OutcomeUnknown):
            await GrpcDialer(channel, timedelta(seconds=5)).place_call(ORDER)


async def test_a_silent_server_leaves_the_outcome_unknown(backing: MemoryDialer) -> None:
    async with served(backing, deadline=timedelta(milliseconds=100), silent=True) as dialer:
        with pytest.raises(OutcomeUnknown):
            await dialer.place_call(ORDER)


async def test_a_failure_of_the_dialer_itself_is_not_taken_for_a_refusal(backing: MemoryDialer) -> None:
    async with served(backing) as dialer:
        backing.fail_next(PermanentError("document_too_large"))
        with pytest.raises(OutcomeUnknown):
            await dialer.get_call(CUSTOMER, ORDER.order_id)
