"""An order as it comes in: what makes two requests the same, and what makes one wrong."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b

import msgspec
import phonenumbers

from common.errors import InvalidEvent
from common.events.vocabulary import Priority, Purpose
from common.packs.pack import Pack
from common.rpc.refusals import FieldViolation, InvalidRequest
from services.outbound_dialer.domain.rules import DialRules
from services.outbound_dialer.domain.state import CallContext

KEY = re.compile(r"[A-Za-z0-9_./:+#-]{1,128}")
CUSTOMER_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?")
E164 = re.compile(r"\+[1-9][0-9]{6,14}")
MAX_VARIABLES = 32
MAX_VARIABLE_VALUE = 512
MAX_VARIABLES_BYTES = 1024
MAX_TRACEPARENT = 55  # version 00, https://www.w3.org/TR/trace-context/
HASH_BYTES = 16
PREFIX = 8
"""Plus sign, country code and the digits that numbering plans look at first."""


@dataclass(frozen=True, slots=True)
class CallRequest:
    """An order for one call; `earliest` None means at once, `language` empty the profile's."""

    idempotency_key: str
    customer_id: str
    phone_number: str
    purpose: Purpose | None
    flow: str
    language: str
    variables: dict[str, str]
    earliest: datetime | None
    latest: datetime | None
    priority: Priority
    context: CallContext

    @property
    def request_hash(self) -> str:
        """Digest of everything but the key and the context: equal for equal requests, on every replica."""
        content = (
            *(self.customer_id, self.phone_number, self.purpose, self.flow, self.language),
            *(sorted(self.variables.items()), self.earliest, self.latest, self.priority),
        )
        return blake2b(msgspec.json.encode(content), digest_size=HASH_BYTES).hexdigest()


def check_identity(request: CallRequest) -> None:
    """Checks the fields by which a customer's document and an earlier call are found.

    Raises:
        InvalidRequest: naming the fields.
    """
    _refuse([violation for violation in _identity(request)])  # noqa: C416  # _refuse wants to know how many


def check_request(request: CallRequest, rules: DialRules, now: datetime) -> None:
    """Checks the content of a new order.

    Raises:
        InvalidRequest: naming every wrong field.
    """
    _refuse([*_number(request), *_window(request, rules, now), *_texts(request), *_context(request)])
    _refuse([*_flow(request, rules)])


def _refuse(violations: list[FieldViolation]) -> None:
    if violations:
        raise InvalidRequest(violations)


def _identity(request: CallRequest) -> Iterator[FieldViolation]:
    if not KEY.fullmatch(request.idempotency_key):
        yield FieldViolation("idempotency_key", "must be 1 to 128 of A-Z a-z 0-9 _ . / : + # -")
    if not CUSTOMER_ID.fullmatch(request.customer_id):
        yield FieldViolation("customer_id", "must be 1 to 64 of A-Z a-z 0-9 _ -")


def _number(request: CallRequest) -> Iterator[FieldViolation]:
    if not _is_dialable(request.phone_number):
        yield FieldViolation("phone_number", "must be a possible number in E.164, such as +12025550143")


def _is_dialable(phone_number: str) -> bool:
    if not E164.fullmatch(phone_number):
        return False
    return _has_possible_length(phone_number[:PREFIX], len(phone_number))


@lru_cache(maxsize=4096)
def _has_possible_length(prefix: str, length: int) -> bool:
    """Whether the numbering plan behind the prefix knows numbers of this length; which digits follow is no matter."""
    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(prefix.ljust(length, "2")))
    except phonenumbers.NumberParseException:
        return False


def _window(request: CallRequest, rules: DialRules, now: datetime) -> Iterator[FieldViolation]:
    if request.latest is None:
        yield FieldViolation("latest", "must be set")
        return
    if request.latest <= now:
        yield FieldViolation("latest", "must lie in the future")
    if request.latest > now + rules.limits.max_window:
        yield FieldViolation("latest", f"must be at most {rules.limits.max_window.days} days ahead")
    if request.earliest is not None and request.earliest >= request.latest:
        yield FieldViolation("earliest", "must be before latest")


def _texts(request: CallRequest) -> Iterator[FieldViolation]:
    if request.purpose is None:
        yield FieldViolation("purpose", "must be set")
    if request.language and not LANGUAGE.fullmatch(request.language):
        yield FieldViolation("language", "must be a BCP 47 tag such as en or zh-CN")
    if len(request.variables) > MAX_VARIABLES:
        yield FieldViolation("variables", f"must be at most {MAX_VARIABLES}")
    for name, value in request.variables.items():
        if not NAME.fullmatch(name) or len(value) > MAX_VARIABLE_VALUE:
            yield FieldViolation("variables", f"a name has at most 64 characters, a value {MAX_VARIABLE_VALUE}")
            return
    if sum(len(f"{name}{value}".encode()) for name, value in request.variables.items()) > MAX_VARIABLES_BYTES:
        yield FieldViolation("variables", f"must be at most {MAX_VARIABLES_BYTES} bytes in all")


def _context(request: CallRequest) -> Iterator[FieldViolation]:
    references = {"task_id": request.context.task_id, "correlation_id": request.context.correlation_id}
    references |= {"causation_id": request.context.causation_id, "scenario": request.context.scenario}
    for name, value in references.items():
        if value and not KEY.fullmatch(value):
            yield FieldViolation(f"context.{name}", "must be at most 128 of A-Z a-z 0-9 _ . / : + # -")
    if len(request.context.traceparent) > MAX_TRACEPARENT:
        yield FieldViolation("context.traceparent", "must be a W3C trace context")


def _flow(request: CallRequest, rules: DialRules) -> Iterator[FieldViolation]:
    language = request.language or rules.pack.default_language
    try:
        purpose = _purpose_of(rules.pack, request.flow, language, frozenset(request.variables.items()))
    except InvalidEvent as error:
        yield FieldViolation("flow" if error.code == "unknown_flow" else "variables", error.reason)
        return
    if purpose is not request.purpose:
        yield FieldViolation("purpose", f"the flow {request.flow} serves the purpose {purpose}")


@lru_cache(maxsize=256)
def _purpose_of(pack: Pack, flow: str, language: str, variables: frozenset[tuple[str, str]]) -> Purpose:
    """The purpose of a flow whose texts have all been filled in once; remembered, because that takes 150 µs."""
    return pack.flow(flow, language, dict(variables)).purpose
