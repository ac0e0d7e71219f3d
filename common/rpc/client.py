"""gRPC clients: a channel that notices dead servers, and calls that always have a deadline and raise our errors."""

from datetime import timedelta
from typing import TypeVar

import grpc

from common.rpc.status import error_of
from common.rpc.tls import TlsFiles

Request = TypeVar("Request")
Response = TypeVar("Response")

OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.enable_retries", 0),  # whoever calls decides what may be repeated
    ("grpc.max_reconnect_backoff_ms", 5_000),
)


def open_channel(target: str, tls: TlsFiles | None = None) -> grpc.aio.Channel:
    """A channel to `host:port` (or any gRPC target); the caller closes it. Connects when first used."""
    if tls is None:
        return grpc.aio.insecure_channel(target, options=OPTIONS)
    return grpc.aio.secure_channel(target, tls.channel_credentials(), options=OPTIONS)


async def call(
    method: "grpc.aio.UnaryUnaryMultiCallable[Request, Response]", request: Request, *, deadline: timedelta
) -> Response:
    """One RPC within the deadline.

    Raises:
        AppError: what the server refused with (`common.rpc.status`); OutcomeUnknown when no server's word came back.
    """
    try:
        return await method(request, timeout=deadline.total_seconds())
    except grpc.aio.AioRpcError as failure:
        raise error_of(failure) from failure
