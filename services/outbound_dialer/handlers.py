"""What the dialer can do: one function per fact, command or webhook, each load → decide → commit through the kernel."""

from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from common.errors import Rejected
from common.events.envelope import Envelope
from common.events.profiles import CustomerProfile
from common.events.topics import CUSTOMER_PROFILES, POLICY_EVENTS
from common.kernel.decision import Decision, Effect, Moment, Origin
from common.kernel.document import AggregateType
from common.kernel.intake import Interest
from common.kernel.kernel import Behaviour, Cause, Kernel
from common.kernel.ports import CommitResult
from common.packs.flows import FlowScript
from common.rpc.refusals import NotFound
from services.outbound_dialer.domain.clocks import clocks
from services.outbound_dialer.domain.decisions import decide_due, decide_outcome
from services.outbound_dialer.domain.effects import DialCall, FetchCall, FindCall, HangUpCall, ProviderNews, ReserveSlot
from services.outbound_dialer.domain.orders import decide_cancel_call, decide_place_call
from services.outbound_dialer.domain.profiles import decide_profile
from services.outbound_dialer.domain.progress import decide_key, decide_status_webhook
from services.outbound_dialer.domain.requests import CallRequest, check_identity
from services.outbound_dialer.domain.rules import DialRules
from services.outbound_dialer.domain.state import (
    Call,
    DialerState,
    KeyPress,
    call_id_of,
    call_id_of_attempt,
    empty_state,
)
from services.outbound_dialer.domain.twiml import HANG_UP, ActionOf, after_key, farewell, greeting, may_speak
from services.outbound_dialer.ports import CallChanged, CallChanges, CallUrls, SlotLimiter, VoiceGateway

DIALER = AggregateType(service="dialer", state=DialerState, schema=1, empty=empty_state, clocks=clocks)

INTERESTS = {
    POLICY_EVENTS.name: Interest(frozenset()),  # the shard topic: its partitions are the dialer's shards
    CUSTOMER_PROFILES.name: Interest(frozenset({CustomerProfile.TYPE})),
}
UrlsOf = Callable[[str, str], CallUrls]
MAX_REMEMBERED = 100_000
"""Calls whose last told revision a watcher of all remembers; beyond it a change may be told twice."""


def behaviour(rules: DialRules, gateway: VoiceGateway, slots: SlotLimiter, urls_of: UrlsOf) -> Behaviour[DialerState]:
    """The dialer's part of the kernel; `urls_of` gives the webhooks of (customer id, attempt id)."""

    def due(state: DialerState, item_id: str, moment: Moment) -> Decision[DialerState]:
        return decide_due(state, item_id, rules, moment)

    def outcome(state: DialerState, effect: Effect, result: object, moment: Moment) -> Decision[DialerState]:
        return decide_outcome(state, effect, result, rules, moment)

    async def perform(customer_id: str, effect: Effect) -> object:
        match effect:
            case ReserveSlot():
                return await slots.reserve(effect.priority)
            case DialCall(phone_number=phone_number, ring=ring, talk=talk):
                urls = urls_of(customer_id, effect.attempt_id)
                return await gateway.place(phone_number=phone_number, urls=urls, ring=ring, talk=talk)
            case FindCall(phone_number=phone_number, since=since, known_sids=known_sids):
                return await gateway.find(phone_number=phone_number, since=since, known_sids=known_sids)
            case FetchCall(provider_call_sid=sid):
                return await gateway.fetch(sid)
            case HangUpCall(provider_call_sid=sid):
                await gateway.hang_up(sid)
                return None
            case _:
                raise TypeError(f"no way to perform {type(effect).__name__}")

    return Behaviour(decide_due=due, decide_outcome=outcome, perform=perform)


@dataclass(frozen=True, slots=True)
class AttemptRef:
    """Whom a webhook speaks of."""

    customer_id: str
    attempt_id: str

    @property
    def call_id(self) -> str:
        """The call the attempt belongs to."""
        return call_id_of_attempt(self.attempt_id)


