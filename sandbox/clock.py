"""The sandbox's clock: real time, moved so that a sample of long ago is fresh."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

#: What the clock may show: times that tokens and databases can hold, with room to count back and forth.
EARLIEST = datetime(1980, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class MovedClock:
    """Ticks like the machine's clock, `offset` ahead of it."""

    offset: timedelta

    @classmethod
    def showing(cls, moment: datetime) -> MovedClock:
        """Return a clock that shows `moment` now and goes on from there."""
        return cls(moment - datetime.now(UTC))  # noqa: TID251 - the sandbox's one look at the machine's clock

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset  # noqa: TID251 - the same
