"""What an alert's query returned that is no audit events, row by row: a phone has no room for a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from audit.evidence import SmallTable
from cards.elements import Container, RichTextBlock, TextRun
from cards.size import Detail
from cards.text import counted, line, plain, run

#: Columns of one row.
_MOST_COLUMNS = 12


def small_table_blocks(table: SmallTable, detail: Detail) -> list[Any]:
    """Return what it is, and its rows as far as there is room."""
    shown = table.rows[: min(detail.lines, detail.groups)]
    total = max(table.total, len(table.rows))
    of = (
        f"{len(shown):,} of its {counted(total, 'row')}"
        if len(shown) < total
        else f"its {counted(total, 'row')}"
    )
    label = line(
        run("The alert's query returns a table, not audit events", weight="bolder"),
        f"{_because(table, detail)}: {of}.",
        spacing="medium",
    )
    rows: list[Any] = [_row(table.columns, row, detail) for row in shown]
    return [label, *([Container(items=rows, style="emphasis", spacing="small")] if rows else [])]


def _because(table: SmallTable, detail: Detail) -> str:
    """An operator is written small, a table's name is not."""
    word = plain(table.because, detail.text)
    if not word.strip():
        return ""
    return f" (reshaped by {word})" if word[:1].islower() else f" (it reads {word})"


def _row(columns: Sequence[str], row: Sequence[str], detail: Detail) -> RichTextBlock:
    """Return the filled cells, each behind its column's name."""
    filled = [(name, value) for name, value in zip(columns, row, strict=False) if value.strip()]
    runs: list[TextRun | str] = []
    for name, value in filled[: min(_MOST_COLUMNS, detail.groups)]:
        runs += [
            run(f"{' · ' if runs else ''}{plain(name, detail.text)}: ", subtle=True),
            run(value, detail.text, weight="bolder"),
        ]
    more = len(filled) - min(_MOST_COLUMNS, detail.groups)
    runs += [f" · {more:,} more of {counted(len(columns), 'column')}"] if more > 0 else []
    return line(*(runs or ["(empty row)"]), spacing="small")
