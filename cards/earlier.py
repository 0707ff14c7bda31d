"""What the incident's earlier alerts were about, a line each."""

from __future__ import annotations

from collections.abc import Sequence

from audit.evidence import Earlier
from cards.elements import RichTextBlock
from cards.size import Detail
from cards.text import Times, counted, joined, line, number, plain, run

#: The newest of them.
_MOST = 3


def earlier_lines(windows: Sequence[Earlier], times: Times, detail: Detail) -> list[RichTextBlock]:
    """Return a line for each of the newest earlier windows, oldest first, and how many came before those."""
    shown = windows[-min(_MOST, detail.groups) :]
    lines = [line(run(_said(each, times, detail), size="small"), spacing="small") for each in shown]
    more = len(windows) - len(shown)
    if more:
        before = f"And {counted(more, 'window')} of earlier alerts before that."
        lines.insert(0, line(run(before, size="small"), spacing="small"))
    return lines


def _said(each: Earlier, times: Times, detail: Detail) -> str:
    people = f"{each.by_people:,} by people" if each.by_people else ""
    counted_then = f"alert counted {number(each.counted)}" if each.counted is not None else ""
    found = f"audit log: {each.missing}" if each.missing else counted(each.returned, "row")
    facts = joined((times.span(each.window), counted_then, found, people))
    what = plain(each.headline, 2 * detail.text)
    return f"Earlier in this incident: {facts}{f': {what}' if what.strip() else ''}"
