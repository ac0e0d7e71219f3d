"""Refusals of a command that its caller can act on; free of gRPC, so that domains may raise them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from common.errors import AppError


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One wrong field: its path as the caller wrote it, and what is expected, without the value."""

    field: str
    description: str


class InvalidRequest(AppError):
    """The request itself is wrong; sending it again cannot help."""

    def __init__(self, violations: Sequence[FieldViolation]) -> None:
        super().__init__("invalid_request", fields=[violation.field for violation in violations])
        self.violations = tuple(violations)


class ResourceError(AppError):
    """About one named resource.

    Args:
        code: what is wrong.
        resource_type: such as `call`.
        resource_name: its id or key; no personal data.
        description: one sentence for a person.
    """

    def __init__(self, code: str, *, resource_type: str, resource_name: str, description: str) -> None:
        super().__init__(code, resource_type=resource_type, resource_name=resource_name)
        self.resource_type = resource_type
        self.resource_name = resource_name
        self.description = description


class NotFound(ResourceError):
    """There is no such resource, or it is no longer kept."""


class KeyReused(ResourceError):
    """The idempotency key belongs to another request."""


class Exhausted(AppError):
    """A quota is used up; `retry_after` says when it may be free again."""

    def __init__(self, code: str, *, retry_after: timedelta, description: str, **context: object) -> None:
        super().__init__(code, retry_after_seconds=retry_after.total_seconds(), **context)
        self.retry_after = retry_after
        self.description = description
