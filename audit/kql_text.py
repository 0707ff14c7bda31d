"""Text from outside enters a query as a literal, never as syntax; names come from our own tables alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from audit.filter import Window
from audit.kql_columns import TOTAL

MAX_ROWS = 10_000
#: Ends a query that is only to be counted: one row with the column TOTAL.
COUNTED = f"| summarize {TOTAL} = count()"

_MAX_TERM = 1024
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"})
#: Other control characters, line separators and lone surrogates: readers of KQL differ on these.
_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

#: Columns as Azure writes them. No keyword of KQL has a capital letter first, so these need no brackets.
_PLAIN_NAME = re.compile(r"_?[A-Z][A-Za-z0-9_]{0,127}")
_BRACKETED_NAME = re.compile(r"[\w .:/@-]{1,128}", re.ASCII)


class InvalidTerm(ValueError):
    """The text cannot stand in a query. `reason` is one sentence, safe to show."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def literal(text: str) -> str:
    """Return the text as a KQL string literal, the same value for every reader of KQL.

    Raises InvalidTerm for an empty text, one over 1,024 characters, and for characters that have no
    business in a search term. https://learn.microsoft.com/kusto/query/scalar-data-types/string
    """
    if not text:
        raise InvalidTerm("the search term is empty")
    if len(text) > _MAX_TERM:
        raise InvalidTerm(f"the search term is longer than {_MAX_TERM} characters")
    unfit = _UNFIT.search(text)
    if unfit:
        raise InvalidTerm(f"the search term has the character U+{ord(unfit.group()):04X}")
    return f'"{text.translate(_ESCAPES)}"'


def literals(texts: Sequence[str]) -> str:
    """Return the texts in parentheses, as `in` and `has_any` want them. Raises InvalidTerm."""
    return f"({', '.join(map(literal, texts))})"


def datetime_literal(time: datetime) -> str:
    """Return an aware time as a KQL literal in UTC, to the microsecond."""
    if time.tzinfo is None:
        raise ValueError("a time in a query needs a zone")
    return f"datetime({time.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z)"


def column(name: str) -> str:
    """Return a column's name from outside as KQL. Raises InvalidTerm for what no column is called."""
    if _PLAIN_NAME.fullmatch(name):
        return name
    if _BRACKETED_NAME.fullmatch(name):
        return f"['{name}']"
    raise InvalidTerm("a dimension of the alert has a name that no column can have")


def in_window(window: Window) -> str:
    """Return the line that keeps the rows of the window, both edges included."""
    start, end = datetime_literal(window.start), datetime_literal(window.end)
    return f"| where TimeGenerated between ({start} .. {end})"


def union(legs: Sequence[str]) -> str:
    """Join the legs; a table that the workspace does not have is left out (isfuzzy)."""
    return "union isfuzzy=true\n" + ",\n".join(f"({leg})" for leg in legs)


def newest(limit: int) -> str:
    return f"| top {bounded(limit)} by TimeGenerated desc"


def bounded(limit: int) -> int:
    """Return the limit. Raises ValueError for one that is no number of rows that we ask for."""
    if not 0 < limit <= MAX_ROWS:
        raise ValueError(f"1 to {MAX_ROWS} rows can be asked for")
    return limit


def lines(*parts: str) -> str:
    return "\n".join(part for part in parts if part)
