"""A query as it can be read and copied: in its own lines, monospace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from audit.alert import Alert
from audit.filter import Window
from cards.elements import AdaptiveCard, Container, RichTextBlock
from cards.size import LADDER, Detail, weight
from cards.text import Times, counted, line, named, plain, run

#: Characters of KQL that are shown, for one piece of foreign text as long as Detail.text.
_SHARE = 12
#: What a line costs at least, for an empty one takes bytes of JSON too.
_LEAST_LINE = 20
#: An alert has one criterion nearly always.
_MOST_QUERIES = 2
#: Bytes of a dialog that holds nothing but queries: the longest of ours take 26,000, and Teams refuses above 100 KB in
#: UTF-16. https://learn.microsoft.com/microsoftteams/platform/bots/how-to/format-your-bot-messages
_BUDGET = 40_000
_LONGEST_QUERY = 100_000
#: Lines of each query, where all do not fit.
_FEWER = (None, 60, 30, 15, 5)
_NAME = 60
_MOST_NAMES = 5


def query_lines(kql: str, detail: Detail, *, most: int | None = None) -> list[RichTextBlock]:
    """Return the query's lines as far as there is room, at most `most`, and how many are left off."""
    all_lines = kql.strip().splitlines()
    shown: list[str] = []
    room = _SHARE * detail.text
    for text in all_lines[:most]:
        if room <= 0:
            break
        shown.append(plain(text, room))
        room -= max(len(text), _LEAST_LINE)
    lines = [
        line(run(text or " ", max(1, len(text)), font="monospace", size="small"), spacing="none")
        for text in shown
    ]
    if len(shown) < len(all_lines):
        of = counted(len(all_lines), "line")
        lines.append(line(f"Shown: {len(shown)} of {of} of the query.", spacing="small"))
    return lines


def query_card(
    asked: str, window: Window, ran: Sequence[tuple[Sequence[str], str]], times: Times
) -> dict[str, Any]:
    """Return the queries that ran for a question, whole, each with the names of its workspaces."""
    card: dict[str, Any] = {}
    for most in _FEWER:
        queries = [_query(names, kql, most) for names, kql in ran]
        body = [_head(asked, window, times), *(queries or [line("No query ran for it.")])]
        card = AdaptiveCard.of(body, []).to_dict()
        if weight(card) <= _BUDGET:
            break
    return card


def _head(asked: str, window: Window, times: Times) -> Container:
    question = run(named(asked, "(no question)", 2 * LADDER[0].text), weight="bolder", size="medium")
    span = (
        f"{times.dated(window.start)}–{times.dated(window.end)} ({times.stated_by_name()}); in the query: UTC"  # noqa: RUF001
    )
    return Container(items=[line(question), line(span, spacing="small")], style="emphasis", bleed=True)


def _query(names: Sequence[str], kql: str, most: int | None) -> Container:
    where = ", ".join(named(each, "(workspace without a name)", _NAME) for each in names[:_MOST_NAMES])
    more = f" and {len(names) - _MOST_NAMES:,} more" if len(names) > _MOST_NAMES else ""
    whole = replace(LADDER[0], text=_LONGEST_QUERY)
    title = line(run(f"In {where}{more}:", weight="bolder", size="small"), spacing="small")
    return Container(items=[title, *query_lines(kql, whole, most=most)])


def refused_query(alert: Alert, detail: Detail) -> list[Any]:
    """Return the alert's own query, for somebody to look at what was refused."""
    queries = [each.query for each in alert.criteria if each.query.strip()][:_MOST_QUERIES]
    blocks: list[Any] = []
    for query in queries:
        shown = query_lines(query, detail, most=detail.lines)
        blocks += [
            line(run("The query to look at:", weight="bolder"), spacing="small"),
            Container(items=shown, style="emphasis", spacing="small"),
        ]
    return blocks
