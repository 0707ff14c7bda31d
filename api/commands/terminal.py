"""What the commands print: tables and JSON, with nothing in them that a terminal would act on."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

#: Cells are cut there.
LONGEST_CELL = 48


def say(*lines: str) -> None:
    """Print lines for whoever asked."""
    for line in lines:
        print(line)  # noqa: T201 - a command answers on standard output


def complain(*lines: str) -> None:
    """Print why something could not be done."""
    for line in lines:
        print(line, file=sys.stderr)  # noqa: T201 - for the person at the terminal


def say_json(value: Any) -> None:
    """Print a value for a program; every character beyond ASCII is escaped, so a terminal may show it too."""
    say(json.dumps(value, indent=2, default=_plain))


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table; the cells may be hostile text."""
    cells = [list(head), *([_cell(text) for text in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) for row in cells]
    return [line.rstrip() for line in lines]


def clean(text: str) -> str:
    """Return the text with everything replaced that is no visible character: escapes, line ends, marks of direction."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def span(duration: timedelta) -> str:
    """Say a duration in its largest unit: "40 s", "12 min", "3 h", "2 d"."""
    seconds = max(0, int(duration.total_seconds()))
    for unit, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * unit:
            return f"{seconds // unit} {name}"
    return f"{seconds} s"


def moment(at: datetime) -> str:
    """Say a time in UTC, to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def _cell(text: str) -> str:
    shown = clean(text)
    return shown if len(shown) <= LONGEST_CELL else shown[: LONGEST_CELL - 1] + "…"


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    raise TypeError(value)
