"""What part of the audit log is meant: a window of time, and which events in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, kw_only=True)
class Window:
    """A span of time by `TimeGenerated`; both edges belong to it. Both are aware UTC."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError("a window needs times with a zone")
        if self.end < self.start:
            raise ValueError("a window cannot end before it starts")

    @property
    def length(self) -> timedelta:
        return self.end - self.start


@dataclass(frozen=True, kw_only=True)
class EventFilter:
    """What somebody asks of the log: events of this window in which the term occurs (case aside)."""

    term: str
    window: Window
