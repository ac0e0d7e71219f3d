"""The one open order of a customer: placing, watching and cancelling it; all requests may be repeated with its key."""

from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import blake2b

from common.events.ledger import TaskCallOrdered
from common.kernel.decision import Effect
from common.packs import ScenarioRule
from services.callback.domain.draft import Draft, traced
from services.callback.domain.effects import CallContext, CancelCall, LookUpCall, PlaceCall, PlaceCallOrder
from services.callback.domain.planning import CallSlot
from services.callback.domain.state import (
    CallRequest,
    Contact,
    OpenOrder,
    OrderStatus,
    Task,
    TaskStatus,
)

BACKOFF_STEPS = 6


def order_call(draft: Draft, task: Task, rule: ScenarioRule, slot: CallSlot) -> None:
    """Orders the task's next call. Work in doubt asks first whether the dialer has this order already."""
    now, number = draft.moment.now, task.order_count + 1
    order = OpenOrder(
        order_id=f"{task.id}/{number}",
        task_id=task.id,
        scenario_id=task.scenario_id,
        number=number,
        status=OrderStatus.UNSURE if task.doubtful or draft.moment.in_doubt else OrderStatus.PLACING,
        request=_request(draft, task, rule, now, slot.until),
        origin=task.origin,
        ordered_at=now,
        latest=slot.until,
        check_at=now,
    )
    contacts = (*draft.state.contacts, Contact(order.order_id, now))
    draft.state = replace(draft.state, order=order, contacts=contacts)
    draft.put(
        replace(task, status=TaskStatus.CALLING, next_call_at=None, order_count=number, attempts=task.attempts + 1)
    )
    draft.tell(
        TaskCallOrdered(
            task_id=task.id,
            order_id=order.order_id,
            attempt_number=number,
            decision=draft.record(
                f"{rule.id}.call",
                "the call is due and allowed now",
                attempts=task.attempts + 1,
                attempts_in_all=rule.attempts.in_all,
                latest=slot.until.isoformat(),
                in_doubt=order.status is OrderStatus.UNSURE,
            ),
        )
    )
    request_again(draft)


def _request(draft: Draft, task: Task, rule: ScenarioRule, now: datetime, latest: datetime) -> CallRequest:
    profile = draft.state.profile
    assert profile is not None
    assert profile.voice_number is not None
    return CallRequest(
        phone_number=profile.voice_number,
        language=profile.language,
        flow=rule.flow,
        purpose=task.purpose,
        variables={name: task.data[name] for name in rule.flow_variables if name in task.data},
        earliest=now,
        latest=latest,
        priority=task.priority,
    )


def check_order(draft: Draft) -> None:
    """The order's clock is due: what was asked of the dialer is asked again, or its outcome is asked for."""
    order = draft.state.order
    assert order is not None
    if order.status is OrderStatus.PLACING and draft.moment.now >= order.latest:
        # the dialer would refuse it now; whether an earlier request reached it is all that is left to find out
        draft.state = replace(draft.state, order=replace(order, status=OrderStatus.UNSURE))
    request_again(draft)


def cancel_order(draft: Draft, reason_code: str, *, erase: bool = False) -> None:
    """Cancels the open order; repeated until the dialer answers.

    Args:
        erase: forgets the number and the texts too.
    """
    order = draft.state.order
    assert order is not None
    request = None if erase else order.request
    if order.cancel_reason:
        draft.state = replace(draft.state, order=replace(order, request=request))
        return
    cancelled = replace(order, status=OrderStatus.CANCELLING, cancel_reason=reason_code, request=request, tries=0)
    draft.state = replace(draft.state, order=cancelled)
    request_again(draft)


def request_again(draft: Draft) -> None:
    """Sends the request that the order's status asks for; its clock repeats it if no answer comes."""
    order, timing = draft.state.order, draft.rules.timing
    assert order is not None
    act_before = draft.moment.now + timing.start_within
    check_at = act_before + timing.deadline + pause(order, draft)
    draft.state = replace(draft.state, order=replace(order, tries=order.tries + 1, check_at=check_at))
    draft.act(_effect(order, draft.state.customer_id, act_before))


def _effect(order: OpenOrder, customer_id: str, act_before: datetime) -> Effect:
    attempt_id = f"{order.order_id}/{order.status}/{order.tries + 1}"
    match order.status:
        case OrderStatus.PLACING if order.request:
            context = CallContext(order.task_id, order.scenario_id, *traced(order.origin))
            placed = PlaceCallOrder(order.order_id, customer_id, order.request, context)
            return PlaceCall(order.order_id, attempt_id, act_before, placed)
        case OrderStatus.CANCELLING:
            return CancelCall(order.order_id, attempt_id, act_before, order.cancel_reason or "")
        case _:
            return LookUpCall(order.order_id, attempt_id, act_before)


def pause(order: OpenOrder, draft: Draft) -> timedelta:
    """Exponential backoff, spread by a digest of the order, so that many do not come back together."""
    timing = draft.rules.timing
    doublings: int = 2 ** min(order.tries, BACKOFF_STEPS)
    longest = min(timing.backoff * doublings, timing.max_backoff)
    digest = blake2b(f"{order.order_id}/{order.tries}".encode(), digest_size=1).digest()[0]
    return longest * (0.5 + digest / 512)
