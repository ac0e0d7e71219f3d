"""When a customer may be contacted: allowed hours in the called party's own zone, and the next allowed moment.

A moment is allowed when the wall clock in the zone shows a time inside the hours of that weekday. So what daylight
saving skips is never allowed, and what it repeats is allowed twice.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

DAY_MINUTES = 24 * 60
WEEK = 7

# Weekly hours can fall into a skipped hour or a skipped day once, hardly five weeks in a row.
SEARCH_LIMIT = timedelta(days=35)
# Offsets are compared at this distance; no zone changes its offset twice within it.
OFFSET_STEP = timedelta(hours=6)

Span = tuple[int, int]


@dataclass(frozen=True)
class AllowedHours:
    """For each weekday (Monday first) the allowed spans in minutes since local midnight, start included, end not."""

    week: tuple[tuple[Span, ...], ...]

    @property
    def always(self) -> bool:
        """Whether every moment is allowed."""
        return all(day == ((0, DAY_MINUTES),) for day in self.week)

    def allows(self, local: datetime) -> bool:
        """Whether the wall clock time `local` lies inside."""
        minute = local.hour * 60 + local.minute
        return any(start <= minute < end for start, end in self.week[local.weekday()])

    def complement(self) -> "AllowedHours":
        """The hours in which contact is not allowed."""
        return AllowedHours(tuple(tuple(_gaps(day)) for day in self.week))


ALWAYS = AllowedHours((((0, DAY_MINUTES),),) * WEEK)


def allowed_hours(spans: Iterable[tuple[Iterable[int], int, int]], pauses: Iterable[Span] = ()) -> AllowedHours:
    """Hours from (weekdays, start, end) in minutes, less the daily pauses. Touching and overlapping spans are joined.

    Raises:
        ValueError: nothing is left on any day.
    """
    days: list[list[Span]] = [[] for _ in range(WEEK)]
    for weekdays, start, end in spans:
        for weekday in weekdays:
            days[weekday].append((start, end))
    closed = tuple(pauses)
    week = tuple(tuple(_gaps([*_gaps(_joined(day)), *closed])) for day in days)
    if not any(week):
        raise ValueError("no moment of the week is allowed")
    return AllowedHours(week)


def _joined(spans: Iterable[Span]) -> list[Span]:
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _gaps(spans: Iterable[Span]) -> Iterator[Span]:
    edges = [(0, 0), *_joined(spans), (DAY_MINUTES, DAY_MINUTES)]
    return ((end, start) for (_, end), (start, _) in pairwise(edges) if end < start)


def is_allowed(hours: AllowedHours, zone: ZoneInfo, moment: datetime) -> bool:
    """Whether `moment` (aware) may be used for contact in `zone`."""
    return hours.always or hours.allows(moment.astimezone(zone))


def next_allowed(hours: AllowedHours, zone: ZoneInfo, now: datetime) -> datetime:
    """The first moment at or after `now` that is allowed; `now` itself, unchanged, when it is.

    Raises:
        ValueError: no allowed moment within five weeks.
    """
    if is_allowed(hours, zone, now):
        return now
    start = now.astimezone(UTC)
    for begin, end, offset in _constant_offsets(zone, start, start + SEARCH_LIMIT):
        opening = _first_opening(hours, begin + offset, end + offset)
        if opening is not None:
            return opening - offset
    raise ValueError(f"no allowed moment within {SEARCH_LIMIT.days} days in {zone.key}")


def closes_at(hours: AllowedHours, zone: ZoneInfo, now: datetime) -> datetime | None:
    """The first moment at or after `now` that is not allowed; None when every moment is."""
    return None if hours.always else next_allowed(hours.complement(), zone, now)


def _constant_offsets(
    zone: ZoneInfo, start: datetime, limit: datetime
) -> Iterator[tuple[datetime, datetime, timedelta]]:
    """Cuts [start, limit) in UTC into stretches (begin, end, offset) over which the zone keeps one offset."""
    begin = start
    while begin < limit:
        end, offset = min(begin + OFFSET_STEP, limit), _offset(zone, begin)
        if _offset(zone, end) != offset:
            end = _transition(zone, begin, end)
        yield begin, end, offset
        begin = end


def _offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()


def _transition(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """The second at which the offset becomes that of `after`, by bisection."""
    low, high, target = int(before.timestamp()), int(after.timestamp()), _offset(zone, after)
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(zone, datetime.fromtimestamp(middle, UTC)) == target:
            high = middle
        else:
            low = middle
    return datetime.fromtimestamp(high, UTC)


def _first_opening(hours: AllowedHours, begin: datetime, end: datetime) -> datetime | None:
    """The first allowed wall clock time in [begin, end), the clock running evenly between them."""
    if hours.allows(begin):
        return begin
    midnight = begin.replace(hour=0, minute=0, second=0, microsecond=0)
    while midnight < end:
        for start, _ in hours.week[midnight.weekday()]:
            opening = midnight + timedelta(minutes=start)
            if begin <= opening < end:
                return opening
        midnight += timedelta(days=1)
    return None
