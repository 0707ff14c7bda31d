"""The query API's `timespan`: https://learn.microsoft.com/azure/azure-monitor/logs/api/request-format."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import isodate

from audit.filter import Window


def read_timespan(text: str | None, now: datetime) -> Window | None:
    """Read `PT1H` (up to `now`), `start/end`, `start/PT1H` or `PT1H/end`; None and "" are all of time.

    A time without a zone is UTC. Raises ValueError with one sentence.
    """
    if not text:
        return None
    first, slash, second = text.partition("/")
    try:
        if not slash:
            return Window(start=now - _duration(first, now), end=now)
        if first.startswith("P"):
            end = _moment(second)
            return Window(start=end - _duration(first, end), end=end)
        start = _moment(first)
        if second.startswith("P"):
            return Window(start=start, end=start + _duration(second, start))
        return Window(start=start, end=_moment(second))
    except (ValueError, OverflowError, ArithmeticError) as error:
        raise ValueError(f"'{text[:80]}' is not a time span: {error}") from None


def intersection(one: Window | None, other: Window | None) -> Window | None:
    """Give what lies in both. Two that do not meet leave a single moment, as good as nothing."""
    if one is None or other is None:
        return one or other
    start = max(one.start, other.start)
    return Window(start=start, end=max(start, min(one.end, other.end)))


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _duration(text: str, around: datetime) -> timedelta:
    span = isodate.parse_duration(text)
    # Months and years, which are not a timedelta, are as long as the calendar says.
    length: timedelta = span if isinstance(span, timedelta) else span.totimedelta(end=around)
    return length
