"""What is known of an attempt: every transition, and two laws that hold whatever happens in whatever order."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.kernel import attempts
from common.kernel.attempts import NEVER_PROCESSED, OPEN, Attempt, AttemptState, AttemptTiming
from common.kernel.decision import Moment
from tests.support.virtual_time import START

TIMING = AttemptTiming()
SECOND = timedelta(seconds=1)
R, U, A, X, F, N = AttemptState


def attempt(state: AttemptState = R) -> Attempt:
    return replace(attempts.reserve("n-1/1", "twilio", "hash", Moment(START, START), TIMING), state=state)


# event                 RESERVED UNKNOWN ACCEPTED REFUSED FAILED NEVER_SENT
TABLE = {
    "accepted": (A, A, A, A, A, A),
    "refused": (X, U, A, X, F, N),
    "failed": (F, F, A, X, F, N),
    "unknown": (U, U, A, X, F, N),
    "looking_up": (U, U, A, X, F, N),
    "not_found_early": (R, U, A, X, F, N),
    "not_found_late": (R, N, A, X, F, N),
}


EVENTS_OF: dict[str, Callable[[Attempt], Attempt]] = {
    "accepted": lambda known: attempts.accepted(known, "SM-2"),
    "refused": attempts.refused,
    "failed": attempts.failed,
    "unknown": lambda known: attempts.unknown(known, START + SECOND),
    "looking_up": lambda known: attempts.looking_up(known, START + SECOND, TIMING),
    "not_found_early": lambda known: not_found(known, known.certain_from - SECOND),
    "not_found_late": lambda known: not_found(known, known.certain_from),
}


def not_found(known: Attempt, asked_at: datetime) -> Attempt:
    return attempts.not_found(known, asked_at, asked_at + SECOND, TIMING)


def after(event: str, known: Attempt) -> Attempt:
    return EVENTS_OF[event](known)


@pytest.mark.parametrize("event", TABLE)
@pytest.mark.parametrize("state", AttemptState)
def test_every_event_in_every_state(event: str, state: AttemptState) -> None:
    expected = TABLE[event][list(AttemptState).index(state)]
    assert after(event, attempt(state)).state is expected


EVENTS = st.lists(st.sampled_from(list(TABLE)), max_size=12)


@given(before=EVENTS, later=EVENTS)
def test_once_the_provider_is_known_to_have_it_nothing_undoes_it(before: list[str], later: list[str]) -> None:
    known = attempt()
    for event in [*before, "accepted", *later]:
        known = after(event, known)
    assert known.state is A
    assert known.provider_sid == "SM-2"


@given(
    looks=st.lists(st.tuples(st.integers(0, 200), st.integers(0, 60)), max_size=12),
    doubtful=st.booleans(),
)
def test_only_a_look_begun_after_the_settle_time_proves_that_it_was_never_sent(
    looks: list[tuple[int, int]], doubtful: bool
) -> None:
    known = attempts.reserve("n-1/1", "twilio", "hash", Moment(START, START), TIMING, doubtful=doubtful)
    known = attempts.unknown(known, START)
    for asked_after, took in looks:
        asked_at = START + asked_after * SECOND
        known = attempts.not_found(known, asked_at, asked_at + took * SECOND, TIMING)
    certain = TIMING.start_within + TIMING.deadline + TIMING.settle
    assert (known.state is N) == any(asked * SECOND >= certain for asked, _ in looks)


@given(EVENTS)
def test_an_open_attempt_has_a_clock_and_a_closed_one_has_none(events: list[str]) -> None:
    known = attempt()
    for event in events:
        known = after(event, known)
    assert (attempts.clock(known) is not None) == (known.state in OPEN) == known.open


class TestReservation:
    def test_an_undoubted_one_may_be_called_until_its_fence(self) -> None:
        known = attempts.reserve("n-1/1", "twilio", "hash", Moment(START, START - SECOND), TIMING)
        assert known.state is R
        assert known.reserved_at == START
        assert known.act_before == START + TIMING.start_within
        assert known.check_at == START + TIMING.window
        assert known.certain_from == START + TIMING.window + TIMING.settle

    @pytest.mark.parametrize(
        ("moment", "doubtful"),
        [
            (Moment(START, START - SECOND, doubt_until=START), False),
            (Moment(START, START, doubt_until=START), False),
            (Moment(START, START, healed=True), False),
            (Moment(START, START), True),
        ],
    )
    def test_one_in_doubt_is_looked_up_before_anything_is_called(self, moment: Moment, doubtful: bool) -> None:
        known = attempts.reserve("n-1/1", "twilio", "hash", moment, TIMING, doubtful=doubtful)
        assert known.state is U
        assert known.check_at == START
        assert known.reserved_at == moment.since

    def test_work_younger_than_the_doubt_is_not_in_doubt(self) -> None:
        assert not Moment(START, START, doubt_until=START - SECOND).in_doubt


class TestLookingUp:
    def test_the_next_look_waits_for_this_one_to_end(self) -> None:
        known = attempts.looking_up(attempt(U), START, TIMING)
        assert known.check_at == START + TIMING.deadline + TIMING.check_every

    def test_an_early_look_is_repeated_soon_and_once_more_when_it_proves_something(self) -> None:
        known = attempt(U)
        soon = attempts.not_found(known, START, START + SECOND, TIMING)
        assert soon.check_at == START + SECOND + TIMING.check_every
        almost = known.certain_from - 2 * SECOND
        assert attempts.not_found(known, almost, almost + SECOND, TIMING).check_at == known.certain_from

    def test_the_first_provider_id_learnt_stays(self) -> None:
        known = attempts.accepted(attempts.accepted(attempt(), "SM-1"), "SM-2")
        assert known.provider_sid == "SM-1"


def test_refused_and_never_sent_ones_may_be_tried_again() -> None:
    assert {X, N} == NEVER_PROCESSED
