from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.when import DEFAULT, OutOfReach, When
from tests.bot.grammar.asked import whens

BERLIN = ZoneInfo("Europe/Berlin")
#: A Wednesday, 15:00 in Berlin.
NOW = datetime(2026, 3, 4, 14, tzinfo=UTC)
LONG = timedelta(days=1000)


def wall(text: str, now: datetime = NOW, zone: ZoneInfo = BERLIN) -> str:
    window = When(text=text).window(now, zone)
    return f"{window.start.astimezone(zone):%a %d %H:%M}-{window.end.astimezone(zone):%a %d %H:%M}"


@pytest.mark.parametrize(
    ("text", "window"),
    [
        ("last 1h", "Wed 04 14:00-Wed 04 15:00"),
        ("last 7d", "Wed 25 15:00-Wed 04 15:00"),
        ("today", "Wed 04 00:00-Wed 04 15:00"),
        ("today utc", "Wed 04 01:00-Wed 04 15:00"),
        ("yesterday", "Tue 03 00:00-Wed 04 00:00"),
        ("yesterday afternoon", "Tue 03 12:00-Tue 03 18:00"),
        ("yesterday evening", "Tue 03 18:00-Wed 04 00:00"),
        ("yesterday night", "Tue 03 22:00-Wed 04 06:00"),
        ("this morning", "Wed 04 05:00-Wed 04 12:00"),
        ("this afternoon", "Wed 04 12:00-Wed 04 15:00"),
        ("this week", "Mon 02 00:00-Wed 04 15:00"),
        ("last week", "Mon 23 00:00-Mon 02 00:00"),
        ("monday", "Mon 02 00:00-Tue 03 00:00"),
        ("wednesday", "Wed 25 00:00-Thu 26 00:00"),
        ("thursday", "Thu 26 00:00-Fri 27 00:00"),
        ("since monday", "Mon 02 00:00-Wed 04 15:00"),
        ("since wednesday", "Wed 04 00:00-Wed 04 15:00"),
        ("since wednesday 09:00", "Wed 04 09:00-Wed 04 15:00"),
        ("since wednesday 16:00", "Wed 25 16:00-Wed 04 15:00"),
        ("since wednesday afternoon", "Wed 04 12:00-Wed 04 15:00"),
        ("since wednesday evening", "Wed 25 18:00-Wed 04 15:00"),
        ("since 09:00", "Wed 04 09:00-Wed 04 15:00"),
        ("since 16:00", "Tue 03 16:00-Wed 04 15:00"),
        ("since 2026-03-01", "Sun 01 00:00-Wed 04 15:00"),
        ("between 09:00 and 09:30", "Wed 04 09:00-Wed 04 09:30"),
        ("between 14:30 and 15:30", "Wed 04 14:30-Wed 04 15:00"),
        ("between 16:00 and 17:00", "Tue 03 16:00-Tue 03 17:00"),
        ("between 23:00 and 01:00", "Tue 03 23:00-Wed 04 01:00"),
        ("between 23:00 and 01:00 monday", "Mon 02 23:00-Tue 03 01:00"),
        ("between monday and tuesday", "Mon 02 00:00-Wed 04 00:00"),
        ("between monday 09:00 and tuesday 10:00", "Mon 02 09:00-Tue 03 10:00"),
        ("around 14:05", "Wed 04 13:50-Wed 04 14:20"),
        ("around 14:55", "Wed 04 14:40-Wed 04 15:00"),
        ("around 15:05", "Tue 03 14:50-Tue 03 15:20"),
        ("around 14:05 yesterday", "Tue 03 13:50-Tue 03 14:20"),
        ("around 00:05 today", "Tue 03 23:50-Wed 04 00:20"),
        ("around 09:00 2026-03-04 utc", "Wed 04 09:45-Wed 04 10:15"),
        ("march 4", "Wed 04 00:00-Wed 04 15:00"),
        ("february 28", "Sat 28 00:00-Sun 01 00:00"),
    ],
)
def test_a_time_is_a_window_in_the_askers_zone(text: str, window: str) -> None:
    assert wall(text) == window


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("last 8d", "7 days at once at most; write last 7d"),
        ("last 31d", "I look back 30 days at most; write a nearer time"),
        ("last 999999d", "I look back 30 days"),
        ("since last week", "7 days at once at most"),
        ("2026-01-01", "I look back 30 days at most"),
        ("since 2000-01-01", "I look back 30 days at most"),
        ("february 29", "I look back 30 days at most"),
        ("2026-03-05", "still to come"),
        ("2099-12-31", "still to come"),
        ("this evening", "still to come"),
        ("around 16:00 today", "still to come"),
        ("between tuesday and monday", "ends before it begins"),
        ("forever", "no time that I know"),
        ("", "no time that I know"),
        ("last 1h or so", "no time that I know"),
    ],
)
def test_what_is_out_of_reach_is_refused_by_a_sentence_that_says_what_to_write(
    text: str, reason: str
) -> None:
    with pytest.raises(OutOfReach, match="write") as refused:
        When(text=text).window(NOW, BERLIN)
    assert reason in refused.value.reason
    assert refused.value.reason.endswith(".")


