"""Events over time: Teams' own chart, and for clients without it the same numbers as bars of text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from math import ceil
from zoneinfo import ZoneInfo

from audit.asked import Activity, Bucket
from cards.elements import Container, GroupedBars, RichTextBlock
from cards.text import joined, line, offset, run

#: Bars of one chart: as many lines as a phone shows on a screen or two.
MOST_BARS = 24
#: Characters of the longest bar of text.
WIDTH = 14
#: What neighbouring steps are put together to: spans that read well and that a day is a multiple of.
_SPANS = tuple(timedelta(minutes=m) for m in (1, 2, 5, 10, 15, 30, 60, 120, 180, 240, 360, 720, 1440))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Series:
    """Whose events: as the chart calls and colours them, and the character that their bar is made of."""

    legend: str
    field: str
    #: https://adaptivecards.microsoft.com/?topic=chart-colors-reference
    color: str
    mark: str


SERIES = (
    Series(legend="people", field="people", color="categoricalBlue", mark="█"),
    Series(legend="workloads", field="workloads", color="categoricalTeal", mark="▒"),
    Series(legend="platform", field="platform", color="neutral", mark="░"),
)


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One step of the plot: when it starts, in words, and the events of each series."""

    label: str
    counts: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Plot:
    """What is drawn: at most MOST_BARS bars, of those series that have any event."""

    step: timedelta
    series: tuple[Series, ...]
    bars: tuple[Bar, ...]


def plot(activity: Activity, zone: ZoneInfo) -> Plot:
    """Return what is to be drawn; neighbouring steps are put together until they are MOST_BARS at most."""
    step, buckets = _together(activity)
    series = tuple(each for each in SERIES if any(getattr(bucket, each.field) for bucket in buckets))
    labels = _labels([bucket.start for bucket in buckets], zone)
    bars = tuple(
        Bar(label=label, counts=tuple(getattr(bucket, each.field) for each in series))
        for label, bucket in zip(labels, buckets, strict=True)
    )
    return Plot(step=step, series=series, bars=bars)


def chart(plotted: Plot) -> GroupedBars:
    """Return the plot as Teams' chart, with its fallback. All of it is our own text and numbers."""
    data = [
        {
            "legend": each.legend,
            "color": each.color,
            "values": [{"x": bar.label, "y": bar.counts[n]} for bar in plotted.bars],
        }
        for n, each in enumerate(plotted.series)
    ]
    return GroupedBars(
        title="Events over time",
        x_title=f"each bar is {span(plotted.step)}",
        y_title="events",
        color_set="categorical",
        stacked=True,
        data=data,
        fallback=Container(items=[_key(plotted), *_rows(plotted)], spacing="medium"),
        spacing="medium",
    )


def span(step: timedelta) -> str:
    """Return a step as it is read: "5 min", "2 h", "1 d"."""
    minutes = step / timedelta(minutes=1)
    for unit, size in (("d", 1440), ("h", 60)):
        if minutes >= size and minutes % size == 0:
            return f"{minutes / size:g} {unit}"
    return f"{minutes:g} min"


# --- the bars of text ------------------------------------------------------------------------------


def _key(plotted: Plot) -> RichTextBlock:
    marks = "  ".join(f"{each.mark} {each.legend}" for each in plotted.series)
    most = max((sum(bar.counts) for bar in plotted.bars), default=0)
    order = "numbers in this order" if len(plotted.series) > 1 else ""
    facts = joined((marks, order, f"each line is {span(plotted.step)}", f"the longest is {most:,} events"))
    return line(run(facts, size="small"))


def _rows(plotted: Plot) -> Iterator[RichTextBlock]:
    most = max((sum(bar.counts) for bar in plotted.bars), default=0)
    for bar in plotted.bars:
        numbers = " / ".join(f"{count:,}" for count in bar.counts) if any(bar.counts) else "0"
        # A blank that does not shrink keeps the numbers below one another.
        drawn = _drawn(bar.counts, plotted.series, most).ljust(WIDTH, "\u00a0")
        text = run(
            f"{bar.label} {drawn} {numbers}", font="monospace", size="small", subtle=not any(bar.counts)
        )
        yield line(text, spacing="none")


def _drawn(counts: Sequence[int], series: Sequence[Series], most: int) -> str:
    """Return the bar: what there is any of has a character at least, for three people among thousands matter."""
    cells = [max(1, round(WIDTH * count / most)) if count > 0 else 0 for count in counts]
    if sum(cells) > WIDTH:
        largest = cells.index(max(cells))
        cells[largest] -= sum(cells) - WIDTH
    return "".join(each.mark * size for each, size in zip(series, cells, strict=True))


# --- steps -----------------------------------------------------------------------------------------


def _together(activity: Activity) -> tuple[timedelta, Sequence[Bucket]]:
    """Return buckets that are MOST_BARS at most, and their step; no event is lost and none counted twice."""
    buckets, step = activity.buckets, activity.step
    if len(buckets) <= MOST_BARS:
        return step, buckets
    for wide in _SPANS:
        if step > timedelta(0) and wide > step and not wide % step:
            found = [
                _sum(_EPOCH + n * wide, list(group))
                for n, group in groupby(buckets, key=lambda each, wide=wide: (each.start - _EPOCH) // wide)  # type: ignore[misc]  # bound at once
            ]
            if len(found) <= MOST_BARS:
                return wide, found
    of = ceil(len(buckets) / MOST_BARS)
    parts = [buckets[n : n + of] for n in range(0, len(buckets), of)]
    return step * of, [_sum(part[0].start, part) for part in parts]


def _sum(start: datetime, buckets: Sequence[Bucket]) -> Bucket:
    return Bucket(
        start=start,
        people=sum(each.people for each in buckets),
        workloads=sum(each.workloads for each in buckets),
        platform=sum(each.platform for each in buckets),
    )


# --- labels ----------------------------------------------------------------------------------------


def _labels(starts: Sequence[datetime], zone: ZoneInfo) -> list[str]:
    """Return the times in the zone, as short as they can be told apart; an hour that comes twice has its offset."""
    local = [_local(start, zone) for start in starts]
    is_one_day = len({each.date() for each in local}) <= 1
    day = "%m-%d" if len({each.year for each in local}) <= 1 else "%Y-%m-%d"
    pattern = "%H:%M" if is_one_day else f"{day} %H:%M"
    if not is_one_day and all(each.hour == each.minute == 0 for each in local):
        pattern = day
    labels = [each.strftime(pattern) for each in local]
    often = Counter(labels)
    return [
        label if often[label] == 1 else f"{label} {offset(each)}"
        for label, each in zip(labels, local, strict=True)
    ]


def _local(moment: datetime, zone: ZoneInfo) -> datetime:
    try:
        return moment.astimezone(zone)
    except OverflowError:  # the first and the last days there are
        return moment
