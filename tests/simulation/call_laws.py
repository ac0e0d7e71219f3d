"""What must hold of tasks and calls after every schedule."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from common.events.vocabulary import CallOutcome
from common.kernel.attempts import AttemptTiming
from services.callback.domain.bounds import KEEP_CLOSINGS
from services.callback.domain.state import CallbackState, Task
from services.outbound_dialer.domain.state import Call, DialerState
from tests.simulation.laws import Told, surviving_ledger
from tests.simulation.schedules import LostStore, LostWrites
from tests.simulation.upstream import CUSTOMER
from tests.simulation.voice import VoiceCarrier
from tests.simulation.world import World

REACHED = frozenset({CallOutcome.COMPLETED, CallOutcome.BUSY, CallOutcome.NO_ANSWER, CallOutcome.MACHINE})
UNDIALLED = frozenset({CallOutcome.CANCELLED, CallOutcome.EXPIRED})
SLACK = 1.0


class DialerLaws:
    """Each call dialled once, none after its cancellation, all ended, the ledger equal to the state."""

    def __init__(self, world: World, carrier: VoiceCarrier) -> None:
        self._world = world
        self._carrier = carrier
        self._cancelled_at: dict[str, float] = {}
        self._service = world.services["outbound_dialer"]
        self._service.store.landmarks.append(self._committed)

    def _committed(self, _: str, state: DialerState) -> None:
        for call in state.calls.values():
            if call.outcome is CallOutcome.CANCELLED and call.reason_code:
                self._cancelled_at.setdefault(call.call_id, self._world.loop.time())
            elif call.call_id in self._cancelled_at:
                del self._cancelled_at[call.call_id]  # the cancellation was lost

    def broken(self) -> Iterator[str]:
        """What does not hold."""
        state: DialerState = self._service.store.state_of(CUSTOMER).state
        ledger, wrong = surviving_ledger(self._world, self._service)
        yield from wrong
        dialled = Counter(call.reference.split()[1].rpartition("/")[0] for call in self._carrier.book)
        yield from (f"{name} was dialled {count} times" for name, count in dialled.items() if count > 1)
        for call in state.calls.values():
            yield from self._call(call, dialled[call.call_id])
            yield from _told(call, [told for told in ledger if told["data"].get("call_id") == call.call_id])
        window = AttemptTiming().window.total_seconds() + SLACK
        for placed in self._carrier.book:
            call_id = placed.reference.split()[1].rpartition("/")[0]
            late = placed.taken_at - self._cancelled_at.get(call_id, placed.taken_at)
            if late > window:
                yield f"{call_id} was dialled {late:.0f} s after it was cancelled"

    def _call(self, call: Call, dialled: int) -> Iterator[str]:
        if call.open:
            yield f"{call.call_id} is still {call.status}"
        if call.outcome in REACHED and not dialled:
            yield f"{call.call_id} ended as {call.outcome}, but was never dialled"
        if call.outcome in UNDIALLED and dialled and not self._forgot:
            yield f"{call.call_id} ended as {call.outcome}, but was dialled"

    @property
    def _forgot(self) -> bool:
        return any(isinstance(part, LostWrites | LostStore) for part in self._world.schedule.parts)


def _told(call: Call, story: list[Told]) -> Iterator[str]:
    ends = [told for told in story if told["type"] in {"call.ended.v1", "call.cancelled.v1"}]
    outcomes = [told["data"].get("outcome", "cancelled") for told in ends]
    if outcomes != [call.outcome]:
        yield f"{call.call_id} is {call.outcome}, but the ledger says {outcomes}"
    attempts = [told["data"]["attempt_id"] for told in story if told["type"] == "call.dialing.v1"]
    if len(attempts) != len(set(attempts)) or len(attempts) > call.attempt_number:
        yield f"{call.call_id} has {call.attempt_number} attempts, but on the ledger {attempts}"


class CallbackLaws:
    """Each journey followed to a result, nothing ordered after the payment, one order per clock, ledger and state."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._paid: datetime | None = None
        self._service = world.services["callback"]
        self._service.store.landmarks.append(self._committed)

    def _committed(self, _: str, state: CallbackState) -> None:
        now = self._world.around.clock.now()
        if state.closings:
            self._paid = self._paid or now
        elif self._paid and now - self._paid < KEEP_CLOSINGS:
            self._paid = None  # lost again, and not forgotten in time

    def broken(self) -> Iterator[str]:
        """What does not hold."""
        state: CallbackState = self._service.store.state_of(CUSTOMER).state
        ledger, wrong = surviving_ledger(self._world, self._service)
        yield from wrong
        if state.order or state.held:
            yield "an order or a held fact is still open"
        for task in state.tasks:
            yield from self._task(task, [told for told in ledger if told["data"].get("task_id") == task.id])
        yield from self._nothing_lost(ledger)

    def _task(self, task: Task, story: list[Told]) -> Iterator[str]:
        types = Counter(told["type"] for told in story)
        if task.open or not task.result:
            yield f"{task.id} is still {task.status}"
        if types["task.opened.v1"] != 1 or types["task.closed.v1"] != 1:
            yield f"{task.id} was opened and closed {types['task.opened.v1']}, {types['task.closed.v1']} times"
        orders = [told for told in story if told["type"] == "task.call_ordered.v1"]
        if [told["data"]["attempt_number"] for told in orders] != list(range(1, task.order_count + 1)):
            yield f"{task.id} has {task.order_count} orders, but on the ledger {len(orders)}"
        results = [told["data"]["result"] for told in story if told["type"] == "task.closed.v1"]
        if results and results[-1] != task.result:
            yield f"{task.id} ended as {task.result}, but the ledger says {results[-1]}"
        ended = task.result == "paid" and self._paid
        late = [told for told in orders if ended and self._paid and datetime.fromisoformat(told["time"]) > self._paid]
        if late:
            yield f"{task.id} ordered a call after the payment"

    def _nothing_lost(self, ledger: list[Told]) -> Iterator[str]:
        happenings = list(self._world.schedule.happenings())
        if any(one.kind == "erased" for one in happenings):
            return
        # closed tasks are forgotten in time, the ledger is not
        followed = {told["data"]["policy_id"] for told in ledger if told["type"] == "task.opened.v1"}
        for one in happenings:
            paid = self._paid is not None and one.policy == 1
            if one.kind == "failed" and f"P-{one.policy}" not in followed and not paid:
                yield f"f-{one.number} is followed by no task"
            if one.kind == "paid" and self._paid is None:
                yield f"f-{one.number} (paid) was lost"


Laws = Any
