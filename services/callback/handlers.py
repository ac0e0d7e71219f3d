"""What the callback service can do: one function per fact or question, each load → decide → commit by the kernel."""

from collections.abc import Sequence
from dataclasses import dataclass

from common.events.envelope import Envelope
from common.events.profiles import CustomerProfile
from common.events.registry import LEDGER_MODELS
from common.events.topics import CUSTOMER_PROFILES, OUTREACH_EVENTS, POLICY_EVENTS
from common.kernel.decision import Decision, Effect, Moment
from common.kernel.document import AggregateType
from common.kernel.intake import Interest
from common.kernel.kernel import Behaviour, Cause, Kernel
from common.kernel.ports import CommitResult
from common.packs import Pack
from services.callback.domain.answers import decide_outcome
from services.callback.domain.clocks import clocks
from services.callback.domain.due import decide_due
from services.callback.domain.effects import CancelCall, LookUpCall, PlaceCall
from services.callback.domain.facts import CALL_EVENT_TYPES, decide_fact, journey_types
from services.callback.domain.rules import CallbackRules
from services.callback.domain.state import CallbackState, empty_state
from services.callback.domain.views import TaskView, view_of
from services.callback.ports import Dialer

CALLBACK = AggregateType(service="callback", state=CallbackState, schema=1, empty=empty_state, clocks=clocks)


def interests(pack: Pack) -> dict[str, Interest]:
    """What the pack's scenarios make the service read of each topic."""
    types = journey_types(pack)
    told = types & frozenset(LEDGER_MODELS)
    return {
        POLICY_EVENTS.name: Interest(types - told),
        CUSTOMER_PROFILES.name: Interest(frozenset({CustomerProfile.TYPE})),
        OUTREACH_EVENTS.name: Interest(told | CALL_EVENT_TYPES, peek=True),
    }


async def ask(dialer: Dialer, customer_id: str, effect: Effect) -> object:
    """Makes the one request to the dialer that a decision reserved.

    Raises:
        AppError: see `Dialer`.
    """
    match effect:
        case PlaceCall():
            return await dialer.place_call(effect.order)
        case CancelCall():
            return await dialer.cancel_call(customer_id, effect.item_id, effect.reason_code)
        case LookUpCall():
            return await dialer.get_call(customer_id, effect.item_id)
        case _:
            raise TypeError(f"no way to perform {type(effect).__name__}")


def behaviour(rules: CallbackRules, dialer: Dialer) -> Behaviour[CallbackState]:
    """The callback service's part of the kernel."""

    def due(state: CallbackState, item_id: str, moment: Moment) -> Decision[CallbackState]:
        return decide_due(state, item_id, rules, moment)

    def outcome(state: CallbackState, effect: Effect, result: object, moment: Moment) -> Decision[CallbackState]:
        return decide_outcome(state, effect, result, rules, moment)

    async def perform(customer_id: str, effect: Effect) -> object:
        return await ask(dialer, customer_id, effect)

    return Behaviour(decide_due=due, decide_outcome=outcome, perform=perform)


@dataclass(frozen=True)
class Handlers:
    """The service's use cases."""

    kernel: Kernel[CallbackState]
    rules: CallbackRules

    async def handle_event(self, envelope: Envelope, cause: Cause) -> CommitResult:
        """A fact from any topic.

        Raises:
            InvalidEvent: the rules cannot be applied to it, or the customer's document has no room for it.
            TransientError: the store is unavailable.
        """

        def decide(state: CallbackState, moment: Moment) -> Decision[CallbackState]:
            return decide_fact(state, envelope, self.rules, moment)

        return (await self.kernel.handle(envelope.customer_id, decide, cause)).result

    async def list_tasks(self, customer_id: str) -> Sequence[TaskView]:
        """The customer's open and lately closed tasks, the newest first; nobody known has none.

        Raises:
            TransientError: the store is unavailable.
        """
        state = await self.kernel.read(customer_id)
        return [view_of(state, task, self.rules) for task in reversed(state.tasks)]

    async def get_task(self, customer_id: str, task_id: str) -> TaskView | None:
        """One task; None if it is not known (any more).

        Raises:
            TransientError: the store is unavailable.
        """
        state = await self.kernel.read(customer_id)
        task = state.task(task_id)
        return view_of(state, task, self.rules) if task else None
