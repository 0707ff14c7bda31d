"""Questions that are asked again and again for a conversation: the answer to `watches`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from cards.elements import FULL_WIDTH, ActionSet, AdaptiveCard, Execute
from cards.size import Detail, fit
from cards.text import Times, counted, joined, line, named, plain, run, summary_text

_HOW = "The button Watch this on an answer begins one. What is found becomes an incident here."


@dataclass(frozen=True, kw_only=True)
class WatchLine:
    """One watch. `line` and `by` are foreign text."""

    number: int
    line: str
    by: str
    since: datetime
    #: Up to when it has been asked; None where it has not been yet.
    until: datetime | None = None
    #: How often something was found, and when last.
    found: int = 0
    found_at: datetime | None = None
    #: Names of the clusters that it is narrowed to; () for all.
    clusters: Sequence[str] = ()


def watches_card(watches: Sequence[WatchLine], *, zone: ZoneInfo) -> dict[str, Any]:
    """Return them, each with a button that ends it, as an Adaptive Card 1.5 of at most cards.size.BUDGET bytes."""

    def build(detail: Detail) -> AdaptiveCard:
        shown = watches[: detail.events]
        first, second = _lines(len(shown), len(watches))
        body: list[Any] = [
            line(run(first, weight="bolder", size="medium")),
            line(second, spacing="small"),
            *(block for each in shown for block in _blocks(each, zone, detail)),
        ]
        return AdaptiveCard.of(body, [], msteams=FULL_WIDTH)

    return fit(build)


def watches_summary(watches: Sequence[WatchLine]) -> str:
    """Return the card's first two lines as plain text, for the phone's notification."""
    return summary_text(_lines(len(watches), len(watches)))


def _lines(shown: int, total: int) -> tuple[str, str]:
    if not total:
        return "Nothing is watched here", _HOW
    if shown < total:
        left = f"{counted(total - shown, 'watch', 'watches')} left out here; “unwatch NUMBER” ends any."
        return f"{total:,} questions are watched here", left
    return f"{counted(total, 'question is', 'questions are')} watched here", _HOW


def _blocks(each: WatchLine, zone: ZoneInfo, detail: Detail) -> list[Any]:
    times = Times(zone=zone, day=each.until or each.since)
    title = line(
        run(f"{each.number}. ", weight="bolder"),
        run(named(each.line, "(empty line)", 2 * detail.text), font="monospace", weight="bolder"),
        spacing="medium",
        separator=True,
    )
    return [
        title,
        line(_facts(each, times, detail), spacing="none"),
        ActionSet(actions=[_end(each.number)], spacing="small"),
    ]


def _end(number: int) -> Execute:
    return Execute(title=f"End watch {number}", verb="unwatch", data={"v": 1, "n": number})


def _facts(each: WatchLine, times: Times, detail: Detail) -> str:
    by = named(each.by, "(no name)", detail.text)
    on = ", ".join(plain(name, detail.text) for name in each.clusters[: detail.groups])
    more = len(each.clusters) - detail.groups
    found = f"found {counted(each.found, 'time')}" if each.found else "nothing found yet"
    last = f", last {times.dated(each.found_at)}" if each.found and each.found_at else ""
    return joined(
        (
            f"since {times.dated(each.since)} ({times.stated()}) by {by}",
            f"on {on}{f' and {more:,} more' if more > 0 else ''}" if on else "",
            f"{found}{last}",
            f"asked up to {times.at(each.until)}" if each.until else "not asked yet",
        )
    )
