"""Spans of time as people say them: what was understood, and how it is written back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time, timedelta

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
#: From and to which hour of its day, 24 and more being of the next.
PARTS: Mapping[str, tuple[int, int]] = {
    "morning": (5, 12),
    "afternoon": (12, 18),
    "evening": (18, 24),
    "night": (22, 30),
}


@dataclass(frozen=True, kw_only=True)
class Day:
    """A day of the calendar, as it was said."""

    #: "today", "yesterday", a weekday, "march 4" or "2026-03-04".
    text: str
    #: A date, where the year was said.
    on: date | None = None
    #: Month and day of it, where it was not.
    each_year: tuple[int, int] | None = None


@dataclass(frozen=True, kw_only=True)
class Moment:
    """A day, a time of day, or both; or a part of a day."""

    day: Day | None = None
    clock: time | None = None
    part: str = ""
    is_utc: bool = False

    @property
    def text(self) -> str:
        day = self.day.text if self.day else ""
        if self.part and day == "today":
            return f"this {self.part}"
        return " ".join(part for part in (day, self.part, clock_text(self.clock)) if part)


@dataclass(frozen=True, kw_only=True)
class Span:
    """A span of time as it was understood; exactly one of its kinds is set, `end` beside `start` alone."""

    #: Up to now.
    last: timedelta | None = None
    #: Up to now, or up to `end`.
    start: Moment | None = None
    end: Moment | None = None
    #: Some minutes before and after.
    around: Moment | None = None
    #: All of a day, or of a part of it.
    whole: Moment | None = None
    #: 0 for this week, 1 for the last.
    week: int | None = None
    #: The week's own days, up to now.
    since_week: int | None = None
    is_utc: bool = False

    @property
    def text(self) -> str:
        """The span in the grammar's own words, which are read as the same span."""
        return f"{self._text} utc" if self.is_utc else self._text

    @property
    def _text(self) -> str:
        if self.last is not None:
            return f"last {length_text(self.last)}"
        if self.start and self.end:
            return _between_text(self.start, self.end)
        if self.start:
            return f"since {self.start.text}"
        if self.around:
            return f"around {_clock_first(self.around)}"
        if self.whole:
            return self.whole.text
        return f"since {_WEEKS[self.since_week]}" if self.since_week is not None else _WEEKS[self.week or 0]


_WEEKS = ("this week", "last week")


def clock_text(clock: time | None) -> str:
    """Return "09:00", or "09:00:30"; "" for none."""
    return f"{clock:%H:%M:%S}" if clock and clock.second else f"{clock:%H:%M}" if clock else ""


def length_text(length: timedelta) -> str:
    """Return a length as it is written after "last": "90m", "24h", "2d"."""
    minutes = length // timedelta(minutes=1)
    if minutes % 1440 == 0 and minutes > 1440:  # noqa: PLR2004 - one day is "24h"
        return f"{minutes // 1440}d"
    return f"{minutes // 60}h" if minutes % 60 == 0 else f"{minutes}m"


def _between_text(start: Moment, end: Moment) -> str:
    if start.day and start.day == end.day and start.clock and end.clock:
        return f"between {clock_text(start.clock)} and {clock_text(end.clock)} {start.day.text}"
    return f"between {start.text} and {end.text}"


def _clock_first(moment: Moment) -> str:
    return f"{clock_text(moment.clock)} {moment.day.text}" if moment.day else clock_text(moment.clock)


TODAY, YESTERDAY = Day(text="today"), Day(text="yesterday")
