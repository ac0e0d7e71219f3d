"""The callback service's way to the dialer: requests reach one of its processes, or none, and answers may get lost."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from random import Random
from typing import Any, Protocol, TypeVar

from common.errors import AppError, OutcomeUnknown
from common.events.vocabulary import CallOutcome
from common.rpc.refusals import NotFound
from services.callback.adapters.grpc_dialer import _translated
from services.callback.domain.effects import PlaceCallOrder, PlacedCall
from services.outbound_dialer.domain.requests import CallRequest
from services.outbound_dialer.domain.state import Call, CallContext
from services.outbound_dialer.handlers import Handlers
from tests.simulation.machines import NOBODY, Machine
from tests.simulation.surroundings import Surroundings
from tests.simulation.wire import settle

T = TypeVar("T")

DEADLINE = 5.0


class Answering(Protocol):
    """A process of the dialer."""

    machine: Machine

    @property
    def handlers(self) -> Any: ...

    def run(self, work: Any) -> None: ...


class SimulatedDialer:
    """The callback service's `Dialer` on the simulated network."""

    def __init__(self, around: Surroundings, processes: Callable[[], Sequence["Answering"]]) -> None:
        self._around = around
        self._processes = processes

    async def place_call(self, order: PlaceCallOrder) -> PlacedCall:
        """See `Dialer`."""
        placed = await self._ask(lambda dialer: dialer.place_call(call_request(order)))
        return placed_call(order.order_id, placed[0])

    async def cancel_call(self, customer_id: str, order_id: str, reason_code: str) -> PlacedCall:
        """See `Dialer`."""
        call = await self._ask(lambda dialer: dialer.cancel_call(customer_id, "", order_id, reason_code))
        return placed_call(order_id, call)

    async def get_call(self, customer_id: str, order_id: str) -> PlacedCall | None:
        """See `Dialer`."""
        try:
            return placed_call(order_id, await self._ask(lambda dialer: dialer.get_call(customer_id, "", order_id)))
        except NotFound:
            return None

    async def _ask(self, what: Callable[[Handlers], Awaitable[T]]) -> T:
        loop = self._around.loop
        answer: asyncio.Future[T] = loop.create_future()
        loop.call_later(DEADLINE, settle, answer, OutcomeUnknown("rpc_deadline_exceeded"), context=NOBODY)
        loop.call_later(self._around.wire.trip(), self._arrive, answer, what, context=NOBODY)
        try:
            return await answer
        except NotFound:
            raise
        except AppError as error:
            raise _translated(error) from error

    def _arrive(self, answer: asyncio.Future[T], what: Callable[[Handlers], Awaitable[T]]) -> None:
        alive = [process for process in self._processes() if not process.machine.dead]
        if not alive:
            settle(answer, OutcomeUnknown("rpc_unavailable"))
            return
        rng: Random = self._around.rng
        process = rng.choice(alive)
        process.run(self._serve(process, answer, what))

    async def _serve(
        self, process: Answering, answer: asyncio.Future[T], what: Callable[[Handlers], Awaitable[T]]
    ) -> None:
        result: object
        try:
            result = await what(process.handlers)
        except AppError as error:
            result = error
        if not self._around.by_lot("lost_answers"):
            self._around.loop.call_later(self._around.wire.trip(), settle, answer, result, context=NOBODY)


def call_request(order: PlaceCallOrder) -> CallRequest:
    """The order as the dialer's domain sees it once it went over the wire."""
    request, context = order.request, order.context
    return CallRequest(
        idempotency_key=order.order_id,
        customer_id=order.customer_id,
        phone_number=request.phone_number,
        purpose=request.purpose,
        flow=request.flow,
        language=request.language,
        variables=dict(request.variables),
        earliest=request.earliest,
        latest=request.latest,
        priority=request.priority,
        context=CallContext(
            task_id=context.task_id,
            scenario=context.scenario,
            correlation_id=context.correlation_id,
            causation_id=context.causation_id,
            traceparent=context.traceparent,
        ),
    )


def placed_call(order_id: str, call: Call) -> PlacedCall:
    """The call as the callback service reads it off the answer."""
    return PlacedCall(
        order_id=order_id,
        call_id=call.call_id,
        outcome=call.outcome,
        answered=call.outcome is CallOutcome.COMPLETED,
        choice=call.keys[-1].meaning if call.keys else None,
    )
