"""Customers: the table of suffixes, scenario files, and who goes before whom."""

from pathlib import Path

import pytest

from sandbox.customers import (
    BY_SUFFIX,
    ORDINARY,
    Customers,
    Pickup,
    Scenario,
    ScenarioError,
    load_scenario,
    nth,
)

SCENARIO = """
customers:
  - number: "+12025550143"
    sms: [{outcome: undelivered, error_code: 30003}, {}]
    voice: [{pickup: busy}, {pickup: answers, keys: ["2"]}]
  - suffix: "43"
    voice: [{pickup: machine}]
  - suffix: "0144"
    voice: [{pickup: failed}]
"""


@pytest.fixture
def customers(tmp_path: Path) -> Customers:
    path = tmp_path / "scenario.yaml"
    path.write_text(SCENARIO)
    return Customers(load_scenario(path))


def test_every_suffix_is_two_digits_and_stands_once() -> None:
    suffixes = [customer.suffix or "" for customer in BY_SUFFIX]
    assert len(set(suffixes)) == len(suffixes)
    assert {len(suffix) for suffix in suffixes} == {2}


def test_other_numbers_are_ordinary() -> None:
    assert Customers(Scenario()).who("+12025550143") is ORDINARY


def test_the_last_two_digits_decide() -> None:
    assert Customers(Scenario()).who("+447700900185").voice[0].pickup is Pickup.BUSY


@pytest.mark.parametrize(
    ("number", "pickup"),
    [
        ("+12025550143", Pickup.BUSY),
        ("+447700900143", Pickup.MACHINE),
        ("+12025550144", Pickup.FAILED),
        ("+12025550186", Pickup.NO_ANSWER),
    ],
)
def test_numbers_go_before_suffixes_and_scenarios_before_the_table(
    customers: Customers, number: str, pickup: Pickup
) -> None:
    assert customers.who(number).voice[0].pickup is pickup


def test_each_contact_meets_the_next_behaviour_and_the_last_repeats(customers: Customers) -> None:
    voice = customers.who("+12025550143").voice
    assert [nth(voice, contact).pickup for contact in range(3)] == [Pickup.BUSY, Pickup.ANSWERS, Pickup.ANSWERS]


@pytest.mark.parametrize(
    "text",
    [
        "customers: [{number: 12025550143}]",
        'customers: [{suffix: "1", voice: [{pickup: sings}]}]',
        'customers: [{suffix: "1", sms: []}]',
        'customers: [{suffix: "1", mood: good}]',
        "customers: [",
    ],
)
def test_a_wrong_scenario_is_refused_with_its_place(tmp_path: Path, text: str) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text(text)
    with pytest.raises(ScenarioError, match=r"scenario\.yaml"):
        load_scenario(path)


def test_an_absent_scenario_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError):
        load_scenario(tmp_path / "absent.yaml")
