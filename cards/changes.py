"""What an event changed, line by line, or why that is not known."""

from __future__ import annotations

from typing import Any

from audit.changes import DELETION
from audit.evidence import Change
from cards.actions import toggle
from cards.elements import Container, RichTextBlock
from cards.size import Detail
from cards.text import counted, joined, line, plain, run

_COLORS = {"+": "good", "-": "attention"}
_BY_REQUEST = "the request says; the state before it is not known"


def change_blocks(change: Change | None, name: str, detail: Detail) -> list[Any]:
    """Return a line that opens into what changed; of what is not known, why. `name` begins the ids."""
    if change is None:
        return []
    if not change.lines:
        # What a deletion changed, its own line says already.
        why = "" if change.why_not == DELETION else plain(change.why_not, 2 * detail.text)
        return [_small(f"What changed is not known: {why}")] if why else []
    opens = line(run(f"± What changed: {_extent(change)}", color="accent"), spacing="none")
    shown = change.lines[: detail.lines]
    more = len(change.lines) - len(shown) + change.more
    lines = [_line(text, detail) for text in shown]
    if more:
        lines.append(_small(f"Shown: {len(shown):,} of {counted(len(shown) + more, 'line')}."))
    if not change.compared:
        lines.append(_small(f"As {_BY_REQUEST}."))
    if change.why_not.strip():
        lines.append(_small(plain(change.why_not, 2 * detail.text)))
    return [
        Container(items=[opens], select_action=toggle("Show or hide what changed", [name]), spacing="none"),
        Container(items=lines, id=name, visible=False, style="emphasis", spacing="small"),
    ]


def _extent(change: Change) -> str:
    """Return how many lines came and went, or how many fields are others now, and by what kind of change."""
    if change.added == change.removed and not any(text[:1] in _COLORS for text in change.lines):
        # A field that has another value is no line that came and one that went: what it was may not be known.
        return joined((counted(change.added or len(change.lines) + change.more, "field"), change.kind or ""))
    counts = [f"+{change.added:,}"] if change.added else []
    counts += [f"−{change.removed:,}"] if change.removed else []  # noqa: RUF001
    of = f"{' '.join(counts)} lines" if counts else counted(len(change.lines) + change.more, "field")
    return joined((of, change.kind or ""))


def _line(text: str, detail: Detail) -> RichTextBlock:
    color = _COLORS.get(text[:1], "default")
    return line(
        run(text or " ", 2 * detail.text, font="monospace", size="small", color=color), spacing="none"
    )


def _small(text: str) -> RichTextBlock:
    return line(run(text, size="small", subtle=True), spacing="none")