@dataclass(frozen=True)
class Handlers:
    """The dialer's use cases. All of them raise `TransientError` when the store is unavailable."""

    kernel: Kernel[DialerState]
    rules: DialRules
    changes: CallChanges

    # facts

    async def handle_event(self, envelope: Envelope, cause: Cause) -> CommitResult:
        """A customer's profile arrived, or is to be erased."""
        profile = envelope.data if isinstance(envelope.data, CustomerProfile) else None

        def decide(state: DialerState, moment: Moment) -> Decision[DialerState]:
            return decide_profile(state, profile, envelope.time, self.rules, moment)

        return (await self.kernel.handle(envelope.customer_id, decide, cause)).result

    # commands

    async def place_call(self, request: CallRequest) -> tuple[Call, bool]:
        """Takes an order; returns the call and whether it is new.

        Raises:
            InvalidRequest, KeyReused, Rejected, Exhausted: see `decide_place_call`.
        """
        check_identity(request)
        context, created = request.context, False

        def decide(state: DialerState, moment: Moment) -> Decision[DialerState]:
            nonlocal created
            created = state.call_of_key(request.idempotency_key) is None
            return decide_place_call(state, request, self.rules, moment)

        # If the store lost writes since `earliest`, the call may have been made already.
        origin = Origin(context.causation_id, context.correlation_id, context.traceparent)
        handled = await self.kernel.handle(request.customer_id, decide, Cause(origin, since=request.earliest))
        return handled.loaded.state.calls[call_id_of(request.idempotency_key)], created

    async def cancel_call(self, customer_id: str, call_id: str, idempotency_key: str, reason_code: str) -> Call:
        """Cancels a call by its id, or by the key it was or will be ordered with.

        Raises:
            NotFound: there is no call of this id.
            Exhausted: too many unknown keys were cancelled.
        """
        call_id = call_id or call_id_of(idempotency_key)

        def decide(state: DialerState, moment: Moment) -> Decision[DialerState]:
            return decide_cancel_call(state, call_id, idempotency_key, reason_code, self.rules, moment)

        handled = await self.kernel.handle(customer_id, decide)
        return _found(handled.loaded.state, call_id)

    async def get_call(self, customer_id: str, call_id: str, idempotency_key: str) -> Call:
        """One call by its id or key.

        Raises:
            NotFound: there is none, or it is no longer kept.
        """
        return _found(await self.kernel.read(customer_id), call_id or call_id_of(idempotency_key))

    async def list_calls(self, customer_id: str) -> Sequence[Call]:
        """A customer's calls, newest first."""
        state = await self.kernel.read(customer_id)
        return sorted(state.calls.values(), key=lambda call: (call.queued_at, call.call_id), reverse=True)

    async def watch_calls(self, customer_ids: frozenset[str]) -> AsyncIterator[tuple[str, Call]]:
        """(customer id, call): the present state of the customers' calls, then each change, for ever."""
        told: OrderedDict[CallChanged, int] = OrderedDict()
        async with self.changes.subscribe(customer_ids) as feed:
            changes: Sequence[CallChanged] = await self._all_of(customer_ids)
            while True:
                for change in changes:
                    call = (await self.kernel.read(change.customer_id)).calls.get(change.call_id)
                    if call is not None and call.revision > told.get(change, 0):
                        told[change] = call.revision
                        yield change.customer_id, call
                while len(told) > MAX_REMEMBERED:
                    told.popitem(last=False)
                changes = await feed.changed() or await self._all_of(customer_ids)

    async def _all_of(self, customer_ids: frozenset[str]) -> list[CallChanged]:
        return [
            CallChanged(customer_id, call_id)
            for customer_id in sorted(customer_ids)
            for call_id in (await self.kernel.read(customer_id)).calls
        ]

    # webhooks

    async def receive_status(self, about: AttemptRef, news: ProviderNews) -> None:
        """A provider told of an attempt."""

        def decide(state: DialerState, moment: Moment) -> Decision[DialerState]:
            return decide_status_webhook(state, about.attempt_id, news, self.rules, moment)

        await self.kernel.handle(about.customer_id, decide)

    async def answer(self, about: AttemptRef, news: ProviderNews, action_of: ActionOf) -> str:
        """The phone was answered: returns what to say, as TwiML.

        Raises:
            InvalidEvent: the rule pack has no such flow any more.
        """

        def decide(state: DialerState, moment: Moment) -> Decision[DialerState]:
            return decide_status_webhook(state, about.attempt_id, news, self.rules, moment)

        state = (await self.kernel.handle(about.customer_id, decide)).loaded.state
        call = state.calls.get(about.call_id)
        if call is None or not may_speak(call):
            return HANG_UP
        script = self._script(state, call)
        return farewell(script) if call.cancelled else greeting(script, action_of)

    async def take_key(self, about: AttemptRef, digit: str, menu: int, news: ProviderNews, action_of: ActionOf) -> str:
        """The customer pressed a key in the given menu: returns what follows, as TwiML.

        Raises:
            InvalidEvent: the rule pack has no such flow any more.
        """

        def decide(state: DialerState, moment: Moment) -> Decision[DialerState]:
            press = self._press(state.calls.get(about.call_id), digit)
            if press is None:
                return decide_status_webhook(state, about.attempt_id, news, self.rules, moment)
            return decide_key(state, about.attempt_id, press, news, self.rules, moment)

        state = (await self.kernel.handle(about.customer_id, decide)).loaded.state
        call = state.calls.get(about.call_id)
        return after_key(self._script(state, call), digit, menu, action_of) if call and call.open else HANG_UP

    def _press(self, call: Call | None, digit: str) -> KeyPress | None:
        flow = self.rules.pack.content.flows.get(call.order.flow) if call else None
        key = flow.keys.get(digit) if flow else None
        return KeyPress(digit, key.meaning) if key else None

    def _script(self, state: DialerState, call: Call) -> FlowScript:
        language = call.order.language or (state.profile.language if state.profile else "")
        pack = self.rules.pack
        return pack.flow(call.order.flow, language or pack.default_language, call.order.variables)


def _found(state: DialerState, call_id: str) -> Call:
    call = state.calls.get(call_id)
    if call is None:
        raise NotFound(
            "call_not_found",
            resource_type="call",
            resource_name=call_id,
            description="the customer has no such call, or it ended too long ago",
        )
    return call


def attempt_ref(parts: Sequence[str]) -> AttemptRef:
    """The attempt that an opened reference names.

    Raises:
        Rejected: it names something else.
    """
    if len(parts) != len(("customer id", "attempt id")):
        raise Rejected("reference_forged", rule_id="webhook.reference")
    return AttemptRef(*parts)
