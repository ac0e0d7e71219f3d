"""A relay before a gRPC server: unary calls counted by their HEADERS, and the caller ended before or after each."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import grpc.aio
import pytest

from tests.integration.relays.conftest import KILLED, Victims
from tests.integration.relays.victims.grpc_client import METHOD
from tests.support.relays.host import RelayHost
from tests.support.relays.http2 import Http2Conversation
from tests.support.relays.tap import Moment, Tap
from tests.support.relays.tcp import Relay

STREAM = "/steps.v1.Steps/Watch"


class Steps(grpc.GenericRpcHandler):
    """Writes down each request; `Watch` streams three answers."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[bytes, bytes]":
        if handler_call_details.method == STREAM:
            return grpc.unary_stream_rpc_method_handler(self._watch)
        return grpc.unary_unary_rpc_method_handler(self._step)

    def _step(self, request: bytes, context: grpc.ServicerContext) -> bytes:
        self.requests.append(request)
        context.set_trailing_metadata((("step", str(len(self.requests))),))
        return request

    def _watch(self, request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        yield from (request, request, request)


@pytest.fixture
def served() -> Iterator[tuple[Steps, int]]:
    steps = Steps()
    server = grpc.server(ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers((steps,))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield steps, port
    server.stop(None).wait()


def relay(host: RelayHost, port: int, tap: Tap) -> int:
    return host.add(Relay(("127.0.0.1", port), lambda: Http2Conversation(tap)))


def test_untouched_run_counts_every_call(host: RelayHost, victims: Victims, served: tuple[Steps, int]) -> None:
    tap = Tap()
    steps, port = served
    assert victims.run("grpc_client", "call", relay(host, port, tap), tap) == 0
    assert [request.label for request in tap.seen] == [METHOD] * 12
    assert steps.requests == [b"%d" % number for number in range(12)]


@pytest.mark.parametrize("at", [1, 2, 12])
@pytest.mark.parametrize(("moment", "done"), [(Moment.BEFORE, -1), (Moment.AFTER, 0)])
def test_kill_the_caller(
    host: RelayHost, victims: Victims, served: tuple[Steps, int], at: int, moment: Moment, done: int
) -> None:
    tap = Tap()
    steps, port = served
    assert victims.run("grpc_client", "call", relay(host, port, tap), tap, at=at, moment=moment) == KILLED
    assert len(steps.requests) == at + done


async def test_concurrent_calls_and_streams_of_an_asyncio_client_pass(
    host: RelayHost, served: tuple[Steps, int]
) -> None:
    tap = Tap()
    port = relay(host, served[1], tap)
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        big = b"x" * 300_000
        step: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(METHOD)
        watch: grpc.aio.UnaryStreamMultiCallable[bytes, bytes] = channel.unary_stream(STREAM)
        calls = [step(big, timeout=10, metadata=(("n", str(n)),)) for n in range(20)]
        assert [await call for call in calls] == [big] * 20
        assert [answer async for answer in watch(b"w", timeout=10)] == [b"w"] * 3
    assert [request.label for request in tap.seen] == [METHOD] * 20 + [STREAM]
