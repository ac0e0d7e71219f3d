"""A gRPC client that knows nothing of the product: it learns services and messages by reflection, as grpcurl does."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

import grpc
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_status import rpc_status

from cli.stack.ports import LOOPBACK
from tests.e2e.people import Person
from tests.e2e.stack import Stack

SERVICE = "nineconnect.dialer.v1.DialerService"
DEADLINE_SECONDS = 30
DETAILS = (error_details_pb2.ErrorInfo, error_details_pb2.BadRequest, error_details_pb2.ResourceInfo)

Json = dict[str, Any]


class DialerClient:
    """Speaks JSON; as a context manager it closes its connection."""

    def __init__(self, stack: Stack) -> None:
        self._channel = grpc.insecure_channel(f"{LOOPBACK}:{stack.plan.ports.dialer_grpc}")
        self._database = ProtoReflectionDescriptorDatabase(self._channel)
        self._pool = DescriptorPool(self._database)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._channel.close()

    def services(self) -> list[str]:
        """What the server says that it serves."""
        return list(self._database.get_services())

    def call(self, method: str, request: Json, service: str = SERVICE) -> Json:
        """One answer. Raises `grpc.RpcError`."""
        path, answer_type, message = self._prepared(service, method, request)
        unary = self._channel.unary_unary(path, type(message).SerializeToString, answer_type.FromString)
        return MessageToDict(unary(message, timeout=DEADLINE_SECONDS))

    def stream(self, method: str, request: Json) -> Iterator[Json]:
        """Answers as they come, until the deadline."""
        path, answer_type, message = self._prepared(SERVICE, method, request)
        stream = self._channel.unary_stream(path, type(message).SerializeToString, answer_type.FromString)
        for answer in stream(message, timeout=4 * DEADLINE_SECONDS):
            yield MessageToDict(answer)

    def _prepared(self, service: str, method: str, request: Json) -> tuple[str, Any, Any]:
        described = self._pool.FindServiceByName(service).FindMethodByName(method)
        message = ParseDict(request, GetMessageClass(described.input_type)())
        return f"/{service}/{method}", GetMessageClass(described.output_type), message

    def place_call(self, person: Person, key: str, **fields: object) -> Json:
        """Orders a call as another department would."""
        return self.call("PlaceCall", call_order(person, key, **fields))


def call_order(person: Person, key: str, **fields: object) -> Json:
    """A request for PlaceCall that is right, but for what `fields` change."""
    order: Json = {
        "idempotencyKey": f"{person.customer_id}/{key}",
        "customerId": person.customer_id,
        "phoneNumber": person.phone_number,
        "purpose": "PURPOSE_SERVICE",
        "flow": "payment_failed",
        "latest": (datetime.now(UTC) + timedelta(hours=2)).isoformat(),
    }
    return order | fields


def details_of(error: Any) -> tuple[str, Json]:
    """A `grpc.RpcError`'s code by name, and its details by the names of their kinds."""
    status = rpc_status.from_call(error)
    details: Json = {}
    for packed in status.details:
        for kind in DETAILS:
            detail = kind()
            if packed.Unpack(detail):
                details[kind.DESCRIPTOR.name] = MessageToDict(detail)
    return error.code().name, details
