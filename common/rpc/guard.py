"""The guard around every RPC: a deadline, errors as rich statuses, bugs logged once, everything counted."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import grpc
from google.rpc import code_pb2, status_pb2

from common.errors import AppError, PermanentError
from common.observability.logging import get_logger
from common.rpc.status import STATUS_METADATA, status_of

_log = get_logger("rpc")

DEFAULT_DEADLINE = timedelta(seconds=10)
"""For callers that set none: nobody waits longer for an answer that has become useless."""

Count = Callable[[str, str], None]
CODES_BY_NUMBER = {code.value[0]: code for code in grpc.StatusCode}


class RpcGuard:
    """See the module.

    Handlers are wrapped once, when they are added to a server; as an interceptor it cost every call 30 µs more
    (measured).

    Args:
        count: told of each finished RPC: method name, name of the status code.
        bug: told of each unexpected exception.
        deadline: for unary RPCs whose caller set none; streams live as long as their caller wants.
    """

    def __init__(self, *, count: Count, bug: Callable[[], None], deadline: timedelta = DEFAULT_DEADLINE) -> None:
        self._count = count
        self._bug = bug
        self._deadline = deadline

    def around(self, method: str, handler: Any) -> Any:
        """The handler with the guard around it."""
        codecs = {
            "request_deserializer": handler.request_deserializer,
            "response_serializer": handler.response_serializer,
        }
        if handler.unary_unary:
            return grpc.unary_unary_rpc_method_handler(self._unary(handler.unary_unary, method), **codecs)
        if handler.unary_stream:
            return grpc.unary_stream_rpc_method_handler(self._stream(handler.unary_stream, method), **codecs)
        raise TypeError(f"{method}: no service of ours streams requests")

    def _unary(self, behaviour: Any, method: str) -> Any:
        async def guarded(request: Any, context: Any) -> Any:
            async with self._guarding(context, method):
                if context.time_remaining() is not None:
                    return await behaviour(request, context)
                async with asyncio.timeout(self._deadline.total_seconds()):
                    return await behaviour(request, context)

        return guarded

    def _stream(self, behaviour: Any, method: str) -> Any:
        async def guarded(request: Any, context: Any) -> AsyncIterator[Any]:
            async with self._guarding(context, method):
                async for response in behaviour(request, context):
                    yield response

        return guarded

    @asynccontextmanager
    async def _guarding(self, context: Any, method: str) -> AsyncIterator[None]:
        try:
            yield
        except Exception as error:  # the one guard of this entrypoint kind
            await self._abort(context, method, error)
        self._count(method, "OK")

    async def _abort(self, context: Any, method: str, error: Exception) -> None:
        """Ends the RPC; always raises."""
        status = self._status(method, error)
        code = CODES_BY_NUMBER[status.code]
        self._count(method, code.name)
        metadata = ((STATUS_METADATA, status.SerializeToString()),)
        await context.abort(code, status.message, metadata)

    def _status(self, method: str, error: Exception) -> status_pb2.Status:
        match error:
            case TimeoutError():
                return status_pb2.Status(code=code_pb2.DEADLINE_EXCEEDED, message="deadline_exceeded")
            case AppError():
                if isinstance(error, PermanentError):
                    _log.error("rpc_failed", method=method, code=error.code)
                return status_of(error)
        self._bug()
        _log.error("bug", entrypoint="grpc", method=method, exc_info=error)
        return status_pb2.Status(code=code_pb2.INTERNAL, message="internal")
