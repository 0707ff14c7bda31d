"""The answer to `clusters`: whose audit log lies in which workspace, since when, and what of it is logged."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from audit.asked import Asked, Clusters, ClusterSeen
from cards.answering import buttons, doubts, foot, head, is_answered, summary, times_of
from cards.elements import FULL_WIDTH, AdaptiveCard, Container
from cards.pressable import pressing
from cards.size import Detail, fit
from cards.text import Times, age, counted, joined, line, named, plain, run

#: An API server logs every few seconds, and rows take minutes to arrive.
SILENT_AFTER = timedelta(minutes=30)
_NO_NAME = "(cluster without a name)"
_NOTHING = "Nothing logged: no audit event of it in this window."
_HOW = (
    "Audit events come with a cluster's diagnostic setting for the category kube-audit-admin (or kube-audit)."
)
#: https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules#microsoftcontainerservice
_CLUSTER_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?")


def clusters_card(asked: Asked, clusters: Clusters, *, zone: ZoneInfo) -> dict[str, Any]:
    """Return the answer as an Adaptive Card 1.5 of at most cards.size.BUDGET bytes; what logs nothing stands first."""
    asked = replace(asked, window=clusters.window)
    times = times_of(asked, zone)
    rows = sorted(clusters.rows, key=lambda each: (each.rows > 0, each.name.casefold(), each.id))

    def build(detail: Detail) -> AdaptiveCard:
        shown = rows[: detail.events]
        body = [
            head(asked, _second(clusters), times, detail),
            *doubts(asked, detail),
            *(_rows(shown, len(rows), times, detail) if is_answered(asked) else []),
            *foot(asked, times, detail),
        ]
        return AdaptiveCard.of(body, buttons(asked, can_watch=False, can_raise=False), msteams=FULL_WIDTH)

    return fit(build)


def clusters_summary(asked: Asked, clusters: Clusters, *, zone: ZoneInfo) -> str:
    """Return the card's first two lines as plain text, for the phone's notification."""
    return summary(replace(asked, window=clusters.window), _second(clusters), zone)


def _second(clusters: Clusters) -> str:
    rows = clusters.rows
    silent = sum(not each.rows for each in rows)
    if not rows:
        return "No cluster's audit log was found."
    if silent == len(rows):
        return f"{counted(len(rows), 'cluster')}, none with any audit event"
    return f"{counted(len(rows), 'cluster')}" + (
        f", {silent:,} of them with nothing logged" if silent else ", all with audit events"
    )


def _rows(shown: Sequence[ClusterSeen], total: int, times: Times, detail: Detail) -> list[Any]:
    more = total - len(shown)
    pressable = any(_CLUSTER_NAME.fullmatch(each.name) for each in shown)
    how = "Press a cluster to ask what was risky there in the last day."
    return [
        *([line(run(how, subtle=True), spacing="small")] if pressable else []),
        *(_row(each, times, detail) for each in shown),
        *([line(f"{counted(more, 'more cluster')} not shown.", spacing="small")] if more else []),
        *([line(_HOW, spacing="small")] if not total or any(not each.rows for each in shown) else []),
    ]


def _row(each: ClusterSeen, times: Times, detail: Detail) -> Container:
    workspace = named(each.workspace, "(workspace without a name)", detail.text)
    # In quotes, for a cluster may be called as a word of the grammar is.
    said = f'risky on "{each.name}" last 24h' if _CLUSTER_NAME.fullmatch(each.name) else ""
    name = run(
        named(each.name, _NO_NAME, detail.text), weight="bolder", color="accent" if said else "default"
    )
    title = line(name, run(f" · in {workspace}", subtle=True))
    items = [title, *(line(text, spacing="none") for text in _facts(each, times, detail) if text)]
    is_silent = each.last is not None and times.day - each.last > SILENT_AFTER
    style = "attention" if not each.rows else "warning" if is_silent else "emphasis"
    return pressing(said, items, style=style, spacing="small")


def _facts(each: ClusterSeen, times: Times, detail: Detail) -> tuple[str, ...]:
    if not each.rows:
        return (_NOTHING,)
    since = f" since {times.at(each.first)}" if each.first else ""
    last = ""
    if each.last:
        ago = times.day - each.last
        quiet = f", nothing for {age(ago)}" if ago > SILENT_AFTER else ""
        last = f"last {times.at(each.last)}{quiet}"
    logged = ", ".join(plain(name, detail.text) for name in each.logged[: detail.groups])
    more = len(each.logged) - detail.groups
    return (
        joined((f"{counted(each.rows, 'row')}{since}", last)),
        f"Logged: {logged}{f' and {more:,} more' if more > 0 else ''}" if logged else "",
    )
