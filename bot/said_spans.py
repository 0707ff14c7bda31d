"""Spans of time, read from words: a closed grammar, see docs/adr/0006-times-in-the-chat.md."""

from __future__ import annotations

from dataclasses import replace

from bot.said_moments import (
    SHORT_DAYS,
    UNITS,
    Words,
    past,
    read_clock,
    read_day,
    read_length,
    read_moment,
    word_at,
)
from bot.spans import PARTS, TODAY, WEEKDAYS, YESTERDAY, Moment, Span

#: What only opens a time. A line in which nothing follows it that is one is not understood.
OPENERS = frozenset(
    {
        "ago",
        "around",
        "at",
        "before",
        "after",
        "between",
        "during",
        "last",
        "near",
        "past",
        "since",
        "until",
        "within",
    }
)
_TO = frozenset({"and", "to", "until", "till", "-", "\u2013"})
ZONES = frozenset({"utc", "gmt", "z"})


def read_span(words: Words, at: int = 0) -> tuple[Span, int] | None:
    """Read a time that begins with words[at], in lower case, and return it and where the words after it begin.

    None where no time begins there. Total, and linear in what it takes.
    """
    found = _prefixed(words, at)
    if found is None:
        return None
    span, after = found
    if word_at(words, after) in ZONES:
        span, after = replace(span, is_utc=True), after + 1
    # "last 2h utc" is the same everywhere.
    return (replace(span, is_utc=False) if span.last is not None else span), after


def _prefixed(words: Words, at: int) -> tuple[Span, int] | None:
    at = past(words, at, "in", "for", "over", "during", "within") if _leads_to_last(words, at) else at
    word = word_at(words, at)
    if word in _READERS:
        return _READERS[word](words, at + 1)
    return _bare(words, at)


def _leads_to_last(words: Words, at: int) -> bool:
    """Whether "in", "for" … stands before "the last 2 hours", or the like."""
    after = past(words, at + 1, "the")
    return word_at(words, after) in {"last", "past", "this"}


def _during(words: Words, at: int) -> tuple[Span, int] | None:
    return None if word_at(words, at) == "during" else _prefixed(words, at)


def _the(words: Words, at: int) -> tuple[Span, int] | None:
    return _prefixed(words, at) if word_at(words, at) in {"last", "past"} else None


def _last(words: Words, at: int) -> tuple[Span, int] | None:
    word = word_at(words, at)
    if word == "week":
        return Span(week=1), at + 1
    if word == "night":
        return Span(whole=Moment(day=YESTERDAY, part="night")), at + 1
    if word in WEEKDAYS:
        return _day_first(words, at)
    return _past_length(words, at)


def _past_length(words: Words, at: int) -> tuple[Span, int] | None:
    if word_at(words, at) in UNITS:
        return Span(last=UNITS[words[at]]), at + 1
    length = read_length(words, at)
    return (Span(last=length[0]), length[1]) if length else None


def _this(words: Words, at: int) -> tuple[Span, int] | None:
    word = word_at(words, at)
    if word == "week":
        return Span(week=0), at + 1
    return (Span(whole=Moment(day=TODAY, part=word)), at + 1) if word in PARTS else None


def _since(words: Words, at: int) -> tuple[Span, int] | None:
    at = past(words, at, "the")
    word = word_at(words, at)
    if word in {"last", "this"} and word_at(words, at + 1) == "week":
        return Span(since_week=int(word == "last")), at + 2
    length = read_length(words, past(words, at, "last", "past"))
    if length:
        return Span(last=length[0]), past(words, length[1], "ago")
    moment = read_moment(words, at)
    return (_open_ended(moment[0]), moment[1]) if moment else None


def _open_ended(start: Moment) -> Span:
    return Span(start=replace(start, is_utc=False), is_utc=start.is_utc)


def _from(words: Words, at: int) -> tuple[Span, int] | None:
    """Read "from 9 to 10:30" and "from monday", which is since monday."""
    return _between(words, at) or _since(words, at)


