"""Ledger entries about calls, made from the state; they hold no number, name or text."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from common.events.ledger import (
    CallAccepted,
    CallCancelled,
    CallDialing,
    CallEnded,
    CallHeld,
    CallOutcomeUnknown,
    CallQueued,
    CallReconciled,
    CallRefused,
)
from common.events.model import DecisionRecord
from common.events.vocabulary import CallOutcome
from common.kernel.attempts import Attempt
from common.kernel.decision import Origin
from services.outbound_dialer.domain.effects import Via
from services.outbound_dialer.domain.holds import Hold
from services.outbound_dialer.domain.rules import DialRules
from services.outbound_dialer.domain.state import Call

MAX_DURATION = timedelta(days=1)


def origin_of(call: Call) -> Origin:
    """The story a call's entries belong to, whatever caused them now."""
    context = call.order.context
    return Origin(context.causation_id, context.correlation_id, context.traceparent)


def queued(call: Call, rules: DialRules) -> CallQueued:
    """The order was taken."""
    order = call.order
    inputs = {"scenario": order.context.scenario, "purpose": order.purpose.value, "doubtful": order.doubtful}
    return CallQueued(
        call_id=call.call_id,
        idempotency_key=order.idempotency_key,
        task_id=order.context.task_id or None,
        flow=order.flow,
        purpose=order.purpose,
        priority=order.priority,
        earliest=order.earliest,
        latest=order.latest,
        masked_number=order.masked_number,
        decision=_record("dialer.order", rules, inputs, "the order is complete and nothing speaks against it"),
    )


def held(call: Call, until: datetime, hold: Hold, rules: DialRules) -> CallHeld:
    """The call waits."""
    inputs = {"purpose": call.order.purpose.value, "code": hold.code}
    return CallHeld(call_id=call.call_id, until=until, decision=_record(hold.rule_id, rules, inputs, hold.reason))


def dialing(call: Call, attempt: Attempt, rules: DialRules) -> CallDialing:
    """An attempt was reserved."""
    inputs = {"attempt": call.attempt_number, "priority": call.order.priority.value, "refusals": call.refusals}
    return CallDialing(
        call_id=call.call_id,
        attempt_id=attempt.attempt_id,
        provider=attempt.provider,
        request_hash=attempt.request_hash,
        decision=_record("dialer.dial", rules, inputs, "allowed now, and a calls-per-second slot is free"),
    )


def accepted(call: Call, attempt_id: str, provider_call_sid: str) -> CallAccepted:
    """The provider took it."""
    return CallAccepted(call_id=call.call_id, attempt_id=attempt_id, provider_call_sid=provider_call_sid)


def refused(call: Call, attempt_id: str, code: str, provider_code: object, *, permanent: bool) -> CallRefused:
    """The provider did not take it."""
    return CallRefused(
        call_id=call.call_id,
        attempt_id=attempt_id,
        error_code=str(provider_code) if provider_code else None,
        permanent=permanent,
        reason=code,
    )


def outcome_unknown(call: Call, attempt_id: str, cause: str) -> CallOutcomeUnknown:
    """Nobody knows whether the provider took it."""
    return CallOutcomeUnknown(call_id=call.call_id, attempt_id=attempt_id, cause=cause)


def reconciled(call: Call, attempt_id: str, provider_call_sid: str | None, via: Via | None) -> CallReconciled:
    """Known now; without a sid it was certainly never placed."""
    return CallReconciled(
        call_id=call.call_id,
        attempt_id=attempt_id,
        provider_call_sid=provider_call_sid,
        found=provider_call_sid is not None,
        via=via.value if via else "settle",
    )


def ended(
    call: Call, outcome: CallOutcome, duration: timedelta, error_code: str, record: DecisionRecord | None
) -> CallEnded:
    """The call is over."""
    return CallEnded(
        call_id=call.call_id,
        idempotency_key=call.order.idempotency_key,
        task_id=call.order.context.task_id or None,
        outcome=outcome,
        answered=call.answered_at is not None or outcome in {CallOutcome.COMPLETED, CallOutcome.MACHINE},
        duration_seconds=int(min(max(duration, timedelta(0)), MAX_DURATION).total_seconds()),
        choice=call.keys[-1].meaning if call.keys else None,
        error_code=error_code or None,
        triggers=not call.cancelled,
        decision=record,
    )


def cancelled(call: Call, reason_code: str, rules: DialRules) -> CallCancelled:
    """Taken back before it was dialled."""
    return CallCancelled(
        call_id=call.call_id,
        idempotency_key=call.order.idempotency_key,
        task_id=call.order.context.task_id or None,
        reason=reason_code,
        decision=_record("dialer.cancel", rules, {"reason": reason_code}, "taken back before it was dialled"),
    )


def expired(reason_code: str, rule_id: str, rules: DialRules) -> DecisionRecord:
    """Why a call ended without having been dialled."""
    return _record(rule_id, rules, {"reason": reason_code}, "its window closes before it may be dialled")


def _record(
    rule_id: str, rules: DialRules, inputs: Mapping[str, str | int | float | bool | None], reason: str
) -> DecisionRecord:
    return DecisionRecord(rule_id=rule_id, pack_version=rules.pack.version, inputs=dict(inputs), reason=reason)
