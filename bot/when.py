"""When: a span of time as somebody said it, and the window that it is for who asks."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from audit.filter import Window
from bot.said_spans import read_span
from bot.spans import MONTHS, PARTS, WEEKDAYS, Day, Moment, Span, length_text

LONGEST_SPAN = timedelta(days=7)
#: How far back a window may begin.
REACH = timedelta(days=30)
#: "around 14:05" is this much before and after.
AROUND = timedelta(minutes=15)
_DAY = timedelta(days=1)
_WEEK = timedelta(weeks=1)
_TODAY = Day(text="today")
#: Both edges by the clock on the asker's wall, without a zone.
_Edges = tuple[datetime, datetime]


class OutOfReach(ValueError):
    """The time that was said cannot be asked for. `reason` is one sentence that says what to write instead."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, kw_only=True)
class When:
    """A span of time as it was understood; equal for equal meanings."""

    #: As the grammar writes it: "last 1h", "yesterday afternoon", "between 09:00 and 09:30".
    text: str

    def window(
        self, now: datetime, zone: ZoneInfo, longest: timedelta = LONGEST_SPAN, reach: timedelta = REACH
    ) -> Window:
        """Return the window that it is at `now` in the asker's zone, in UTC. None ends after `now`.

        A time of day without a day is the last one that has begun; a weekday is the last one before today, and
        since a weekday may be since today; a week begins on Monday. Where the clock is put forward or back, the window has all that the words may mean.
        Raises OutOfReach: it begins after `now` or more than `reach` ago, it is longer than `longest` (of whole
        days an hour more, where the clock is put back), or `text` is no time.
        """
        words = self.text.lower().split()
        read = read_span(words)
        if read is None or read[1] != len(words):
            raise OutOfReach(
                "That is no time that I know; write last 90m, yesterday, or between 09:00 and 09:30."
            )
        return _window(read[0], now.astimezone(UTC), zone, longest, reach)


DEFAULT = When(text="last 1h")


def _window(span: Span, now: datetime, zone: ZoneInfo, longest: timedelta, reach: timedelta) -> Window:
    if span.last is not None:
        _refuse(span.last, span.last, longest, reach)
        return Window(start=now - span.last, end=now)
    zone = ZoneInfo("UTC") if span.is_utc else zone
    wall = now.astimezone(zone).replace(tzinfo=None)
    start, end = _edges(span, wall)
    if start > wall:
        raise OutOfReach("That time is still to come; write last 1h, today, or a time that is over.")
    if end < start or (span.end and end == start):
        raise OutOfReach(
            "That time ends before it begins; write the earlier one first, if need be with its date."
        )
    end = min(end, wall)
    _refuse(end - start, wall - start, longest, reach)
    # The clock may show `wall` a second time, an hour from now.
    return Window(
        start=min(_earliest(start, zone), now), end=now if end == wall else min(_latest(end, zone), now)
    )


def _refuse(length: timedelta, ago: timedelta, longest: timedelta, reach: timedelta) -> None:
    """Raise OutOfReach for what is longer than `longest`, or begins longer ago than `reach`."""
    nearer = length_text(min(longest, reach))
    if ago > reach:
        raise OutOfReach(f"I look back {_long(reach)} at most; write a nearer time, such as last {nearer}.")
    if length > longest:
        raise OutOfReach(
            f"I ask for {_long(longest)} at once at most; write last {nearer}, or between two nearer times."
        )


def _long(length: timedelta) -> str:
    days = length // _DAY
    return f"{days} days" if days > 1 else f"{length // timedelta(hours=1)} hours"


def _earliest(wall: datetime, zone: ZoneInfo) -> datetime:
    """Return the first instant that a clock on the wall may mean: it shows some times twice and some never.

    https://peps.python.org/pep-0495/
    """
    return min(wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))


def _latest(wall: datetime, zone: ZoneInfo) -> datetime:
    return max(wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))


def _edges(span: Span, wall: datetime) -> _Edges:
    if span.start and span.end:
        return _between(span.start, span.end, wall)
    if span.start:
        return _since(span.start, wall), wall
    if span.around:
        middle = _instant(span.around, wall)
        # What begins at 00:05 is around the midnight before it.
        return middle - AROUND, middle + AROUND
    if span.whole and span.whole.day:
        return _whole(span.whole.day, span.whole.part, wall)
    monday = _midnight(wall.date()) - wall.weekday() * _DAY
    if span.since_week is not None:
        return monday - span.since_week * _WEEK, wall
    return (monday - _WEEK, monday) if span.week else (monday, wall)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(0))


def _whole(day: Day, part: str, wall: datetime) -> _Edges:
    start = _midnight(_date(day, wall.date()))
    first, last = PARTS.get(part, (0, 24))
    return start + first * timedelta(hours=1), start + last * timedelta(hours=1)


def _since(start: Moment, wall: datetime) -> datetime:
    """On a Monday "since monday" begins today, where that time has come: a week ago nobody means."""
    is_today = start.day is not None and start.day.text == WEEKDAYS[wall.weekday()]
    if is_today and (begun := _begin(replace(start, day=_TODAY), wall)) <= wall:
        return begun
    return _begin(start, wall)


def _begin(start: Moment, wall: datetime) -> datetime:
    if start.day and not start.clock:
        return _whole(start.day, start.part, wall)[0]
    return _instant(start, wall)


def _instant(moment: Moment, wall: datetime) -> datetime:
    """Return a time of day on its day, or the last such time that is not to come."""
    clock = moment.clock or time(0)
    if moment.day:
        return datetime.combine(_date(moment.day, wall.date()), clock)
    today = datetime.combine(wall.date(), clock)
    return today if today <= wall else today - _DAY


def _between(start: Moment, end: Moment, wall: datetime) -> _Edges:
    first = _instant(start, wall)
    if end.clock is None and end.day:
        return first, _whole(end.day, "", wall)[1]
    clock = end.clock or time(0)
    last = datetime.combine(_date(end.day, wall.date()) if end.day else first.date(), clock)
    # "between 23:00 and 01:00 yesterday" ends on the day after.
    return first, (last + _DAY if last <= first and start.day == end.day else last)


def _date(day: Day, today: date) -> date:
    """Return the last day of that name that is not to come; of a weekday, the last one before today."""
    if day.on:
        return day.on
    if day.each_year:
        return _last_of_year(*day.each_year, today)
    if day.text in WEEKDAYS:
        return today - ((today.weekday() - WEEKDAYS.index(day.text) - 1) % 7 + 1) * _DAY
    return today - _DAY if day.text == "yesterday" else today


def _last_of_year(month: int, day: int, today: date) -> date:
    """Return the last such day that is not to come; 29 February is up to eight years ago."""
    for year in range(today.year, today.year - 9, -1):
        with suppress(ValueError):
            found = date(year, month, day)
            if found <= today:
                return found
    raise OutOfReach(f"{MONTHS[month - 1].title()} {day} is too long ago; write last 7d.")
