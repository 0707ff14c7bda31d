"""The answer to `blindspots`: what the audit log of the clusters cannot show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from audit.asked import Asked
from cards.answering import buttons, doubts, foot, head, is_answered, summary, times_of
from cards.elements import FULL_WIDTH, AdaptiveCard, Container
from cards.size import Detail, fit
from cards.text import counted, line, named, run

_NO_NAME = "(cluster without a name)"
_NONE = "Nothing is known to be missing from its log."
#: Of one sentence; ours are shorter.
_LONGEST = 2

ByCluster = Sequence[tuple[str, Sequence[str]]]


def blindspots_card(asked: Asked, by_cluster: ByCluster, *, zone: ZoneInfo) -> dict[str, Any]:
    """Return the answer as an Adaptive Card 1.5 of at most cards.size.BUDGET bytes.

    `by_cluster`: each cluster's (or workspace's) name with its sentences. Those with the same sentences stand together.
    """
    times = times_of(asked, zone)
    alike = _alike(by_cluster)

    def build(detail: Detail) -> AdaptiveCard:
        shown = list(alike.items())[: detail.groups]
        left = sum(len(names) for names in alike.values()) - sum(len(names) for _, names in shown)
        body = [
            head(asked, _second(by_cluster), times, detail),
            *doubts(asked, detail),
            *(_group(names, said, detail) for said, names in shown if is_answered(asked)),
            *([line(f"{counted(left, 'more cluster')} not shown.", spacing="small")] if left else []),
            *foot(asked, times, detail),
        ]
        return AdaptiveCard.of(body, buttons(asked, can_watch=False, can_raise=False), msteams=FULL_WIDTH)

    return fit(build)


def blindspots_summary(asked: Asked, by_cluster: ByCluster, *, zone: ZoneInfo) -> str:
    """Return the card's first two lines as plain text, for the phone's notification."""
    return summary(asked, _second(by_cluster), zone)


def _alike(by_cluster: ByCluster) -> dict[tuple[str, ...], list[str]]:
    """Return the names by their sentences; what misses most comes first."""
    found: dict[tuple[str, ...], list[str]] = {}
    for name, sentences in by_cluster:
        found.setdefault(tuple(text for text in sentences if text.strip()), []).append(name)
    return dict(sorted(found.items(), key=lambda each: -len(each[0])))


def _second(by_cluster: ByCluster) -> str:
    if not by_cluster:
        return "No cluster's audit log was found, so nothing is known about what it shows."
    blind = sum(any(text.strip() for text in sentences) for _, sentences in by_cluster)
    of = counted(len(by_cluster), "cluster")
    if not blind:
        return f"{of}: nothing is known to be missing"
    return f"{of}, {blind:,} of them with something that the log cannot show"


def _group(names: Sequence[str], sentences: Sequence[str], detail: Detail) -> Container:
    shown = ", ".join(named(name, _NO_NAME, detail.text) for name in names[: detail.groups])
    more = len(names) - detail.groups
    title = f"{shown} and {more:,} more" if more > 0 else shown
    said = [run(text, _LONGEST * detail.text) for text in sentences[: detail.groups]]
    left = len(sentences) - len(said)
    return Container(
        items=[
            line(run(title, weight="bolder")),
            *(line("– ", text, spacing="none") for text in said),  # noqa: RUF001
            *([line(f"{counted(left, 'more sentence')} not shown.", spacing="none")] if left else []),
            *([] if sentences else [line(_NONE, spacing="none")]),
        ],
        style="emphasis",
        spacing="small",
    )
