"""Conditions: CEL compiled once, with errors that name the mistake, and a measured cost."""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from timeit import repeat

import pytest

from common.errors import InvalidEvent
from common.events.profiles import CustomerProfile
from common.events.upstream import PremiumPaymentFailed
from common.packs.conditions import Condition, condition_variables

FAILED = condition_variables(PremiumPaymentFailed.example(), CustomerProfile.example())


@pytest.mark.parametrize(
    ("source", "holds"),
    [
        ('event.reason_code == "insufficient_funds"', True),
        ("event.amount > 5000.0", False),
        ("event.amount > 3000", True),
        ('event.currency in ["CNY", "HKD"] && profile.jurisdiction == "CN"', True),
        ('event.due_date < timestamp("2026-12-01T00:00:00Z")', True),
        ('profile.birth_date < timestamp("1966-01-01T00:00:00Z")', True),
        ("has(event.no_such_field) && event.no_such_field", False),
        ('profile.phone_numbers.exists(number, number.kind == "mobile")', True),
        ('has(profile.consent.service) && profile.consent["service"].granted', True),
        ('profile.preferences.reminder_time == "09:00:00"', True),
    ],
)
def test_conditions_speak_of_event_and_profile(source: str, holds: bool) -> None:
    assert Condition(source).holds(FAILED) is holds


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("event.amount >", "1:15: Syntax error: mismatched input '<EOF>'"),
        ("amount > 5", "unknown variable amount; a condition speaks of event"),
        ("event.items.all(item, thing > 1)", "unknown variable thing"),
        ("", "Syntax error"),
    ],
)
def test_a_condition_that_does_not_compile_says_why(source: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason.replace("(", r"\(")):
        Condition(source)


@pytest.mark.parametrize("source", ["event.no_such_field == 1", 'event.amount > "b"', "event"])
def test_a_condition_that_cannot_be_evaluated_is_no_silent_no(source: str) -> None:
    with pytest.raises(InvalidEvent) as refusal:
        Condition(source).holds(FAILED)
    assert refusal.value.code == "condition_not_evaluable"
    assert refusal.value.field == source


def test_values_become_what_cel_knows() -> None:
    content = {
        "day": date(2026, 3, 1),
        "at": datetime(2026, 3, 1, 9, tzinfo=UTC),
        "hour": time(9, 30),
        "money": Decimal("1.50"),
        "codes": ("a", "b"),
        "nothing": None,
    }
    assert condition_variables(content, None)["event"] == {
        "day": datetime(2026, 3, 1, tzinfo=UTC),
        "at": datetime(2026, 3, 1, 9, tzinfo=UTC),
        "hour": "09:30:00",
        "money": 1.5,
        "codes": ["a", "b"],
        "nothing": None,
    }


def test_an_unknown_customer_has_an_empty_profile() -> None:
    assert Condition("!has(profile.language)").holds(condition_variables({}, None))


def test_same_source_is_the_same_condition() -> None:
    assert Condition("event.a") == Condition("event.a") != Condition("event.b")
    assert len({Condition("event.a"), Condition("event.a")}) == 1
    assert repr(Condition("event.a")) == "Condition('event.a')"


def test_cost_is_printed() -> None:
    condition = Condition('event.reason_code == "insufficient_funds" && event.amount > 3000.0')
    assert condition.holds(FAILED)
    per_call = min(repeat(lambda: condition.holds(FAILED), number=1000, repeat=5)) / 1000
    print(f"condition: {per_call * 1e6:.1f} µs an evaluation")
