"""The dialer over gRPC: every request with a deadline, refusals as our errors."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from time import perf_counter

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from common.errors import AppError, OutcomeUnknown, PermanentError, Rejected, TransientError
from common.events.vocabulary import CallOutcome, Priority, Purpose
from common.rpc.client import Request, Response, call
from common.rpc.refusals import Exhausted, InvalidRequest, KeyReused, NotFound
from nineconnect.dialer.v1 import dialer_pb2 as pb
from nineconnect.dialer.v1.dialer_pb2_grpc import DialerServiceStub
from services.callback.domain.effects import PlaceCallOrder, PlacedCall

PROVIDER = "outbound_dialer"
"""Name in metrics."""

PURPOSES: Mapping[Purpose, pb.Purpose.ValueType] = {
    Purpose.SERVICE: pb.PURPOSE_SERVICE,
    Purpose.MARKETING: pb.PURPOSE_MARKETING,
    Purpose.STATUTORY: pb.PURPOSE_STATUTORY,
    Purpose.EMERGENCY: pb.PURPOSE_EMERGENCY,
}
"""A purpose that is missing here is never called for; the dialer refuses it as unspecified."""

PRIORITIES: Mapping[Priority, pb.Priority.ValueType] = {
    Priority.P0: pb.PRIORITY_P0,
    Priority.P1: pb.PRIORITY_P1,
    Priority.P2: pb.PRIORITY_P2,
}

OUTCOMES: Mapping[pb.CallOutcome.ValueType, CallOutcome] = {
    pb.CALL_OUTCOME_COMPLETED: CallOutcome.COMPLETED,
    pb.CALL_OUTCOME_BUSY: CallOutcome.BUSY,
    pb.CALL_OUTCOME_NO_ANSWER: CallOutcome.NO_ANSWER,
    pb.CALL_OUTCOME_MACHINE: CallOutcome.MACHINE,
    pb.CALL_OUTCOME_FAILED: CallOutcome.FAILED,
    pb.CALL_OUTCOME_CANCELLED: CallOutcome.CANCELLED,
    pb.CALL_OUTCOME_EXPIRED: CallOutcome.EXPIRED,
}


def _untimed(_request: str, _seconds: float) -> None:
    """Nobody wants to know."""


class GrpcDialer:
    """`Dialer` on `nineconnect.dialer.v1`; the channel belongs to whoever made it.

    Args:
        deadline: the longest a request may take.
        timed: told of every request: its name and how many seconds it took.
    """

    def __init__(
        self, channel: grpc.aio.Channel, deadline: timedelta, timed: Callable[[str, float], None] = _untimed
    ) -> None:
        self._stub = DialerServiceStub(channel)
        self._deadline = deadline
        self._timed = timed

    async def place_call(self, order: PlaceCallOrder) -> PlacedCall:
        """See `Dialer`."""
        response = await self._ask("place", self._stub.PlaceCall, _place_call_request(order))
        return _placed(response.call)

    async def cancel_call(self, customer_id: str, order_id: str, reason_code: str) -> PlacedCall:
        """See `Dialer`."""
        request = pb.CancelCallRequest(customer_id=customer_id, idempotency_key=order_id, reason_code=reason_code)
        return _placed((await self._ask("cancel", self._stub.CancelCall, request)).call)

    async def get_call(self, customer_id: str, order_id: str) -> PlacedCall | None:
        """See `Dialer`."""
        request = pb.GetCallRequest(customer_id=customer_id, idempotency_key=order_id)
        try:
            return _placed((await self._ask("get", self._stub.GetCall, request)).call)
        except NotFound:
            return None

    async def _ask(
        self, name: str, method: grpc.aio.UnaryUnaryMultiCallable[Request, Response], request: Request
    ) -> Response:
        began = perf_counter()
        try:
            return await call(method, request, deadline=self._deadline)
        except NotFound:
            raise
        except AppError as error:
            raise _translated(error) from error
        finally:
            self._timed(name, perf_counter() - began)


def _translated(error: AppError) -> AppError:
    """What the refusal means for an orderer."""
    match error:
        case InvalidRequest():
            return PermanentError("order_invalid", fields=[violation.field for violation in error.violations])
        case KeyReused():
            return PermanentError("order_key_reused")
        case Rejected():
            return PermanentError(error.code, rule_id=error.rule_id)
        case Exhausted():
            return TransientError(error.code, retry_after=error.retry_after)
        case PermanentError():
            # a failure of the dialer itself, not of the order: nobody can say how far it came
            return OutcomeUnknown(error.code)
    return error


def _place_call_request(order: PlaceCallOrder) -> pb.PlaceCallRequest:
    request, context = order.request, order.context
    return pb.PlaceCallRequest(
        idempotency_key=order.order_id,
        customer_id=order.customer_id,
        phone_number=request.phone_number,
        purpose=PURPOSES.get(request.purpose, pb.PURPOSE_UNSPECIFIED),
        flow=request.flow,
        language=request.language,
        variables=request.variables,
        earliest=_timestamp(request.earliest),
        latest=_timestamp(request.latest),
        priority=PRIORITIES[request.priority],
        context=pb.CallContext(
            task_id=context.task_id,
            scenario=context.scenario,
            correlation_id=context.correlation_id,
            causation_id=context.causation_id,
            traceparent=context.traceparent,
        ),
    )


def _timestamp(moment: datetime) -> Timestamp:
    timestamp = Timestamp()
    timestamp.FromDatetime(moment)
    return timestamp


def _placed(told: pb.Call) -> PlacedCall:
    outcome = OUTCOMES.get(told.outcome)
    return PlacedCall(
        order_id=told.idempotency_key,
        call_id=told.call_id,
        outcome=outcome,
        answered=outcome is CallOutcome.COMPLETED,
        choice=told.keys[-1].meaning if told.keys else None,
        triggers=not told.cancelled_too_late,
    )
