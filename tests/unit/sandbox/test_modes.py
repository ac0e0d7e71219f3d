"""Modes: the dice are seeded, a mode that is off disturbs none, and wrong modes change nothing."""

import pytest
from pydantic import ValidationError

from sandbox.modes import Faults, Modes


def throws(faults: Faults, count: int = 200) -> list[bool]:
    return [faults.happens(0.3) for _ in range(count)]


def test_the_same_seed_throws_the_same() -> None:
    assert throws(Faults(Modes(seed=7))) == throws(Faults(Modes(seed=7)))
    assert throws(Faults(Modes(seed=7))) != throws(Faults(Modes(seed=8)))


def test_switching_starts_the_dice_again() -> None:
    faults = Faults(Modes(seed=7))
    first = throws(faults)
    faults.switch({"lying": 0.5})
    assert throws(faults) == first


def test_what_cannot_happen_does_not_move_the_dice() -> None:
    faults = Faults(Modes(seed=7))
    assert not any(faults.happens(0.0) for _ in range(10))
    assert throws(faults) == throws(Faults(Modes(seed=7)))


def test_probabilities_are_about_kept() -> None:
    assert 40 <= sum(throws(Faults(Modes()))) <= 80


@pytest.mark.parametrize("changes", [{"flaky": 1.5}, {"flaky": -0.1}, {"flakey": 0.5}, {"slow_seconds": "long"}])
def test_a_wrong_mode_is_refused_and_changes_nothing(changes: dict[str, object]) -> None:
    faults = Faults(Modes(lying=0.25))
    with pytest.raises(ValidationError):
        faults.switch(changes)
    assert faults.modes == Modes(lying=0.25)


def test_switching_keeps_the_modes_that_are_not_named() -> None:
    faults = Faults(Modes(lying=0.25))
    assert faults.switch({"flaky": 0.5}) == Modes(lying=0.25, flaky=0.5)


def test_the_rate_limit_lets_through_its_rate() -> None:
    faults = Faults(Modes())
    faults.switch({"rate_limit_per_second": 10})
    within_ten_seconds = [faults.over_rate(100.0 + tick / 100) for tick in range(1000)]
    assert within_ten_seconds.count(False) == pytest.approx(110, abs=2)  # ten a second and the first bucket


def test_without_a_rate_limit_everything_passes() -> None:
    assert not any(Faults(Modes()).over_rate(0.0) for _ in range(1000))


def test_server_errors_are_those_of_the_carrier() -> None:
    faults = Faults(Modes(flaky=1.0))
    assert {faults.server_error() for _ in range(50)} == {500, 503}
    assert Faults(Modes()).server_error() is None
