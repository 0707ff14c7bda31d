from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from audit.asked import Activity, Bucket
from cards.chart import MOST_BARS, SERIES, WIDTH, Plot, chart, plot, span
from tests.cards import material as m
from tests.cards.charts import assert_charts_valid
from tests.cards.checks import lines
from tests.cards.telling import BUSY, activity

STEPS = st.sampled_from([timedelta(minutes=n) for n in (1, 5, 7, 15, 30, 60, 180, 360, 720, 1440)])
COUNTS = st.integers(0, 3) | st.integers(0, 10**12)
ZONES = st.sampled_from(("UTC", "Europe/Berlin", "Asia/Kolkata", "Pacific/Auckland")).map(ZoneInfo)


@st.composite
def activities(draw: st.DrawFn) -> Activity:
    """Return steps that are aligned to UTC, some without an event."""
    step = draw(STEPS)
    start = datetime(2022, 3, 26, tzinfo=UTC) + draw(st.integers(0, 300)) * step
    counts = draw(st.lists(st.tuples(COUNTS, COUNTS, COUNTS), max_size=80))
    return activity(counts, step=step, start=start)


def in_chart(drawn: dict[str, Any]) -> list[tuple[str, tuple[int, ...]]]:
    """Return what Teams draws: each bar's label, and its number of each series."""
    columns = [[(value["x"], value["y"]) for value in series["values"]] for series in drawn["data"]]
    return [(bar[0][0], tuple(y for _, y in bar)) for bar in zip(*columns, strict=True)]


def in_text(drawn: dict[str, Any], series: int) -> list[tuple[str, tuple[int, ...]]]:
    """Return the same of the fallback, read from its lines."""
    found = []
    for row in lines({"type": "AdaptiveCard", "body": [drawn["fallback"]]})[1:]:
        matched = re.fullmatch(r"(.+?) [█▒░\u00a0]+ ([\d,]+(?: / [\d,]+)*)", row)
        assert matched, row
        numbers = tuple(int(each.replace(",", "")) for each in matched[2].split(" / "))
        found.append((matched[1], numbers if len(numbers) == series else (0,) * series))
    return found


@settings(deadline=None)
@given(activities(), ZONES)
def test_the_chart_and_its_fallback_have_the_same_numbers_and_none_is_lost(
    found: Activity, zone: ZoneInfo
) -> None:
    plotted = plot(found, zone)
    assert len(plotted.bars) <= MOST_BARS
    assert len({bar.label for bar in plotted.bars}) == len(plotted.bars)
    for n, series in enumerate(plotted.series):
        assert sum(bar.counts[n] for bar in plotted.bars) == sum(
            getattr(b, series.field) for b in found.buckets
        )
    if not plotted.series:
        return
    drawn = chart(plotted).to_dict()
    assert_charts_valid(drawn)
    assert in_chart(drawn) == in_text(drawn, len(plotted.series))


@given(activities())
def test_no_bar_is_longer_than_the_longest_and_nobody_is_without_a_mark(found: Activity) -> None:
    plotted = plot(found, m.UTC_ZONE)
    if not plotted.series:
        return
    for row, bar in zip(text_of(plotted), plotted.bars, strict=True):
        drawn = [char for char in row if char in "█▒░"]
        assert len(drawn) <= WIDTH
        for series, count in zip(plotted.series, bar.counts, strict=True):
            assert (series.mark in drawn) is (count > 0)


def text_of(plotted: Plot) -> list[str]:
    fallback = chart(plotted).to_dict()["fallback"]
    return lines({"type": "AdaptiveCard", "body": [fallback]})[1:]


def test_more_steps_than_lines_are_put_together_to_spans_that_read_well() -> None:
    plotted = plot(BUSY, m.BERLIN)
    assert span(plotted.step) == "2 h"
    assert [bar.label for bar in plotted.bars[:3]] == ["05-18 14:00", "05-18 16:00", "05-18 18:00"]
    assert len(plotted.bars) == 13


def test_as_many_steps_as_lines_are_left_as_they_are() -> None:
    found = activity([(1, 0, 0)] * MOST_BARS, step=timedelta(minutes=5), start=m.at("09:00:00"))
    plotted = plot(found, m.UTC_ZONE)
    assert plotted.step == timedelta(minutes=5)
    assert [bar.label for bar in plotted.bars[:2]] == ["09:00", "09:05"]


def test_a_series_without_an_event_is_not_drawn() -> None:
    found = activity([(2, 0, 0), (0, 0, 0)], step=timedelta(minutes=5), start=m.at("09:00:00"))
    drawn = chart(plot(found, m.UTC_ZONE)).to_dict()
    assert [series["legend"] for series in drawn["data"]] == ["people"]
    assert "numbers in this order" not in lines({"type": "AdaptiveCard", "body": [drawn["fallback"]]})[0]


def test_days_that_begin_at_midnight_are_dates() -> None:
    found = activity([(1, 0, 0)] * 3, step=timedelta(days=1), start=datetime(2022, 5, 17, tzinfo=UTC))
    assert [bar.label for bar in plot(found, m.UTC_ZONE).bars] == ["05-17", "05-18", "05-19"]
    assert plot(found, m.BERLIN).bars[0].label == "05-17 02:00"


def test_days_of_different_years_have_their_year() -> None:
    found = activity([(1, 0, 0)] * 3, step=timedelta(days=365), start=datetime(2021, 5, 17, tzinfo=UTC))
    assert [bar.label for bar in plot(found, m.UTC_ZONE).bars] == ["2021-05-17", "2022-05-17", "2023-05-17"]


def test_the_hour_that_comes_twice_in_autumn_is_told_apart() -> None:
    start = datetime(2022, 10, 29, 23, tzinfo=UTC)
    found = activity([(1, 0, 0)] * 3, step=timedelta(hours=1), start=start)
    assert [bar.label for bar in plot(found, m.BERLIN).bars] == [
        "01:00",
        "02:00 UTC+02:00",
        "02:00 UTC+01:00",
    ]


def test_steps_that_no_span_is_a_multiple_of_are_put_together_all_the_same() -> None:
    for step in (timedelta(0), timedelta(minutes=7), timedelta(days=3), timedelta(seconds=-1)):
        buckets = tuple(Bucket(start=m.FIRED + n * step, people=n) for n in range(100))
        plotted = plot(Activity(step=step, buckets=buckets), m.UTC_ZONE)
        assert len(plotted.bars) <= MOST_BARS
        assert sum(sum(bar.counts) for bar in plotted.bars) == sum(range(100))


def test_the_first_and_the_last_day_there_are_can_be_drawn() -> None:
    for moment in (datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, tzinfo=UTC)):
        bucket = Bucket(start=moment, people=1)
        for zone in (m.BERLIN, ZoneInfo("America/New_York"), ZoneInfo("Pacific/Auckland")):
            assert plot(Activity(step=timedelta(hours=1), buckets=(bucket,)), zone).bars


def test_people_and_platform_are_told_apart_by_more_than_colour() -> None:
    assert len({each.mark for each in SERIES}) == len({each.legend for each in SERIES}) == len(SERIES)


def test_a_span_reads_as_people_say_it() -> None:
    spans = {1: "1 min", 90: "90 min", 120: "2 h", 1440: "1 d", 2160: "36 h"}
    assert {minutes: span(timedelta(minutes=minutes)) for minutes in spans} == spans
