"""The answer to `activity`: events over time, people against the platform, and the busiest actors and objects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

from audit.asked import Activity, Asked, Counted
from cards import words
from cards.answering import buttons, doubts, foot, head, is_answered, nothing_found, summary, times_of
from cards.chart import chart, plot, span
from cards.elements import FULL_WIDTH, AdaptiveCard, RichTextBlock
from cards.size import Detail, fit
from cards.text import counted, heading, joined, line, named, run

#: Of the busiest.
_MOST = 5
_NO_USER = "(no user named)"
_NO_OBJECT = "(no object named)"


def activity_card(asked: Asked, activity: Activity, *, zone: ZoneInfo, wider: str = "") -> dict[str, Any]:
    """Return the answer as an Adaptive Card of at most cards.size.BUDGET bytes: 1.5 but for Teams' chart.

    `wider`: a line that is offered as a button where nothing was found.
    """
    times = times_of(asked, zone)
    found = _total(activity)

    def build(detail: Detail) -> AdaptiveCard:
        middle = (
            [*_plotted(activity, zone), *_busiest(activity, detail)]
            if found
            else nothing_found(asked, times, detail, wider=wider)
        )
        body = [
            head(asked, _second(activity), times, detail),
            *doubts(asked, detail),
            *(middle if is_answered(asked) else []),
            *foot(asked, times, detail),
        ]
        return AdaptiveCard.of(body, buttons(asked, wider="" if found else wider), msteams=FULL_WIDTH)

    return fit(build)


def activity_summary(asked: Asked, activity: Activity, *, zone: ZoneInfo) -> str:
    """Return the card's first two lines as plain text, for the phone's notification."""
    return summary(asked, _second(activity), zone)


def _total(activity: Activity) -> int:
    return sum(each.people + each.workloads + each.platform for each in activity.buckets)


def _second(activity: Activity) -> str:
    total = _total(activity)
    if not total:
        return "Nothing found."
    sums = {
        "people": sum(each.people for each in activity.buckets),
        "workloads": sum(each.workloads for each in activity.buckets),
        "the platform": sum(each.platform for each in activity.buckets),
    }
    found = {who: count for who, count in sums.items() if count}
    if len(found) == 1:
        (who,) = found
        return f"{counted(total, 'event')}{', all' if total > 1 else ''} by {who}"
    by = ", ".join(f"{count:,} by {who}" for who, count in found.items())
    return f"{counted(total, 'event')}: {by}"


def _plotted(activity: Activity, zone: ZoneInfo) -> list[Any]:
    plotted = plot(activity, zone)
    at = [n for n, each in enumerate(plotted.series) if each.field == "people"]
    if not at:
        return [line("None of them by a person.", spacing="small"), chart(plotted)]
    busiest = max(plotted.bars, key=lambda bar: bar.counts[at[0]])
    said = f"Most by people: {busiest.counts[at[0]]:,} in the {span(plotted.step)} from {busiest.label}."
    return [line(said, spacing="small"), chart(plotted)]


def _busiest(activity: Activity, detail: Detail) -> list[Any]:
    # An object's count is of everybody who touched it, so no kind of actor stands beside it.
    objects = [replace(each, kind=None) for each in activity.objects]
    return [
        *_list("Busiest people and workloads, then the platform", activity.actors, _NO_USER, detail),
        *_list("Most often touched", objects, _NO_OBJECT, detail),
    ]


def _list(title: str, rows: Sequence[Counted], otherwise: str, detail: Detail) -> list[Any]:
    if not rows:
        return []
    shown = rows[: min(_MOST, detail.groups)]
    return [
        heading(title, size="default", spacing="medium"),
        *(_row(each, otherwise, detail) for each in shown),
    ]


def _row(each: Counted, otherwise: str, detail: Detail) -> RichTextBlock:
    kind = words.ACTORS[each.kind] if each.kind is not None else ""
    name = joined((named(each.what, otherwise, detail.text), kind))
    return line(run(f"{each.count:,}× ", weight="bolder"), name, spacing="none")  # noqa: RUF001
