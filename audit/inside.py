"""Rows that came inside a Log Alerts V1 body: whole audit events, which are neither kept nor shown unredacted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from audit.redact import redact
from audit.untyped import at, items, mapping, text

_RESULTS = frozenset(("searchresults", "searchresult"))
#: A typed column's name is not the audit event's, by which the URI's rule goes.
_FIELDS = {"requesturi": "requestURI"}


def without_row_secrets(body: bytes) -> bytes:
    """Return the webhook body with each cell of its rows redacted by audit.redact; as it came if that changes nothing.

    Takes any bytes without raising. It costs some milliseconds per 10 KiB of rows: it does not belong on an event loop.
    """
    try:
        document = orjson.loads(body)
    except ValueError:
        return body
    # Not one of them may be left out for the others.
    changed = [_clean(table) for table in _tables(document)]
    return orjson.dumps(document) if any(changed) else body


def _tables(document: Any) -> Iterator[dict[str, Any]]:
    """Yield the tables wherever a V1 alert has them: in itself, in `data`, or in the common schema's context."""
    for context in (document, at(document, "data"), at(document, "data", "alertContext")):
        for name, found in mapping(context).items():
            if name.lower() in _RESULTS:
                yield from (table for table in items(_named(found, "tables")) if isinstance(table, dict))


def _clean(table: dict[str, Any]) -> bool:
    """Redact the table's rows in place; tell whether that changed something."""
    names = [text(_named(column, "name")) for column in items(_named(table, "columns"))]
    is_changed = False
    for row in items(_named(table, "rows")):
        if not isinstance(row, list):
            continue
        for place, cell in enumerate(row):
            name = names[place] if place < len(names) else ""
            cleaned = _cell(name, cell)
            if not _says_the_same(cell, cleaned):
                row[place], is_changed = cleaned, True
    return is_changed


def _cell(name: str, cell: Any) -> Any:
    cleaned = redact({_FIELDS.get(name.lower(), name): cell}).event
    return next(iter(cleaned.values()))


def _says_the_same(cell: Any, cleaned: Any) -> bool:
    """JSON within a string is written anew by audit.redact, which alone is no change."""
    if cell == cleaned or not (isinstance(cell, str) and isinstance(cleaned, str)):
        return bool(cell == cleaned)
    try:
        return bool(orjson.loads(cell) == orjson.loads(cleaned))
    except ValueError:
        return False


def _named(value: object, name: str) -> object:
    """Return the member of that name in any case: V1's names changed their spelling over the years."""
    if not isinstance(value, Mapping):
        return None
    return next((member for key, member in value.items() if key.lower() == name), None)