def _between(words: Words, at: int) -> tuple[Span, int] | None:
    start = read_moment(words, at, is_range=True)
    if start is None or word_at(words, start[1]) not in _TO:
        return None
    after = start[1] + 1
    if word_at(words, after) == "now":
        return _open_ended(start[0]), after + 1
    end = read_moment(words, after, is_range=True)
    return _ranged(_of_same_half(words, at, start[0], end[0], end[1]), end[0], end[1]) if end else None


def _of_same_half(words: Words, at: int, start: Moment, end: Moment, after: int) -> Moment:
    """Take the 2 of "from 2 to 3pm" for an hour of the afternoon, and the 11 of "from 11 to 1pm" for one before it."""
    halves = [word[-2:] for word in words[at + 2 : after] if word.endswith(("am", "pm"))]
    if not words[at].isdecimal() or not halves:
        return start
    other = "am" if halves[0] == "pm" else "pm"
    for half in (halves[0], other):
        clock = read_clock((words[at] + half,), 0)
        if clock and end.clock and (clock[0] < end.clock or half == other):
            return replace(start, clock=clock[0])
    return start


def _ranged(start: Moment, end: Moment, after: int) -> tuple[Span, int] | None:
    """Put the two edges together: a day that is said once is meant for both."""
    if start.part or end.part:
        return None
    if start.clock and end.clock:
        start, end = replace(start, day=start.day or end.day), replace(end, day=end.day or start.day)
        if start.day == end.day and start.clock == end.clock:
            return None
    elif not (start.day and end.day):
        return None
    is_utc = start.is_utc or end.is_utc
    start, end = replace(start, is_utc=False), replace(end, is_utc=False)
    return Span(start=start, end=end, is_utc=is_utc), after


def _around(words: Words, at: int) -> tuple[Span, int] | None:
    moment = read_moment(words, at)
    if moment is None or moment[0].clock is None:
        return None
    return Span(around=replace(moment[0], is_utc=False), is_utc=moment[0].is_utc), moment[1]


def _day_first(words: Words, at: int) -> tuple[Span, int] | None:
    """Read what begins with a day: "yesterday", "monday morning", "yesterday 9am", "yesterday from 9 to 10"."""
    day = read_day(words, at)
    if day is None:
        return None
    if word_at(words, day[1]) in {"between", "from"}:
        found = _between(words, day[1] + 1)
        if found and found[0].start and found[0].end and not found[0].start.day and found[0].start.clock:
            start, end = (replace(edge, day=day[0]) for edge in (found[0].start, found[0].end))
            return replace(found[0], start=start, end=end), found[1]
    ranged = _clock_range(words, day[1])
    if ranged:
        return _ranged(replace(ranged[0], day=day[0]), replace(ranged[1], day=day[0]), ranged[2])
    moment = read_moment(words, at)
    if moment is None:
        return None
    if moment[0].clock:
        return _around(words, at)
    return Span(whole=moment[0]), moment[1]


def _bare(words: Words, at: int) -> tuple[Span, int] | None:
    """Read a time that nothing opens: "1h", "yesterday", "09:00-09:30", "14:05"."""
    length = read_length(words, at)
    if length:
        return None if word_at(words, length[1]) == "ago" else (Span(last=length[0]), length[1])
    ranged = _clock_range(words, at)
    if ranged:
        return _ranged(*ranged)
    if word_at(words, at) in SHORT_DAYS and word_at(words, at) not in WEEKDAYS:
        return None
    return _between(words, at) or _day_first(words, at) or _around(words, at)


def _clock_range(words: Words, at: int) -> tuple[Moment, Moment, int] | None:
    """Read "09:00-09:30"."""
    one, dash, other = word_at(words, at)[:40].replace("\u2013", "-").partition("-")
    if not dash:
        return None
    start, end = read_clock((one,), 0), read_clock((other,), 0)
    return (Moment(clock=start[0]), Moment(clock=end[0]), at + 1) if start and end else None


_READERS = {
    "the": _the,
    "during": _during,
    "last": _last,
    "past": _past_length,
    "this": _this,
    "since": _since,
    "from": _from,
    "between": _between,
    "around": _around,
    "about": _around,
    "near": _around,
    "at": _around,
    "on": _day_first,
}
