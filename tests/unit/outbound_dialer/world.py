"""A small world for decisions about calls: the real rule pack, one customer, moments to decide at."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from common.events.profiles import CustomerProfile
from common.events.vocabulary import Priority, Purpose
from common.kernel.decision import Decision, Moment
from common.packs.loading import load_packs
from services.outbound_dialer.domain.decisions import decide_due, decide_outcome
from services.outbound_dialer.domain.effects import DialCall, Placed, ReserveSlot, SlotGranted
from services.outbound_dialer.domain.orders import decide_place_call
from services.outbound_dialer.domain.profiles import decide_profile
from services.outbound_dialer.domain.requests import CallRequest
from services.outbound_dialer.domain.rules import DialRules
from services.outbound_dialer.domain.state import Call, CallContext, DialerState, call_id_of, empty_state

NOON = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)  # 12:00 in New York, a Monday
RULES = DialRules(pack=load_packs(Path("policies")))
KEY = "t-77ab01c2d3e4/1"
CALL_ID = call_id_of(KEY)
ATTEMPT_ID = f"{CALL_ID}/1"
SID = "CA" + "1" * 32
PROFILE = CustomerProfile.model_validate(
    CustomerProfile.EXAMPLE | {"time_zone": "America/New_York", "jurisdiction": "US", "language": "en"}
)


def at(seconds: float = 0, **changes: object) -> Moment:
    now = NOON + timedelta(seconds=seconds)
    return Moment(**{"now": now, "since": now, **changes})


def order(**changes: object) -> CallRequest:
    fields: dict[str, object] = {
        "idempotency_key": KEY,
        "customer_id": "c-000451",
        "phone_number": "+12025550143",
        "purpose": Purpose.SERVICE,
        "flow": "payment_failed",
        "language": "en",
        "variables": {},
        "earliest": None,
        "latest": NOON + timedelta(hours=2),
        "priority": Priority.P1,
        "context": CallContext(task_id="t-77ab01c2d3e4", scenario="N2", correlation_id="f-1", causation_id="f-1"),
    }
    return CallRequest(**{**fields, **changes})


def known_customer() -> DialerState:
    return decide_profile(empty_state("c-000451"), PROFILE, at().now, RULES, at()).state


def placed(state: DialerState | None = None, seconds: float = 0, **changes: object) -> DialerState:
    return decide_place_call(state or known_customer(), order(**changes), RULES, at(seconds)).state


def due(state: DialerState, seconds: float = 0, **moment: object) -> Decision[DialerState]:
    return decide_due(state, CALL_ID, RULES, at(seconds, **moment))


def slot_asked(state: DialerState | None = None, seconds: float = 0) -> tuple[DialerState, ReserveSlot]:
    decision = due(state or placed(), seconds)
    [effect] = decision.effects
    assert isinstance(effect, ReserveSlot)
    return decision.state, effect


def dialled(state: DialerState | None = None, seconds: float = 0) -> tuple[DialerState, DialCall]:
    state, effect = slot_asked(state, seconds)
    granted = decide_outcome(state, effect, SlotGranted(at(seconds).now), RULES, at(seconds)).state
    decision = due(granted, seconds)
    [dial] = decision.effects
    assert isinstance(dial, DialCall)
    return decision.state, dial


def accepted() -> DialerState:
    state, effect = dialled()
    return decide_outcome(state, effect, Placed(SID), RULES, at(1)).state


def call_of(state: DialerState) -> Call:
    return state.calls[CALL_ID]


def types(decision: Decision[DialerState]) -> list[str]:
    return [fact.TYPE for fact in decision.ledger]


def moved_to(state: DialerState, **changes: object) -> DialerState:
    return state.with_call(replace(call_of(state), **changes))
