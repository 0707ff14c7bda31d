"""Days, times of day and lengths, read from words: a closed grammar, see docs/adr/0006-times-in-the-chat.md."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, time, timedelta

from bot.spans import MONTHS, PARTS, TODAY, WEEKDAYS, YESTERDAY, Day, Moment

Words = Sequence[str]

UNITS: Mapping[str, timedelta] = {
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), timedelta(minutes=1)),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), timedelta(hours=1)),
    **dict.fromkeys(("d", "day", "days"), timedelta(days=1)),
    **dict.fromkeys(("w", "wk", "wks", "week", "weeks"), timedelta(weeks=1)),
}
SHORT_DAYS = {**{day: day for day in WEEKDAYS}, **{day[:3]: day for day in WEEKDAYS}}
SHORT_DAYS |= {"tues": "tuesday", "wednes": "wednesday", "thur": "thursday", "thurs": "thursday"}
_SHORT_MONTHS = {name: at for at, full in enumerate(MONTHS, 1) for name in (full, full[:3])} | {"sept": 9}
_CLOCKS = {"noon": time(12), "midday": time(12), "midnight": time(0)}

_HOUR = r"(?P<hour>\d{1,2})"
_CLOCK = re.compile(_HOUR + r"(?::(?P<minute>\d\d)(?::(?P<second>\d\d))?)?(?P<half>am|pm)?", re.ASCII)
_DATE = re.compile(r"(?P<year>20\d\d)-(?P<month>\d\d)-(?P<day>\d\d)", re.ASCII)
_INSTANT = re.compile(
    r"(?P<date>20\d\d-\d\d-\d\d)t(?P<clock>\d\d:\d\d(?::\d\d)?)(?:\.\d{1,9})?(?P<utc>z?)", re.ASCII
)
_ORDINAL = re.compile(r"(?P<day>\d{1,2})(?:st|nd|rd|th)?", re.ASCII)
_PIECE = re.compile(r"(?P<count>\d{1,6})(?P<unit>[a-z]{1,7})", re.ASCII)
#: "1 week 2 days 3 hours 4 minutes" are eight words.
_MOST_PIECES = 8
_COUNT = re.compile(r"\d{1,6}", re.ASCII)
_YEAR = re.compile(r"20\d\d", re.ASCII)


def word_at(words: Words, at: int) -> str:
    return words[at] if at < len(words) else ""


def past(words: Words, at: int, *skipped: str) -> int:
    """Return the index after one of these words, if it is there."""
    return at + 1 if word_at(words, at) in skipped else at


def read_length(words: Words, at: int) -> tuple[timedelta, int] | None:
    """Read "1h", "90 minutes", "1h30m", "an hour", "half an hour"; None for what is no length, and for none at all."""
    word = word_at(words, at)
    if word == "half" and list(words[at + 1 : at + 3]) in (["an", "hour"], ["a", "day"]):
        return UNITS[words[at + 2]] / 2, at + 3
    if word in {"a", "an", "one"} and word_at(words, at + 1) in UNITS and len(words[at + 1]) > 1:
        return UNITS[words[at + 1]], at + 2
    total, here = timedelta(), at
    while here - at < _MOST_PIECES and (piece := _piece(words, here)):
        total, here = total + piece[0], piece[1]
    return (total, here) if total else None


def _piece(words: Words, at: int) -> tuple[timedelta, int] | None:
    """Read one count with its unit, or several that are written as one word."""
    word = word_at(words, at)
    if _COUNT.fullmatch(word):
        unit = UNITS.get(word_at(words, at + 1))
        return (int(word) * unit, at + 2) if unit else None
    pieces = list(_PIECE.finditer(word[:40]))
    if not pieces or "".join(piece[0] for piece in pieces) != word:
        return None
    if any(piece["unit"] not in UNITS for piece in pieces):
        return None
    return sum((int(piece["count"]) * UNITS[piece["unit"]] for piece in pieces), timedelta()), at + 1


def read_moment(words: Words, at: int, *, is_range: bool = False) -> tuple[Moment, int] | None:
    """Read a day, a time of day, or both in either order. Only in a range is "9" a time of day."""
    instant = _INSTANT.fullmatch(word_at(words, at))
    if instant:
        return _instant(instant, at)
    at = past(words, at, "the")
    if word_at(words, at) == "this" and word_at(words, at + 1) in PARTS:
        return Moment(day=TODAY, part=words[at + 1]), at + 2
    if word_at(words, at) == "last" and word_at(words, at + 1) == "night":
        return Moment(day=YESTERDAY, part="night"), at + 2
    day = read_day(words, past(words, at, "on"))
    return _after_day(words, day[0], day[1]) if day else _after_clock(words, at, is_range=is_range)


def _instant(found: re.Match[str], at: int) -> tuple[Moment, int] | None:
    day, clock = read_day((found["date"],), 0), read_clock((found["clock"],), 0)
    return (Moment(day=day[0], clock=clock[0], is_utc=bool(found["utc"])), at + 1) if day and clock else None


def _after_day(words: Words, day: Day, at: int) -> tuple[Moment, int]:
    part = past(words, at, "in") if word_at(words, at + 1) == "the" else at
    part = past(words, part, "the")
    if word_at(words, part) in PARTS:
        return Moment(day=day, part=words[part]), part + 1
    clock = read_clock(words, past(words, at, "at"))
    return (Moment(day=day, clock=clock[0]), clock[1]) if clock else (Moment(day=day), at)


def _after_clock(words: Words, at: int, *, is_range: bool) -> tuple[Moment, int] | None:
    clock = read_clock(words, past(words, at, "at"), is_range=is_range)
    if clock is None:
        return None
    day = read_day(words, past(words, clock[1], "on"))
    return (Moment(day=day[0], clock=clock[0]), day[1]) if day else (Moment(clock=clock[0]), clock[1])


def read_clock(words: Words, at: int, *, is_range: bool = False) -> tuple[time, int] | None:
    word = word_at(words, at)
    if word in _CLOCKS:
        return _CLOCKS[word], at + 1
    found = _CLOCK.fullmatch(word)
    if found is None:
        return None
    half, after = found["half"], at + 1
    if not half and word_at(words, after) in {"am", "pm"}:
        half, after = words[after], after + 1
    if not half and not found["minute"] and not is_range:
        return None
    hour = _hour(int(found["hour"]), half or "")
    minute, second = int(found["minute"] or 0), int(found["second"] or 0)
    is_one = hour is not None and minute < 60 and second < 60  # noqa: PLR2004 - a clock
    return (time(hour or 0, minute, second), after) if is_one else None


def _hour(hour: int, half: str) -> int | None:
    if not half:
        return hour if hour < 24 else None  # noqa: PLR2004 - a clock
    if not 1 <= hour <= 12:  # noqa: PLR2004 - a clock
        return None
    return hour % 12 + (12 if half == "pm" else 0)


def read_day(words: Words, at: int) -> tuple[Day, int] | None:
    word = word_at(words, at)
    if word in {"today", "yesterday"}:
        return Day(text=word), at + 1
    if word in SHORT_DAYS:
        return Day(text=SHORT_DAYS[word]), at + 1
    found = _DATE.fullmatch(word)
    if found:
        return _dated(int(found["year"]), int(found["month"]), int(found["day"]), at + 1)
    one, other = word, word_at(words, at + 1)
    if one in _SHORT_MONTHS:
        one, other = other, one
    day = _ORDINAL.fullmatch(one)
    if day is None or other not in _SHORT_MONTHS:
        return None
    year = word_at(words, at + 2)
    if _YEAR.fullmatch(year):
        return _dated(int(year), _SHORT_MONTHS[other], int(day["day"]), at + 3)
    return _each_year(_SHORT_MONTHS[other], int(day["day"]), at + 2)


def _dated(year: int, month: int, day: int, after: int) -> tuple[Day, int] | None:
    try:
        on = date(year, month, day)
    except ValueError:
        return None
    return Day(text=on.isoformat(), on=on), after


def _each_year(month: int, day: int, after: int) -> tuple[Day, int] | None:
    leap_year = 2000
    if _dated(leap_year, month, day, after) is None:
        return None
    return Day(text=f"{MONTHS[month - 1]} {day}", each_year=(month, day)), after
