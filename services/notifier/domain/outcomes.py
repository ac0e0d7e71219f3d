"""What became of a provider call, and what receipts say: knowledge only ever grows."""

from dataclasses import replace
from datetime import datetime, timedelta

from common.errors import AppError, PermanentError, TransientError
from common.events.ledger import (
    NotificationAccepted,
    NotificationDelivered,
    NotificationFailed,
    NotificationOutcomeUnknown,
    NotificationReconciled,
    NotificationRefused,
    NotificationSent,
    NotificationUndelivered,
)
from common.events.model import LedgerFact
from common.kernel.attempts import Attempt, AttemptState, accepted, failed, not_found, refused, reserve, unknown
from common.kernel.decision import Decision, Effect, Moment
from services.notifier.domain.effects import MessageSeen, NothingFound, SendSms
from services.notifier.domain.facts import NotifierDecision
from services.notifier.domain.model import Notification, NotifierState, Status
from services.notifier.domain.receipts import Receipt, advanced
from services.notifier.domain.rules import Rules

BUSY_PAUSE = timedelta(seconds=1)
LONGEST_BUSY_PAUSE = timedelta(minutes=5)


def decide_outcome(
    state: NotifierState, effect: Effect, outcome: object, rules: Rules, moment: Moment
) -> NotifierDecision:
    """A call for one of this customer's messages ended with a value or an error."""
    item = state.notifications.get(effect.item_id)
    if item is None or item.attempt is None or item.attempt.attempt_id != effect.attempt_id:
        return Decision(state)
    match outcome:
        case MessageSeen():
            via = "list" if item.attempt.state is AttemptState.UNKNOWN else "answer"
            return _seen(state, item, item.attempt, outcome, via, rules, moment)
        case NothingFound():
            return _nothing_found(state, item, item.attempt, outcome, rules, moment)
        case AppError() if isinstance(effect, SendSms):
            return _not_accepted(state, item, item.attempt, outcome, rules, moment)
        case _:
            # a look-up that failed proves nothing; its clock asks again
            return Decision(state)


def _not_accepted(
    state: NotifierState, item: Notification, attempt: Attempt, error: AppError, rules: Rules, moment: Moment
) -> NotifierDecision:
    match error:
        case PermanentError():
            return _refused_for_good(state, item, attempt, error, moment)
        case TransientError():
            return _refused_for_now(state, item, attempt, error, rules, moment)
        case _:
            return _unknown(state, item, attempt, error, moment)


def decide_receipt(
    state: NotifierState, notification_id: str, attempt_id: str, seen: MessageSeen, rules: Rules, moment: Moment
) -> NotifierDecision:
    """A status webhook: any order, any number; proves that the provider has the attempt it names."""
    item = state.notifications.get(notification_id)
    if item is None:
        return Decision(state)
    if item.attempt is not None and (item.attempt.attempt_id == attempt_id or seen.provider_sid in item.sids):
        return _seen(state, item, item.attempt, seen, "webhook", rules, moment)
    if item.status is Status.WAITING or (item.attempt and item.attempt.state is AttemptState.UNKNOWN):
        return _adopted(state, item, attempt_id, seen, rules, moment)
    return _late(state, item, seen) if item.attempt else Decision(state)


def _adopted(
    state: NotifierState, item: Notification, attempt_id: str, seen: MessageSeen, rules: Rules, moment: Moment
) -> NotifierDecision:
    """Another attempt than the one we know of was made: one that settled too early, or one that lost writes forgot.

    The message is with the provider, so it must not be sent again.
    """
    number = attempt_id.rpartition("/")[2]
    tries = max(item.tries, int(number) if number.isdecimal() else 0)
    known = item.attempt or reserve(attempt_id, rules.provider, "", moment, rules.timing)
    attempt = replace(known, attempt_id=attempt_id, state=AttemptState.UNKNOWN, provider_sid=None)
    sending = replace(item, status=Status.SENDING, attempt=attempt, tries=tries, in_doubt=False)
    return _seen(state, sending, attempt, seen, "webhook", rules, moment)


def _seen(
    state: NotifierState,
    item: Notification,
    attempt: Attempt,
    seen: MessageSeen,
    via: str,
    rules: Rules,
    moment: Moment,
) -> NotifierDecision:
    told: list[LedgerFact] = []
    if attempt.state is not AttemptState.ACCEPTED:
        told += _acceptance(item, attempt, seen, via)
        item = _accepted(item, attempt, seen.provider_sid, rules, moment.now)
    receipt = Receipt(seen.status)
    status = advanced(item.status, receipt)
    if status is not item.status:
        told.append(_receipt(item, attempt.attempt_id, seen, status))
        ended = status in {Status.DELIVERED, Status.UNDELIVERED, Status.FAILED}
        item = replace(item, status=status, ended_at=(item.ended_at or moment.now) if ended else None)
    return Decision(state.having(item), tuple(told), origin=item.origin) if told else Decision(state)


def _accepted(item: Notification, attempt: Attempt, sid: str, rules: Rules, now: datetime) -> Notification:
    return replace(
        item,
        attempt=accepted(attempt, sid),
        status=item.status if item.status is not Status.SENDING else Status.ACCEPTED,
        accepted_at=now,
        act_at=now + rules.first_receipt_check,
        to="",
        text="",
    )


