"""At send time everything is decided again."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from common.kernel.attempts import AttemptState
from services.notifier.domain.effects import FetchSms, FindSms, SendSms
from services.notifier.domain.model import NotifierState, Profile, Status
from tests.unit.notifier.stage import MARIA, NOON, TIMING, Stage, failed, paid


def with_message(profile: Profile = MARIA, now: datetime = NOON) -> Stage:
    stage = Stage(NotifierState("c-1", profile=profile), now=now)
    stage.fact(replace(failed(), happened_at=now, since=now))
    return stage


def test_a_message_is_reserved_before_it_is_asked_for() -> None:
    stage = with_message()
    (effect,) = stage.ring()
    assert isinstance(effect, SendSms)
    assert effect.to == MARIA.phone_number
    assert "Maria Example" in effect.text
    attempt = stage.only.attempt
    assert attempt is not None
    assert (attempt.attempt_id, attempt.state) == (effect.attempt_id, AttemptState.RESERVED)
    assert stage.types[-1] == "notification.attempt_reserved"


@pytest.mark.parametrize(
    ("now", "until"),
    [
        (datetime(2026, 3, 2, 3, 0, tzinfo=UTC), datetime(2026, 3, 2, 8, 0, tzinfo=UTC)),
        (datetime(2026, 3, 2, 23, 0, tzinfo=UTC), datetime(2026, 3, 3, 8, 0, tzinfo=UTC)),
    ],
)
def test_in_quiet_hours_it_is_held_until_morning(now: datetime, until: datetime) -> None:
    stage = with_message(now=now)
    assert stage.ring() == []
    assert stage.types[-1] == "notification.held"
    assert stage.only.act_at == until
    stage.now = until
    assert len(stage.ring()) == 1


def test_it_is_not_reserved_when_it_might_leave_after_closing_time() -> None:
    closing = datetime(2026, 3, 2, 21, 0, tzinfo=UTC)
    stage = with_message(now=closing - timedelta(seconds=2))
    assert stage.ring() == []
    assert stage.types[-1] == "notification.held"


def test_quiet_hours_follow_the_customers_zone_over_the_change_to_summer_time() -> None:
    # 2026-03-29 01:00 UTC: London goes from 00:59 GMT to 02:00 BST, so 09:00 local, when Sunday begins, is 08:00 UTC
    profile = replace(MARIA, time_zone="Europe/London", jurisdiction="UK")
    stage = with_message(profile, now=datetime(2026, 3, 29, 0, 30, tzinfo=UTC))
    stage.ring()
    assert stage.only.act_at == datetime(2026, 3, 29, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("profile", "rule_id"),
    [
        (replace(MARIA, phone_number=None), "profile.no_mobile_number"),
        (replace(MARIA, consent={"service": False}), "consent.refused"),
        (replace(MARIA, jurisdiction="ZZ"), "unknown_jurisdiction"),
    ],
)
def test_it_is_suppressed_with_the_rule_that_forbids_it(profile: Profile, rule_id: str) -> None:
    stage = with_message(profile)
    assert stage.ring() == []
    (suppressed,) = [fact for fact in stage.told if fact.TYPE == "notification.suppressed.v1"]
    assert suppressed.decision is not None
    assert suppressed.decision.rule_id == rule_id


def test_a_message_that_would_arrive_after_its_use_is_dropped() -> None:
    stage = with_message()
    stage.later(days=3)
    assert stage.ring() == []
    assert stage.status() is Status.EXPIRED


def test_a_payment_between_planning_and_sending_stops_it() -> None:
    stage = with_message()
    stage.fact(paid(at=NOON + timedelta(seconds=1)))
    stage.later(seconds=2)
    assert stage.ring() == []


def test_work_in_doubt_is_looked_up_before_it_is_sent() -> None:
    stage = with_message()
    stage.doubt_until = NOON + timedelta(seconds=1)
    stage.later(seconds=2)
    assert stage.ring() == []
    assert stage.types[-2:] == ["notification.attempt_reserved", "notification.outcome_unknown"]
    (effect,) = stage.ring()
    assert isinstance(effect, FindSms)


def test_an_attempt_without_result_is_looked_up_after_its_window() -> None:
    stage = with_message()
    stage.ring()
    stage.later(seconds=1)
    assert stage.ring() == []
    stage.now = NOON + TIMING.window
    (effect,) = stage.ring()
    assert isinstance(effect, FindSms)
    assert effect.since <= NOON
    assert stage.types[-1] == "notification.outcome_unknown"


def test_a_missing_receipt_is_asked_for_ever_more_seldom_and_given_up_after_72_hours() -> None:
    stage = with_message()
    stage.ring()
    stage.receipt("queued")
    asked: list[timedelta] = []
    while stage.only.clock is not None:
        stage.now = stage.only.clock
        asked += [stage.now - NOON for effect in stage.ring() if isinstance(effect, FetchSms)]
    assert asked[0] == timedelta(minutes=10)
    assert asked == sorted(asked)
    assert len(asked) < 10
    assert stage.status() is Status.EXPIRED
    assert stage.now - NOON == timedelta(hours=72)
