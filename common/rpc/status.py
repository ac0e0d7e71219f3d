"""Errors of ours as google.rpc.Status with details, and back."""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import TypeVar

import grpc
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2

from common.errors import AppError, InvalidEvent, OutcomeUnknown, PermanentError, Rejected, TransientError
from common.rpc.refusals import Exhausted, FieldViolation, InvalidRequest, KeyReused, NotFound, ResourceError

DOMAIN = "nineconnect"
STATUS_METADATA = "grpc-status-details-bin"
_M = TypeVar("_M", bound=Message)

CODES: tuple[tuple[type[AppError], int], ...] = (
    (InvalidRequest, code_pb2.INVALID_ARGUMENT),
    (InvalidEvent, code_pb2.INVALID_ARGUMENT),
    (KeyReused, code_pb2.ALREADY_EXISTS),
    (NotFound, code_pb2.NOT_FOUND),
    (Exhausted, code_pb2.RESOURCE_EXHAUSTED),
    (Rejected, code_pb2.FAILED_PRECONDITION),
    (TransientError, code_pb2.UNAVAILABLE),
    (OutcomeUnknown, code_pb2.UNKNOWN),
    (PermanentError, code_pb2.INTERNAL),
)
"""What each error is for a caller; the first that fits counts."""


def status_of(error: AppError) -> status_pb2.Status:
    """The status to answer with: code, the error's own code as message, details by kind."""
    code = next((code for kind, code in CODES if isinstance(error, kind)), code_pb2.INTERNAL)
    status = status_pb2.Status(code=code, message=error.code)
    for detail in _details(error):
        status.details.add().Pack(detail)
    return status


def _details(error: AppError) -> Iterable[Message]:
    metadata = {"rule_id": error.rule_id} if isinstance(error, Rejected) else {}
    yield error_details_pb2.ErrorInfo(reason=error.code.upper(), domain=DOMAIN, metadata=metadata)
    if isinstance(error, InvalidRequest):
        yield _bad_request(error.violations)
    if isinstance(error, InvalidEvent):
        yield _bad_request([FieldViolation(error.field, error.reason)])
    if isinstance(error, ResourceError):
        yield error_details_pb2.ResourceInfo(
            resource_type=error.resource_type, resource_name=error.resource_name, description=error.description
        )
    if isinstance(error, Exhausted | TransientError):
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromTimedelta(error.retry_after)
        yield retry


def _bad_request(violations: Iterable[FieldViolation]) -> Message:
    fields = [
        error_details_pb2.BadRequest.FieldViolation(field=violation.field, description=violation.description)
        for violation in violations
    ]
    request: Message = error_details_pb2.BadRequest(field_violations=fields)
    return request


def error_of(failure: grpc.aio.AioRpcError) -> AppError:
    """The error that a server of ours meant; `OutcomeUnknown` when the call may or may not have been processed.

    Only a server's own word proves that nothing was processed: a lost connection looks the same before and after.
    """
    status = _status(failure)
    if status is None:
        return OutcomeUnknown(f"rpc_{failure.code().name.lower()}")
    read = READERS.get(status.code)
    return read(status) if read else OutcomeUnknown(status.message)


def _invalid_request(status: status_pb2.Status) -> AppError:
    fields = _detail(status, error_details_pb2.BadRequest()).field_violations
    return InvalidRequest([FieldViolation(one.field, one.description) for one in fields])


def _key_reused(status: status_pb2.Status) -> AppError:
    return KeyReused(status.message, **_resource(status))


def _not_found(status: status_pb2.Status) -> AppError:
    return NotFound(status.message, **_resource(status))


def _resource(status: status_pb2.Status) -> dict[str, str]:
    info = _detail(status, error_details_pb2.ResourceInfo())
    names = ("resource_type", "resource_name", "description")
    return {name: getattr(info, name) for name in names}


def _exhausted(status: status_pb2.Status) -> AppError:
    return Exhausted(status.message, retry_after=_retry_after(status), description=status.message)


def _rejected(status: status_pb2.Status) -> AppError:
    info = _detail(status, error_details_pb2.ErrorInfo())
    return Rejected(status.message, rule_id=info.metadata.get("rule_id", ""))


def _transient(status: status_pb2.Status) -> AppError:
    return TransientError(status.message, retry_after=_retry_after(status))


def _permanent(status: status_pb2.Status) -> AppError:
    return PermanentError(status.message)


READERS: Mapping[int, Callable[[status_pb2.Status], AppError]] = {
    code_pb2.INVALID_ARGUMENT: _invalid_request,
    code_pb2.ALREADY_EXISTS: _key_reused,
    code_pb2.NOT_FOUND: _not_found,
    code_pb2.RESOURCE_EXHAUSTED: _exhausted,
    code_pb2.FAILED_PRECONDITION: _rejected,
    code_pb2.UNAVAILABLE: _transient,
    code_pb2.INTERNAL: _permanent,
}


def _status(failure: grpc.aio.AioRpcError) -> status_pb2.Status | None:
    for key, value in failure.trailing_metadata() or ():
        if key == STATUS_METADATA and isinstance(value, bytes):
            return status_pb2.Status.FromString(value)
    return None


def _detail(status: status_pb2.Status, detail: _M) -> _M:
    for packed in status.details:
        if packed.Unpack(detail):
            break
    return detail


def _retry_after(status: status_pb2.Status) -> timedelta:
    delay: timedelta = _detail(status, error_details_pb2.RetryInfo()).retry_delay.ToTimedelta()
    return delay
