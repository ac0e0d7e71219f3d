"""A server of ours on a free port, with a servicer that does what the customer id says."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta

import grpc
import pytest

from common.rpc.client import open_channel
from common.rpc.guard import RpcGuard
from common.rpc.server import RpcServer
from nineconnect.dialer.v1 import dialer_pb2, dialer_pb2_grpc

SERVICE = "nineconnect.dialer.v1.DialerService"


@dataclass
class Behaviour:
    """What the servicer does next, and what the guard counted."""

    error: Exception | None = None
    hang: bool = False
    counted: Counter = field(default_factory=Counter)
    bugs: int = 0

    def bug(self) -> None:
        self.bugs += 1


class Servicer(dialer_pb2_grpc.DialerServiceServicer):
    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour

    async def GetCall(self, request, context):
        if self._behaviour.hang:
            await asyncio.Event().wait()
        if self._behaviour.error:
            raise self._behaviour.error
        return dialer_pb2.GetCallResponse(call=dialer_pb2.Call(call_id=request.call_id))

    async def WatchCalls(self, request, context):
        for customer_id in request.customer_ids:
            yield dialer_pb2.WatchCallsResponse(call=dialer_pb2.Call(customer_id=customer_id))
        if self._behaviour.error:
            raise self._behaviour.error


def server_for(behaviour: Behaviour, **options) -> RpcServer:
    guard = RpcGuard(
        count=lambda method, code: behaviour.counted.update([(method, code)]),
        bug=behaviour.bug,
        deadline=timedelta(seconds=0.2),
    )

    def register(server: grpc.aio.Server) -> None:
        dialer_pb2_grpc.add_DialerServiceServicer_to_server(Servicer(behaviour), server)

    return RpcServer(host="127.0.0.1", port=0, services={SERVICE: register}, guard=guard, **options)


@pytest.fixture
def behaviour() -> Behaviour:
    return Behaviour()


@pytest.fixture
async def channel(behaviour: Behaviour):
    server = server_for(behaviour)
    await server.start()
    async with open_channel(f"127.0.0.1:{server.port}") as opened:
        yield opened
    await server.stop()
