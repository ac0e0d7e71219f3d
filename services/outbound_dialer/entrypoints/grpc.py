"""The gRPC API: translates messages and calls the handlers; the guard around it translates errors."""
# ruff: noqa: N802, ARG002  # names and signatures are those of the generated servicer

import re
from collections.abc import AsyncIterator
from typing import Any

from grpc.aio import Server

from common.rpc.refusals import FieldViolation, InvalidRequest
from nineconnect.dialer.v1 import dialer_pb2 as pb
from nineconnect.dialer.v1 import dialer_pb2_grpc
from services.outbound_dialer.domain.orders import cancel_result
from services.outbound_dialer.domain.requests import CUSTOMER_ID, KEY
from services.outbound_dialer.entrypoints.messages import CANCEL_RESULTS, call_message, call_request
from services.outbound_dialer.handlers import Handlers

SERVICE = "nineconnect.dialer.v1.DialerService"
DEFAULT_PAGE, LARGEST_PAGE = 20, 100
MAX_WATCHED = 1000
REASON = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,79}")


class DialerServicer(dialer_pb2_grpc.DialerServiceServicer):
    """See `dialer.proto`."""

    def __init__(self, handlers: Handlers) -> None:
        self._handlers = handlers

    async def PlaceCall(self, request: pb.PlaceCallRequest, context: Any) -> pb.PlaceCallResponse:
        """See the proto."""
        call, created = await self._handlers.place_call(call_request(request))
        return pb.PlaceCallResponse(call=call_message(request.customer_id, call), created=created)

    async def CancelCall(self, request: pb.CancelCallRequest, context: Any) -> pb.CancelCallResponse:
        """See the proto."""
        violations = _target_violations(request)
        if not REASON.fullmatch(request.reason_code):
            violations.append(FieldViolation("reason_code", "must be a constant name of at most 80 characters"))
        _refuse(violations)
        call = await self._handlers.cancel_call(
            request.customer_id, request.call_id, request.idempotency_key, request.reason_code
        )
        result = CANCEL_RESULTS[cancel_result(call)]
        return pb.CancelCallResponse(call=call_message(request.customer_id, call), result=result)

    async def GetCall(self, request: pb.GetCallRequest, context: Any) -> pb.GetCallResponse:
        """See the proto."""
        _refuse(_target_violations(request))
        call = await self._handlers.get_call(request.customer_id, request.call_id, request.idempotency_key)
        return pb.GetCallResponse(call=call_message(request.customer_id, call))

    async def ListCalls(self, request: pb.ListCallsRequest, context: Any) -> pb.ListCallsResponse:
        """See the proto; the page token is the last call of the page before."""
        _refuse(_customer_violations("customer_id", request.customer_id))
        calls = await self._handlers.list_calls(request.customer_id)
        if request.page_token:
            names = [call.call_id for call in calls]
            if request.page_token not in names:
                raise InvalidRequest([FieldViolation("page_token", "is not one of this list, or its call is gone")])
            calls = calls[names.index(request.page_token) + 1 :]
        page = calls[: min(max(request.page_size, 0) or DEFAULT_PAGE, LARGEST_PAGE)]
        return pb.ListCallsResponse(
            calls=[call_message(request.customer_id, call) for call in page],
            next_page_token=page[-1].call_id if len(page) < len(calls) else "",
        )

    async def WatchCalls(self, request: pb.WatchCallsRequest, context: Any) -> AsyncIterator[pb.WatchCallsResponse]:
        """See the proto."""
        if len(request.customer_ids) > MAX_WATCHED:
            raise InvalidRequest([FieldViolation("customer_ids", f"must be at most {MAX_WATCHED}")])
        for number, customer_id in enumerate(request.customer_ids):
            _refuse(_customer_violations(f"customer_ids[{number}]", customer_id))
        # the headers tell the client that the server listens now
        await context.send_initial_metadata(())
        async for customer_id, call in self._handlers.watch_calls(frozenset(request.customer_ids)):
            yield pb.WatchCallsResponse(call=call_message(customer_id, call))


def register(handlers: Handlers, server: Server) -> None:
    """Adds the API to a server."""
    dialer_pb2_grpc.add_DialerServiceServicer_to_server(DialerServicer(handlers), server)


def _customer_violations(field: str, customer_id: str) -> list[FieldViolation]:
    if CUSTOMER_ID.fullmatch(customer_id):
        return []
    return [FieldViolation(field, "must be 1 to 64 of A-Z a-z 0-9 _ -")]


def _target_violations(request: pb.CancelCallRequest | pb.GetCallRequest) -> list[FieldViolation]:
    violations = _customer_violations("customer_id", request.customer_id)
    target = request.WhichOneof("target")
    if target is None:
        violations.append(FieldViolation("target", "must be call_id or idempotency_key"))
    elif not KEY.fullmatch(getattr(request, target)):
        violations.append(FieldViolation(target, "must be 1 to 128 of A-Z a-z 0-9 _ . / : + # -"))
    return violations


def _refuse(violations: list[FieldViolation]) -> None:
    if violations:
        raise InvalidRequest(violations)
