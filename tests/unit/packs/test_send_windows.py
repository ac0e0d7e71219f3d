"""Send windows against a slow model that asks every minute, and tables of what daylight saving does to them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from common.packs.send_windows import (
    ALWAYS,
    AllowedHours,
    Span,
    allowed_hours,
    closes_at,
    is_allowed,
    next_allowed,
)

EVERY_DAY = range(7)
MINUTE = timedelta(minutes=1)
NINE_TO_HALF_PAST_EIGHT = allowed_hours([(EVERY_DAY, 9 * 60, 20 * 60 + 30)])


def minutes(clock: str) -> int:
    hour, minute = clock.split(":")
    return int(hour) * 60 + int(minute)


def daily(start: str, end: str, *pauses: tuple[str, str]) -> AllowedHours:
    return allowed_hours(
        [(EVERY_DAY, minutes(start), minutes(end))], [(minutes(begin), minutes(stop)) for begin, stop in pauses]
    )


@pytest.mark.parametrize(
    ("hours", "zone", "now", "expected"),
    [
        # inside, at the first minute, in the last second, at the end
        (daily("09:00", "20:30"), "Asia/Shanghai", "2026-03-01T12:34:56+08:00", "2026-03-01T12:34:56+08:00"),
        (daily("09:00", "20:30"), "Asia/Shanghai", "2026-03-01T09:00:00+08:00", "2026-03-01T09:00:00+08:00"),
        (daily("09:00", "20:30"), "Asia/Shanghai", "2026-03-01T20:29:59+08:00", "2026-03-01T20:29:59+08:00"),
        (daily("09:00", "20:30"), "Asia/Shanghai", "2026-03-01T20:30:00+08:00", "2026-03-02T09:00:00+08:00"),
        # before, and the leap day between
        (daily("09:00", "20:30"), "Asia/Shanghai", "2026-03-01T03:00:00+08:00", "2026-03-01T09:00:00+08:00"),
        (daily("09:00", "20:30"), "Asia/Shanghai", "2028-02-28T23:00:00+08:00", "2028-02-29T09:00:00+08:00"),
        (daily("09:00", "20:30"), "Asia/Shanghai", "2028-02-29T23:00:00+08:00", "2028-03-01T09:00:00+08:00"),
        # midday pause
        (
            daily("09:00", "20:30", ("12:00", "14:00")),
            "Asia/Shanghai",
            "2026-03-01T12:00+08:00",
            "2026-03-01T14:00+08:00",
        ),
        # clocks jump from 02:00 to 03:00: the window that opens in the gap opens when the gap ends
        (daily("02:30", "04:00"), "America/New_York", "2026-03-08T01:00-05:00", "2026-03-08T03:00-04:00"),
        # a window inside the gap is skipped that day
        (daily("02:10", "02:50"), "America/New_York", "2026-03-08T01:00-05:00", "2026-03-09T02:10-04:00"),
        # clocks fall from 02:00 to 01:00: the hour comes twice, the window is open in both
        (daily("01:00", "01:30"), "America/New_York", "2026-11-01T01:29-04:00", "2026-11-01T01:29-04:00"),
        (daily("01:00", "01:30"), "America/New_York", "2026-11-01T01:45-04:00", "2026-11-01T01:00-05:00"),
        (daily("00:00", "01:10"), "America/New_York", "2026-11-01T01:20-04:00", "2026-11-01T01:00-05:00"),
        # half an hour of daylight saving
        (daily("02:15", "06:00"), "Australia/Lord_Howe", "2026-10-04T01:00+10:30", "2026-10-04T02:30+11:00"),
        # Samoa had no Friday 30 December 2011
        (allowed_hours([([4], 540, 600)]), "Pacific/Apia", "2011-12-29T12:00-10:00", "2012-01-06T09:00+14:00"),
    ],
)
def test_next_allowed(hours: AllowedHours, zone: str, now: str, expected: str) -> None:
    found = next_allowed(hours, ZoneInfo(zone), datetime.fromisoformat(now))
    assert found == datetime.fromisoformat(expected)


def test_weekdays_have_their_own_hours() -> None:
    strict = allowed_hours([(range(6), 9 * 60, 20 * 60), ([6], 12 * 60, 20 * 60)])
    chicago = ZoneInfo("America/Chicago")
    saturday_night = datetime(2026, 6, 6, 21, tzinfo=chicago)
    assert next_allowed(strict, chicago, saturday_night) == datetime(2026, 6, 7, 12, tzinfo=chicago)


def test_always_never_waits_and_never_closes() -> None:
    now = datetime(2026, 1, 1, 3, tzinfo=UTC)
    assert next_allowed(ALWAYS, ZoneInfo("UTC"), now) is now
    assert closes_at(ALWAYS, ZoneInfo("UTC"), now) is None


def test_closing_is_the_end_of_the_span_or_now() -> None:
    shanghai = ZoneInfo("Asia/Shanghai")
    noon = datetime(2026, 3, 1, 12, tzinfo=shanghai)
    assert closes_at(NINE_TO_HALF_PAST_EIGHT, shanghai, noon) == datetime(2026, 3, 1, 20, 30, tzinfo=shanghai)
    night = datetime(2026, 3, 1, 23, tzinfo=shanghai)
    assert closes_at(NINE_TO_HALF_PAST_EIGHT, shanghai, night) == night


def test_touching_spans_are_one_and_pauses_may_eat_them() -> None:
    assert allowed_hours([(EVERY_DAY, 0, 720), (EVERY_DAY, 720, 1440)]).always
    with pytest.raises(ValueError, match="no moment"):
        allowed_hours([(EVERY_DAY, 720, 780)], [(700, 800)])


def test_hours_that_never_come_are_refused_rather_than_searched_for_ever() -> None:
    never = AllowedHours(((),) * 7)
    with pytest.raises(ValueError, match="no allowed moment within 35 days in UTC"):
        next_allowed(never, ZoneInfo("UTC"), datetime(2026, 1, 1, tzinfo=UTC))


spans = st.tuples(st.integers(0, 1439), st.integers(1, 1440)).map(sorted).filter(lambda span: span[0] < span[1])
weekly = st.lists(
    st.tuples(st.sets(st.integers(0, 6), min_size=1), spans).map(lambda it: (sorted(it[0]), it[1][0], it[1][1])),
    min_size=1,
    max_size=4,
)
pauses = st.lists(spans.map(tuple), max_size=2)

# Zones with every kind of surprise, and moments a day around their transitions.
TRANSITIONS = [
    ("Asia/Shanghai", datetime(2026, 2, 28, 16, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 3, 8, 7, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 11, 1, 6, tzinfo=UTC)),
    ("Europe/London", datetime(2028, 3, 26, 1, tzinfo=UTC)),
    ("Europe/London", datetime(2028, 10, 29, 1, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 15, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
    ("Antarctica/Troll", datetime(2026, 3, 29, 1, tzinfo=UTC)),  # two hours
    ("America/Sao_Paulo", datetime(2018, 11, 4, 3, tzinfo=UTC)),  # at midnight
    ("Africa/Casablanca", datetime(2026, 3, 22, 2, tzinfo=UTC)),  # the other way round
    ("Pacific/Apia", datetime(2011, 12, 30, 10, tzinfo=UTC)),  # a whole day
    ("Asia/Kathmandu", datetime(2028, 2, 29, 12, tzinfo=UTC)),
]
moments = st.tuples(st.sampled_from(TRANSITIONS), st.integers(-2 * 86_400, 2 * 86_400)).map(
    lambda it: (ZoneInfo(it[0][0]), it[0][1] + timedelta(seconds=it[1]))
)


def model_allows(
    weekly_spans: list[tuple[list[int], int, int]], daily_pauses: list[Span], zone: ZoneInfo, moment: datetime
) -> bool:
    local = moment.astimezone(zone)
    minute = local.hour * 60 + local.minute
    opened = any(local.weekday() in days and start <= minute < end for days, start, end in weekly_spans)
    return opened and not any(start <= minute < end for start, end in daily_pauses)


def model_next(
    weekly_spans: list[tuple[list[int], int, int]], daily_pauses: list[Span], zone: ZoneInfo, now: datetime
) -> datetime | None:
    """Asks now and then each full minute of two weeks and a day."""
    if model_allows(weekly_spans, daily_pauses, zone, now):
        return now
    minute = now.replace(second=0, microsecond=0)
    for _ in range(15 * 24 * 60):
        minute += MINUTE
        if model_allows(weekly_spans, daily_pauses, zone, minute):
            return minute
    return None


@settings(deadline=None, max_examples=150)
@given(weekly, pauses, moments)
@example([([6], 120, 180)], [], (ZoneInfo("America/New_York"), datetime(2026, 3, 2, tzinfo=UTC)))
def test_next_allowed_is_what_asking_every_minute_finds(
    weekly_spans: list[tuple[list[int], int, int]], daily_pauses: list[Span], at: tuple[ZoneInfo, datetime]
) -> None:
    zone, now = at
    expected = model_next(weekly_spans, daily_pauses, zone, now)
    if expected is None:
        with pytest.raises(ValueError, match="no "):
            next_allowed(allowed_hours(weekly_spans, daily_pauses), zone, now)
    else:
        assert next_allowed(allowed_hours(weekly_spans, daily_pauses), zone, now) == expected


@settings(deadline=None)
@given(weekly, moments, st.timedeltas(timedelta(), timedelta(days=3)))
def test_next_allowed_is_allowed_idempotent_and_monotone(
    weekly_spans: list[tuple[list[int], int, int]], at: tuple[ZoneInfo, datetime], later: timedelta
) -> None:
    (zone, now), hours = at, allowed_hours(weekly_spans)
    found = next_allowed(hours, zone, now)
    assert found >= now
    assert is_allowed(hours, zone, found)
    assert next_allowed(hours, zone, found) == found
    assert next_allowed(hours, zone, now + later) >= found


@settings(deadline=None)
@given(weekly, moments)
def test_it_closes_at_the_first_moment_that_is_not_allowed(
    weekly_spans: list[tuple[list[int], int, int]], at: tuple[ZoneInfo, datetime]
) -> None:
    (zone, now), hours = at, allowed_hours(weekly_spans)
    closing = closes_at(hours, zone, next_allowed(hours, zone, now))
    assert closing is None or not is_allowed(hours, zone, closing)
    assert closing is None or is_allowed(hours, zone, closing - timedelta(seconds=1))
