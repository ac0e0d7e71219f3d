"""Whatever order news, answers and clocks come in: calls move forward, end once, and never lose their clock."""

from dataclasses import replace
from datetime import timedelta

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from common.errors import OutcomeUnknown, PermanentError, TransientError
from common.events.ledger import CallCancelled, CallDialing, CallEnded
from common.kernel.attempts import reserve
from common.kernel.document import MAX_DOCUMENT_BYTES
from services.outbound_dialer.domain.clocks import clocks
from services.outbound_dialer.domain.decisions import decide_due, decide_outcome
from services.outbound_dialer.domain.effects import (
    DialCall,
    FetchCall,
    FindCall,
    Found,
    HangUpCall,
    NotFound,
    Placed,
    ProviderNews,
    ProviderStatus,
    ReserveSlot,
    SlotDenied,
    SlotGranted,
)
from services.outbound_dialer.domain.ending import with_contact
from services.outbound_dialer.domain.lifecycle import TRANSITIONS, CallEvent, CallStatus
from services.outbound_dialer.domain.orders import decide_cancel_call
from services.outbound_dialer.domain.profiles import decide_profile
from services.outbound_dialer.domain.progress import decide_key, decide_status_webhook
from services.outbound_dialer.domain.state import Call, CallContext, DialerState, KeyPress, empty_state
from tests.unit.outbound_dialer.world import CALL_ID, NOON, PROFILE, RULES, SID, at, call_of, known_customer, placed

ORDER = list(CallStatus)
ERRORS = [TransientError("too_many_requests"), PermanentError("number_invalid"), OutcomeUnknown("provider_timeout")]