def test_limits_are_the_callers() -> None:
    window = When(text="last 8d").window(NOW, BERLIN, longest=timedelta(days=9))
    assert window.length == timedelta(days=8)
    with pytest.raises(OutOfReach, match="look back 2 days"):
        When(text="last 3d").window(NOW, BERLIN, reach=timedelta(days=2))
    with pytest.raises(OutOfReach, match="12 hours at once"):
        When(text="last 13h").window(NOW, BERLIN, longest=timedelta(hours=12))


def test_a_whole_week_may_be_asked_for_though_the_clock_was_put_back_in_it() -> None:
    now = datetime(2026, 10, 28, 12, tzinfo=UTC)
    window = When(text="last week").window(now, BERLIN)
    assert window.length == timedelta(days=7, hours=1)


def test_a_time_that_the_clock_shows_twice_is_both() -> None:
    now = datetime(2026, 10, 25, 12, tzinfo=UTC)
    window = When(text="between 02:15 and 02:45").window(now, BERLIN)
    assert (window.start, window.end) == (
        datetime(2026, 10, 25, 0, 15, tzinfo=UTC),
        datetime(2026, 10, 25, 1, 45, tzinfo=UTC),
    )


def test_a_time_that_the_clock_leaves_out_is_all_that_it_may_be() -> None:
    now = datetime(2026, 3, 29, 12, tzinfo=UTC)
    window = When(text="between 02:15 and 02:45").window(now, BERLIN)
    assert (window.start, window.end) == (
        datetime(2026, 3, 29, 0, 15, tzinfo=UTC),
        datetime(2026, 3, 29, 1, 45, tzinfo=UTC),
    )


def test_now_may_itself_be_a_time_that_is_shown_twice() -> None:
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert When(text="since 02:15").window(first, BERLIN).length == timedelta(minutes=15)
    again = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert When(text="since 02:15").window(again, BERLIN).length == timedelta(minutes=75)


@pytest.mark.parametrize(
    ("now", "days"), [(datetime(2028, 3, 1, tzinfo=UTC), 1), (datetime(2027, 3, 1, tzinfo=UTC), 1096)]
)
def test_the_29th_of_february_is_the_last_that_there_was(now: datetime, days: int) -> None:
    window = When(text="february 29").window(now, ZoneInfo("UTC"), reach=LONG * 2)
    assert (now - window.start).days == days


@settings(max_examples=500, deadline=None)
@given(
    whens,
    st.datetimes(datetime(2001, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis wants them so
    st.timezones(),
)
def test_no_window_ends_after_now_or_is_longer_than_it_may_be(
    when: When, now: datetime, zone: ZoneInfo
) -> None:
    try:
        window = when.window(now, zone)
    except OutOfReach:
        return
    assert window.start <= window.end <= now
    assert window.start.tzinfo is window.end.tzinfo is UTC
    # A zone may put its clock back; Kwajalein left out a day.
    assert window.length <= timedelta(days=8)


def test_the_default_is_the_last_hour() -> None:
    assert DEFAULT.window(NOW, BERLIN).length == timedelta(hours=1)
