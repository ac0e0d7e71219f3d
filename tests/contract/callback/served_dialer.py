"""A gRPC server on a free port whose servicer is the dialer in memory, so that both meet the same contract."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, timedelta

import grpc

from common.errors import PermanentError, Rejected
from common.events.vocabulary import Priority, Purpose
from common.rpc.client import open_channel
from common.rpc.guard import RpcGuard
from common.rpc.refusals import FieldViolation, InvalidRequest, KeyReused, NotFound
from common.rpc.server import RpcServer
from nineconnect.dialer.v1 import dialer_pb2 as pb
from nineconnect.dialer.v1 import dialer_pb2_grpc
from services.callback.adapters.grpc_dialer import GrpcDialer
from services.callback.adapters.memory_dialer import MemoryDialer
from services.callback.domain.effects import CallContext, PlaceCallOrder, PlacedCall
from services.callback.domain.state import CallRequest

SERVICE = "nineconnect.dialer.v1.DialerService"
RESOURCE = {"resource_type": "call", "resource_name": "an order", "description": "words"}


class Servicer(dialer_pb2_grpc.DialerServiceServicer):
    def __init__(self, dialer: MemoryDialer, *, silent: bool) -> None:
        self._dialer = dialer
        self._silent = silent

    async def PlaceCall(self, request, context):
        if self._silent:
            await asyncio.Event().wait()
        with refusals_on_the_wire():
            return pb.PlaceCallResponse(call=told(request, await self._dialer.place_call(order_of(request))))

    async def CancelCall(self, request, context):
        key, reason = request.idempotency_key, request.reason_code
        return pb.CancelCallResponse(
            call=told(request, await self._dialer.cancel_call(request.customer_id, key, reason))
        )

    async def GetCall(self, request, context):
        call = await self._dialer.get_call(request.customer_id, request.idempotency_key)
        if call is None:
            raise NotFound("call_not_found", **RESOURCE)
        return pb.GetCallResponse(call=told(request, call))


@contextmanager
def refusals_on_the_wire() -> Iterator[None]:
    """Refuses as the real dialer's domain does."""
    try:
        yield
    except PermanentError as error:
        match error.code:
            case "order_key_reused":
                raise KeyReused("idempotency_key_reused", **RESOURCE) from error
            case "order_invalid":
                raise InvalidRequest([FieldViolation(name, "is wrong") for name in error.context["fields"]]) from error
            case code:
                raise Rejected(code, rule_id="voice.opt_out") from error


def order_of(request: pb.PlaceCallRequest) -> PlaceCallOrder:
    return PlaceCallOrder(
        order_id=request.idempotency_key,
        customer_id=request.customer_id,
        request=CallRequest(
            phone_number=request.phone_number,
            language=request.language,
            flow=request.flow,
            purpose=Purpose(pb.Purpose.Name(request.purpose).removeprefix("PURPOSE_").lower()),
            variables=dict(request.variables),
            earliest=request.earliest.ToDatetime(tzinfo=UTC),
            latest=request.latest.ToDatetime(tzinfo=UTC),
            priority=Priority(pb.Priority.Name(request.priority).removeprefix("PRIORITY_")),
        ),
        context=CallContext(
            request.context.task_id,
            request.context.scenario,
            request.context.correlation_id,
            request.context.causation_id,
            request.context.traceparent,
        ),
    )


def told(request, call: PlacedCall) -> pb.Call:
    outcome = f"CALL_OUTCOME_{call.outcome.name if call.outcome else 'UNSPECIFIED'}"
    keys = [pb.KeyPress(key="1", meaning=call.choice)] if call.choice else []
    return pb.Call(
        customer_id=request.customer_id,
        call_id=call.call_id,
        idempotency_key=call.order_id,
        outcome=pb.CallOutcome.Value(outcome),
        keys=keys,
        cancelled_too_late=not call.triggers,
    )


@asynccontextmanager
async def served(
    dialer: MemoryDialer, deadline: timedelta = timedelta(seconds=5), *, silent: bool = False
) -> AsyncIterator[GrpcDialer]:
    """The real adapter, talking over a socket to the dialer in memory; `silent` takes orders and never answers."""
    guard = RpcGuard(count=lambda method, code: None, bug=lambda: None)

    def register(server: grpc.aio.Server) -> None:
        dialer_pb2_grpc.add_DialerServiceServicer_to_server(Servicer(dialer, silent=silent), server)

    server = RpcServer(host="127.0.0.1", port=0, services={SERVICE: register}, guard=guard)
    await server.start()
    async with open_channel(f"127.0.0.1:{server.port}") as channel:
        yield GrpcDialer(channel, deadline)
    await server.stop()
