from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from audit.filter import Window
from sandbox.timespan import intersection, read_timespan
from tests.fakes import NOW


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("PT1H", NOW - timedelta(hours=1), NOW),
        ("P1D", NOW - timedelta(days=1), NOW),
        ("PT86400.0S", NOW - timedelta(days=1), NOW),
        ("P1M", datetime(2026, 2, 4, 9, 38, 59, tzinfo=UTC), NOW),
        (
            "2026-03-04T00:00:00.000Z/2026-03-05",
            datetime(2026, 3, 4, tzinfo=UTC),
            datetime(2026, 3, 5, tzinfo=UTC),
        ),
        (
            "2026-03-04T01:00:00+01:00/PT300.0S",
            datetime(2026, 3, 4, tzinfo=UTC),
            datetime(2026, 3, 4, 0, 5, tzinfo=UTC),
        ),
        ("PT1H/2026-03-04T01:00:00", datetime(2026, 3, 4, tzinfo=UTC), datetime(2026, 3, 4, 1, tzinfo=UTC)),
        ("2026-03-04/2026-03-04", datetime(2026, 3, 4, tzinfo=UTC), datetime(2026, 3, 4, tzinfo=UTC)),
    ],
)
def test_a_timespan_is_read(text: str, start: datetime, end: datetime) -> None:
    assert read_timespan(text, NOW) == Window(start=start, end=end)


def test_no_timespan_is_all_of_time() -> None:
    assert read_timespan(None, NOW) is None
    assert read_timespan("", NOW) is None


@pytest.mark.parametrize(
    "text",
    [
        "1h",
        "P",
        "/",
        "PT1H/",
        "/PT1H",
        "P1D/P1D",
        "P9999999999D",
        "P99999Y",
        "-PT1H",
        "2026-03-04",
        "a/b/c",
        "2026-03-05/2026-03-04",
        "2026-13-04/2026-03-04",
        "0001-01-01T00:00:00+14:00/PT1H",
        "9999-12-31/P1D",
        "١h",
    ],
)
def test_a_timespan_that_is_none_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match="is not a time span"):
        read_timespan(text, NOW)


def test_windows_that_do_not_meet_leave_next_to_nothing() -> None:
    hour = timedelta(hours=1)
    early = Window(start=NOW - 3 * hour, end=NOW - 2 * hour)
    late = Window(start=NOW - hour, end=NOW)
    assert intersection(early, late) == Window(start=late.start, end=late.start)
    assert intersection(early, None) == intersection(None, early) == early
    assert intersection(None, None) is None