def _acceptance(item: Notification, attempt: Attempt, seen: MessageSeen, via: str) -> list[LedgerFact]:
    names = {"notification_id": item.notification_id, "attempt_id": attempt.attempt_id}
    told: list[LedgerFact] = []
    if attempt.state is AttemptState.UNKNOWN:
        told.append(NotificationReconciled(found=True, provider_message_sid=seen.provider_sid, via=via, **names))
    told.append(NotificationAccepted(provider_message_sid=seen.provider_sid, **names))
    return told


def _receipt(item: Notification, attempt_id: str, seen: MessageSeen, status: Status) -> LedgerFact:
    names = {
        "notification_id": item.notification_id,
        "attempt_id": attempt_id,
        "provider_message_sid": seen.provider_sid,
    }
    match status:
        case Status.DELIVERED:
            return NotificationDelivered(**names)
        case Status.UNDELIVERED:
            return NotificationUndelivered(**names, error_code=seen.error_code)
        case Status.FAILED:
            return NotificationFailed(**names, error_code=seen.error_code, reason="the provider could not send it")
        case _:
            return NotificationSent(**names)


def _late(state: NotifierState, item: Notification, seen: MessageSeen) -> NotifierDecision:
    """An earlier attempt that counted as never sent shows up after all: remember whose it is, and say so."""
    if seen.provider_sid in item.sids:
        return Decision(state)
    told = NotificationReconciled(
        notification_id=item.notification_id,
        attempt_id=f"{item.notification_id}/{max(item.tries - 1, 1)}",
        found=True,
        provider_message_sid=seen.provider_sid,
        via="webhook_after_settling",
    )
    known = replace(item, earlier_sids=(*item.earlier_sids, seen.provider_sid)[-5:])
    return Decision(state.having(known), (told,), origin=item.origin)


def _nothing_found(
    state: NotifierState, item: Notification, attempt: Attempt, nothing: NothingFound, rules: Rules, moment: Moment
) -> NotifierDecision:
    known = not_found(attempt, nothing.asked_at, moment.now, rules.timing)
    if known.state is not AttemptState.NEVER_SENT:
        return Decision(state.having(replace(item, attempt=known)), origin=item.origin)
    told = NotificationReconciled(
        notification_id=item.notification_id, attempt_id=attempt.attempt_id, found=False, via="settle"
    )
    again = replace(item, attempt=known, status=Status.WAITING, act_at=moment.now)
    decision = Decision(state.having(again), (told,), origin=item.origin)
    return _unless_sent_before(decision, again, rules, moment)


def _unless_sent_before(
    decision: NotifierDecision, again: Notification, rules: Rules, moment: Moment
) -> NotifierDecision:
    """A message that would be tried again is not, when an earlier attempt has shown up at the provider meanwhile."""
    if not again.earlier_sids:
        return decision
    seen = MessageSeen(again.earlier_sids[-1], Receipt.QUEUED)
    adopted = _adopted(decision.state, again, f"{again.notification_id}/{again.tries}", seen, rules, moment)
    return replace(decision, state=adopted.state, ledger=decision.ledger + adopted.ledger)


def _unknown(
    state: NotifierState, item: Notification, attempt: Attempt, error: AppError, moment: Moment
) -> NotifierDecision:
    known = unknown(attempt, moment.now)
    if known is attempt:
        return Decision(state)
    told = NotificationOutcomeUnknown(
        notification_id=item.notification_id, attempt_id=attempt.attempt_id, cause=error.code
    )
    return Decision(state.having(replace(item, attempt=known)), (told,), origin=item.origin)


def _refused_for_good(
    state: NotifierState, item: Notification, attempt: Attempt, error: PermanentError, moment: Moment
) -> NotifierDecision:
    known = failed(attempt)
    if known is attempt:
        return Decision(state)
    code = _provider_code(error)
    names = {"notification_id": item.notification_id, "attempt_id": attempt.attempt_id}
    told = (
        NotificationRefused(error_code=code, permanent=True, reason=error.code, **names),
        NotificationFailed(error_code=code, reason=error.code, **names),
    )
    ended = replace(item, attempt=known, status=Status.FAILED, ended_at=moment.now, to="", text="")
    return Decision(state.having(ended), told, origin=item.origin)


def _refused_for_now(
    state: NotifierState, item: Notification, attempt: Attempt, error: TransientError, rules: Rules, moment: Moment
) -> NotifierDecision:
    known = refused(attempt)
    if known is attempt:
        return Decision(state)
    # never processed, so no attempt is counted
    pause = min(max(error.retry_after, BUSY_PAUSE * 2 ** min(item.refusals, 10)), LONGEST_BUSY_PAUSE)
    waiting = replace(
        item,
        attempt=known,
        status=Status.WAITING,
        refusals=item.refusals + 1,
        act_at=moment.now + (pause if error.retry_after or item.refusals else timedelta(0)),
    )
    told = NotificationRefused(
        notification_id=item.notification_id,
        attempt_id=attempt.attempt_id,
        error_code=_provider_code(error),
        permanent=False,
        reason=error.code,
    )
    return _unless_sent_before(Decision(state.having(waiting), (told,), origin=item.origin), waiting, rules, moment)


def _provider_code(error: AppError) -> str | None:
    code = error.context.get("provider_code")
    return str(code) if code else None
