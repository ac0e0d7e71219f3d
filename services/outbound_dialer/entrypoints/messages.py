"""Protobuf messages ↔ the domain's values."""

from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from google.protobuf.timestamp_pb2 import Timestamp

from common.events.vocabulary import CallOutcome, Priority, Purpose
from common.rpc.refusals import FieldViolation, InvalidRequest
from nineconnect.dialer.v1 import dialer_pb2 as pb
from services.outbound_dialer.domain.lifecycle import CallStatus
from services.outbound_dialer.domain.orders import CancelResult
from services.outbound_dialer.domain.requests import CallRequest
from services.outbound_dialer.domain.state import Call, CallContext

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECONDS_PER_DAY = 86_400

PURPOSES = MappingProxyType(
    {
        pb.PURPOSE_SERVICE: Purpose.SERVICE,
        pb.PURPOSE_MARKETING: Purpose.MARKETING,
        pb.PURPOSE_STATUTORY: Purpose.STATUTORY,
        pb.PURPOSE_EMERGENCY: Purpose.EMERGENCY,
    }
)
PRIORITIES = MappingProxyType({pb.PRIORITY_P0: Priority.P0, pb.PRIORITY_P1: Priority.P1, pb.PRIORITY_P2: Priority.P2})
STATUSES = MappingProxyType(
    {
        CallStatus.QUEUED: pb.CALL_STATUS_QUEUED,
        CallStatus.SLOT_RESERVED: pb.CALL_STATUS_SLOT_RESERVED,
        CallStatus.DIALING: pb.CALL_STATUS_DIALING,
        CallStatus.RINGING: pb.CALL_STATUS_RINGING,
        CallStatus.ANSWERED: pb.CALL_STATUS_ANSWERED,
        CallStatus.ENDED: pb.CALL_STATUS_ENDED,
    }
)
OUTCOMES = MappingProxyType(
    {
        CallOutcome.COMPLETED: pb.CALL_OUTCOME_COMPLETED,
        CallOutcome.BUSY: pb.CALL_OUTCOME_BUSY,
        CallOutcome.NO_ANSWER: pb.CALL_OUTCOME_NO_ANSWER,
        CallOutcome.MACHINE: pb.CALL_OUTCOME_MACHINE,
        CallOutcome.FAILED: pb.CALL_OUTCOME_FAILED,
        CallOutcome.CANCELLED: pb.CALL_OUTCOME_CANCELLED,
        CallOutcome.EXPIRED: pb.CALL_OUTCOME_EXPIRED,
    }
)
CANCEL_RESULTS = MappingProxyType(
    {
        CancelResult.CANCELLED: pb.CANCEL_RESULT_CANCELLED,
        CancelResult.TOO_LATE: pb.CANCEL_RESULT_TOO_LATE,
        CancelResult.ALREADY_ENDED: pb.CANCEL_RESULT_ALREADY_ENDED,
    }
)
_PURPOSE_NUMBERS = {purpose: number for number, purpose in PURPOSES.items()}
_PRIORITY_NUMBERS = {priority: number for number, priority in PRIORITIES.items()}


def call_request(message: pb.PlaceCallRequest) -> CallRequest:
    """The order as the domain sees it.

    Raises:
        InvalidRequest: a time is outside the years that a clock can show.
    """
    context = message.context
    return CallRequest(
        idempotency_key=message.idempotency_key,
        customer_id=message.customer_id,
        phone_number=message.phone_number,
        purpose=PURPOSES.get(message.purpose),
        flow=message.flow,
        language=message.language,
        variables=dict(message.variables),
        earliest=_moment(message.earliest, "earliest") if message.HasField("earliest") else None,
        latest=_moment(message.latest, "latest") if message.HasField("latest") else None,
        priority=PRIORITIES.get(message.priority, Priority.P2),
        context=CallContext(
            task_id=context.task_id,
            scenario=context.scenario,
            correlation_id=context.correlation_id,
            causation_id=context.causation_id,
            traceparent=context.traceparent,
        ),
    )


def call_message(customer_id: str, call: Call) -> pb.Call:
    """The public view of a call."""
    order = call.order
    message = pb.Call(
        customer_id=customer_id,
        call_id=call.call_id,
        idempotency_key=order.idempotency_key,
        status=STATUSES[call.status],
        outcome=OUTCOMES[call.outcome] if call.outcome else pb.CALL_OUTCOME_UNSPECIFIED,
        masked_phone_number=order.masked_number,
        purpose=_PURPOSE_NUMBERS[order.purpose],
        flow=order.flow,
        language=order.language,
        priority=_PRIORITY_NUMBERS[order.priority],
        earliest=_timestamp(order.earliest),
        latest=_timestamp(order.latest),
        queued_at=_timestamp(call.queued_at),
        next_try_at=_timestamp(call.try_at),
        ended_at=_timestamp(call.ended_at),
        keys=[pb.KeyPress(key=press.key, meaning=press.meaning) for press in call.keys],
        attempt_count=call.attempt_number,
        provider_call_sid=call.provider_call_sid or (call.live.provider_sid if call.live else None) or "",
        cancelled_too_late=bool(call.cancelled) and call.reason_code != call.cancelled,
        reason_code=call.reason_code,
        revision=call.revision,
    )
    context = order.context
    if context != CallContext():
        message.context.CopyFrom(
            pb.CallContext(
                task_id=context.task_id,
                scenario=context.scenario,
                correlation_id=context.correlation_id,
                causation_id=context.causation_id,
                traceparent=context.traceparent,
            )
        )
    return message


def _moment(timestamp: Timestamp, field: str) -> datetime:
    # By hand: the library's conversions cost 20 µs each (measured), and an order has several.
    try:
        return EPOCH + timedelta(seconds=timestamp.seconds, microseconds=timestamp.nanos // 1000)
    except OverflowError as error:
        raise InvalidRequest([FieldViolation(field, "must be a time that a clock can show")]) from error


def _timestamp(moment: datetime | None) -> Timestamp | None:
    if moment is None:
        return None
    elapsed = moment - EPOCH
    seconds = elapsed.days * SECONDS_PER_DAY + elapsed.seconds
    return Timestamp(seconds=seconds, nanos=elapsed.microseconds * 1000)
