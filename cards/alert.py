"""What the alert itself says: its description, facts, properties, and the rows that it brought along."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from audit.alert import Alert, ResultTable
from audit.origin import Origin
from audit.secrets import Tally, without_secrets
from cards.elements import Container, RichTextBlock
from cards.size import Detail
from cards.text import counted, joined, line, named, plain, run

#: Rows, columns of one row, and tables that are shown of what an alert brought along.
_MOST_ROWS = 5
_MOST_COLUMNS = 12
_MOST_TABLES = 2
_RAW_COLUMNS = frozenset({"log_s", "requestobject", "responseobject"})
#: Characters of a column's name, more than any of those has, by which it is told: a name may be a megabyte long.
_TELLING = 20


def alert_blocks(alert: Alert, detail: Detail) -> list[Any]:
    """Return what the alert says of itself; every string of it is foreign."""
    return [
        *_results(alert.results, detail),
        *_pairs(alert.facts, "fact", detail),
        *_pairs(alert.custom_properties.items(), "property of the rule", detail, "properties of the rule"),
        *([] if said_on_top(alert) else _description(alert.description, detail)),
    ]


def said_on_top(alert: Alert) -> bool:
    """Tell whether its description is ours: who made it, which stands on top of the card."""
    return alert.origin is not Origin.AZURE


def _description(text: str, detail: Detail) -> list[RichTextBlock]:
    if not text.strip():
        return []
    return [line(run("The rule says: ", weight="bolder"), run(text, 3 * detail.text), spacing="small")]


def _pairs(pairs: Iterable[tuple[str, str]], one: str, detail: Detail, many: str = "") -> list[RichTextBlock]:
    filled = [(name, value) for name, value in pairs if value.strip()]
    shown = filled[: detail.groups]
    lines = [
        line(
            run(f"{named(name, '(no name)', detail.text)}: ", weight="bolder"),
            run(value, 2 * detail.text),
            spacing="small",
        )
        for name, value in shown
    ]
    if len(shown) < len(filled):
        lines.append(line(f"Shown: {len(shown):,} of {counted(len(filled), one, many)}.", spacing="small"))
    return lines


def _results(tables: Sequence[ResultTable], detail: Detail) -> list[Any]:
    blocks: list[Any] = []
    for table in tables[:_MOST_TABLES]:
        blocks += _table(table, detail)
    if len(tables) > _MOST_TABLES:
        blocks.append(line(f"Shown: {_MOST_TABLES} of {counted(len(tables), 'table')}."))
    return blocks


def _table(table: ResultTable, detail: Detail) -> list[Any]:
    """Show each row as one paragraph of its filled columns: a phone has no room for a table."""
    shown = table.rows[: min(_MOST_ROWS, detail.events)]
    of = f"{len(shown):,} of " if len(shown) < len(table.rows) else ""
    title = f"{of}{counted(len(table.rows), 'row')} inside the alert"
    rows: list[Any] = [_row(table.columns, row, detail) for row in shown]
    items = Container(items=rows, style="emphasis", spacing="small")
    return [line(run(title, weight="bolder")), *([items] if rows else [])]


def _row(columns: Sequence[str], row: Sequence[str], detail: Detail) -> RichTextBlock:
    filled = [(name, _clean(name, value)) for name, value in zip(columns, row, strict=False) if value.strip()]
    most = min(_MOST_COLUMNS, detail.groups)
    cells = [f"{plain(name, detail.text)}: {plain(value, detail.text)}" for name, value in filled[:most]]
    more = len(filled) - most
    end = f"{more:,} more of {counted(len(columns), 'column')}" if more > 0 else ""
    return line(joined((*cells, end)) or "(empty row)", spacing="small")


def _clean(column: str, value: str) -> str:
    """Return a cell without secrets; a column that holds raw audit events or bodies is only named (rule R0)."""
    if column[:_TELLING].lower() in _RAW_COLUMNS:
        return "[not shown: raw log]"
    return without_secrets(value, Tally())
