"""A query as it can be read and copied: in its own lines, monospace."""

from __future__ import annotations

from typing import Any

from audit.alert import Alert
from cards.elements import Container, RichTextBlock
from cards.size import Detail
from cards.text import counted, line, plain, run

#: Characters of KQL that are shown, for one piece of foreign text as long as Detail.text.
_SHARE = 12
#: What a line costs at least, for an empty one takes bytes of JSON too.
_LEAST_LINE = 20
#: An alert has one criterion nearly always.
_MOST_QUERIES = 2


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
    lines = [line(run(text or " ", font="monospace", size="small"), spacing="none") for text in shown]
    if len(shown) < len(all_lines):
        of = counted(len(all_lines), "line")
        lines.append(line(f"Shown: {len(shown)} of {of} of the query.", spacing="small"))
    return lines


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