class World:
    """One customer's document, the effects it ordered, and everything that can happen next."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.state = placed(known_customer(), latest=NOON + timedelta(days=2))
        self.effects = []
        self.told = []
        self.numbers = []

    def take(self, decision) -> None:
        before, after = call_of(self.state), call_of(decision.state)
        assert after.revision >= before.revision
        if before.live and before.live.state == "accepted" and before.status not in {"queued", "slot_reserved"}:
            assert ORDER.index(after.status) >= ORDER.index(before.status)
        if not before.open:
            assert (after.status, after.outcome) == (before.status, before.outcome)
        if after.open:
            assert CALL_ID in clocks(decision.state), "an open call always has a clock"
        else:
            assert after.order.phone_number == ""
        self.state = decision.state
        self.effects += decision.effects
        self.told += decision.ledger

    def clock(self, late: float) -> None:
        at_ = clocks(self.state).get(CALL_ID)
        if at_ is None:
            return
        self.seconds = max(self.seconds, (at_ - NOON).total_seconds()) + late
        decision = decide_due(self.state, CALL_ID, RULES, at(self.seconds))
        assert decision.state != self.state, "a clock that rang must move or go"
        self.take(decision)

    def answer(self, index: int, outcome) -> None:
        if not self.effects:
            return
        effect = self.effects[index % len(self.effects)]  # late, twice, or never
        value = self._fitting(effect, outcome)
        self.take(decide_outcome(self.state, effect, value, RULES, at(self.seconds)))

    def _fitting(self, effect, outcome):
        if isinstance(outcome, Exception):
            return outcome
        match effect:
            case ReserveSlot():
                now = at(self.seconds).now
                return SlotGranted(now) if outcome else SlotDenied(now + timedelta(seconds=1))
            case DialCall():
                return Placed(SID)
            case FindCall() | FetchCall():
                return Found(ProviderNews(SID, outcome)) if outcome else NotFound()
            case HangUpCall():
                return None

    def webhook(self, number: int, status: ProviderStatus, machine: str) -> None:
        news = ProviderNews(SID, status, machine=machine)
        self.take(decide_status_webhook(self.state, f"{CALL_ID}/{number}", news, RULES, at(self.seconds)))

    def key(self, press: KeyPress) -> None:
        news = ProviderNews(SID, ProviderStatus.IN_PROGRESS)
        number = max(call_of(self.state).attempt_number, 1)
        self.take(decide_key(self.state, f"{CALL_ID}/{number}", press, news, RULES, at(self.seconds)))

    def cancel(self) -> None:
        self.take(decide_cancel_call(self.state, CALL_ID, "", "payment_succeeded", RULES, at(self.seconds)))

    def profile(self, profile) -> None:
        self.take(decide_profile(self.state, profile, at(self.seconds).now, RULES, at(self.seconds)))


STATUS = st.sampled_from(list(ProviderStatus))
HAPPENING = st.one_of(
    st.tuples(st.just("clock"), st.floats(0, 30)),
    st.tuples(st.just("answer"), st.integers(0, 5), st.one_of(STATUS, st.none(), st.sampled_from(ERRORS))),
    st.tuples(st.just("webhook"), st.integers(1, 3), STATUS, st.sampled_from(["", "", "machine_start"])),
    st.tuples(st.just("key"), st.builds(KeyPress, st.sampled_from("129"), st.sampled_from(["pay", "opted_out"]))),
    st.tuples(st.just("cancel")),
    st.tuples(st.just("profile"), st.sampled_from([PROFILE, None])),
)


@settings(max_examples=400, deadline=None)
@given(st.lists(HAPPENING, max_size=40))
def test_any_order_of_events(happenings):
    world = World()
    for name, *arguments in happenings:
        getattr(world, name)(*arguments)
    ends = [fact for fact in world.told if isinstance(fact, CallEnded | CallCancelled)]
    assert len(ends) == (0 if call_of(world.state).open else 1), "ended exactly once on the ledger"
    dialled = [fact.attempt_id for fact in world.told if isinstance(fact, CallDialing)]
    assert len(set(dialled)) == len(dialled), "no attempt is reserved twice"
    dials = [effect.attempt_id for effect in world.effects if isinstance(effect, DialCall)]
    assert set(dials) <= set(dialled)
    assert msgspec.json.decode(msgspec.json.encode(world.state), type=DialerState) == world.state


@settings(max_examples=100, deadline=None)
@given(st.lists(HAPPENING, max_size=15))
def test_left_alone_every_call_ends(happenings):
    world = World()
    for name, *arguments in happenings:
        getattr(world, name)(*arguments)
    for _ in range(3000):
        if not call_of(world.state).open:
            break
        pending = len(world.effects)
        world.clock(0)
        for index in range(pending, len(world.effects)):
            world.answer(index, ProviderStatus.COMPLETED)
    assert not call_of(world.state).open


def test_the_table_of_states_is_total_and_forward():
    assert len(TRANSITIONS) == len(CallStatus) * len(CallEvent)
    back = {
        (status, event) for (status, event), after in TRANSITIONS.items() if ORDER.index(after) < ORDER.index(status)
    }
    assert back == {
        (CallStatus.SLOT_RESERVED, CallEvent.SLOT_LOST),
        (CallStatus.DIALING, CallEvent.NOT_PLACED),
    }
    assert {after for (status, _), after in TRANSITIONS.items() if status is CallStatus.ENDED} == {CallStatus.ENDED}


def longest_order(number: int, seconds: float) -> dict[str, object]:
    key = f"{number:0>128}"
    context = CallContext(*(["x" * 128] * 4), "t" * 55)
    variables = {"v" * 62: "x" * 480, "w" * 2: "x" * 480}
    latest = at(seconds + 3600).now
    return {"idempotency_key": key, "context": context, "variables": variables, "latest": latest}


def test_the_largest_document_is_accepted_by_the_kernel():
    state = decide_profile(empty_state("c" * 64), PROFILE, at().now, RULES, at()).state
    limits = RULES.limits
    for number in range(100):
        seconds = number * 4000.0
        order = longest_order(number, seconds)
        state = placed(state, seconds, **order)
        call = list(state.calls.values())[-1]
        for attempt in range(1, 5):
            state = state.with_call(call_with_attempt(state.calls[call.call_id], f"{call.call_id}/{attempt}", seconds))
        state = with_contact(state, call, at(seconds).now, limits)
        if number < 100 - limits.max_open_calls:
            news = ProviderNews(SID, ProviderStatus.COMPLETED)
            state = decide_status_webhook(state, f"{call.call_id}/4", news, RULES, at(seconds + 1)).state
    assert sum(call.open for call in state.calls.values()) == limits.max_open_calls
    assert len(state.calls) == limits.max_kept_calls + limits.max_open_calls
    size = len(msgspec.json.encode(state))
    assert MAX_DOCUMENT_BYTES / 2 < size < MAX_DOCUMENT_BYTES


def call_with_attempt(call: Call, attempt_id: str, seconds: float) -> Call:
    attempt = reserve(attempt_id, "twilio", "0" * 16, at(seconds), RULES.timing)
    return replace(call.having(attempt), live_attempt=attempt_id, status=CallStatus.DIALING, held_for="frequency_cap")
