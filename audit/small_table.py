"""What an alert's query returned that is no audit events, as text that may leave. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from audit.event import AuditEvent, parse_event
from audit.evidence import SmallTable
from audit.redact import redact, redact_uri
from audit.untyped import mapping, shorten, written

#: What is kept of it.
MOST_ROWS = 20
MOST_COLUMNS = 20
MAX_CELL = 300
#: Only to have one: nothing of it is shown.
_ANY_TIME = "2000-01-01T00:00:00Z"


def small_table(rows: Sequence[Mapping[str, Any]], *, total: int, because: str) -> SmallTable:
    """Keep the first rows and columns as text without secrets; `total` is how many rows the workspace has of it.

    Columns that no row fills are left out: AzureDiagnostics has hundreds of them.
    """
    filled = {name for row in rows[:MOST_ROWS] for name, value in row.items() if written(value)}
    columns = [name for name in (rows[0] if rows else ()) if name in filled][:MOST_COLUMNS]
    return SmallTable(
        columns=tuple(shorten(name, MAX_CELL) for name in columns),
        rows=tuple(_cells(row, columns) for row in rows[:MOST_ROWS]),
        total=max(total, len(rows)),
        because=because,
    )


def _clean(value: object) -> object:
    """Take secrets out of what only its form tells: a request's URI, and a whole audit event."""
    if not isinstance(value, str):
        return value
    if value.startswith("/"):
        return redact_uri(value)
    found = parse_event({"log_s": value, "TimeGenerated": _ANY_TIME}) if value.startswith("{") else None
    return redact(found.raw).event if isinstance(found, AuditEvent) else value


def _cells(row: Mapping[str, Any], columns: Sequence[str]) -> tuple[str, ...]:
    # A column's name tells a secret as a field's does, and a cell may be a whole event.
    clean = mapping(redact({"row": {name: _clean(row.get(name)) for name in columns}}).event["row"])
    return tuple(shorten(written(clean.get(name)), MAX_CELL) for name in columns)
