"""A gRPC server with health, reflection, keepalive and the guard; starts and stops with its service."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from common.observability.logging import get_logger
from common.rpc.guard import RpcGuard
from common.rpc.tls import TlsFiles

_log = get_logger("rpc")

GRACE = timedelta(seconds=3)
OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.so_reuseport", 0),  # a port that is taken is an error, not half of the requests
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),  # clients of ours ping every 20 s
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.max_receive_message_length", 1024 * 1024),
)

Register = Callable[[Any], None]
"""Adds a servicer to what looks like a `grpc.aio.Server`."""


class _GuardedServer:
    """What generated code adds a servicer to; puts the guard around each of its methods."""

    def __init__(self, server: grpc.aio.Server, guard: RpcGuard) -> None:
        self._server = server
        self._guard = guard

    def add_generic_rpc_handlers(self, generic_rpc_handlers: object) -> None:
        """Nothing: the same handlers follow by name."""

    def add_registered_method_handlers(self, service_name: str, method_handlers: Mapping[str, Any]) -> None:
        """Adds them, guarded."""
        guarded = {name: self._guard.around(name, handler) for name, handler in method_handlers.items()}
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service_name, guarded),))


class RpcServer:
    """A `Lifecycle`.

    Args:
        host: address to listen on.
        port: 0 lets the system choose; see `port` after the start.
        services: full service name → function that adds its servicer to a server.
        guard: around every RPC.
        tls: None speaks plain text.
    """

    def __init__(
        self, *, host: str, port: int, services: Mapping[str, Register], guard: RpcGuard, tls: TlsFiles | None = None
    ) -> None:
        self._address = f"{host}:{port}"
        self._services = services
        self._guard = guard
        self._tls = tls
        self._health = health.aio.HealthServicer()
        self._server: grpc.aio.Server | None = None
        self.port = port

    async def start(self) -> None:
        """Serves; returns once the port answers.

        Raises:
            RuntimeError: the port cannot be had.
        """
        server = grpc.aio.server(options=OPTIONS)
        for register in self._services.values():
            register(_GuardedServer(server, self._guard))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        names = (*self._services, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, server)
        self.port = self._listen(server)
        await server.start()
        for name in ("", *self._services):
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)
        self._server = server
        _log.info("grpc_listens", port=self.port)

    def _listen(self, server: grpc.aio.Server) -> int:
        if self._tls is None:
            return server.add_insecure_port(self._address)
        return server.add_secure_port(self._address, self._tls.server_credentials())

    async def stop(self) -> None:
        """Tells health checks first, then answers what is in flight."""
        if self._server is not None:
            await self._health.enter_graceful_shutdown()
            await self._server.stop(GRACE.total_seconds())
