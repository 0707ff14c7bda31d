"""The README's tables, for the tests that hold them and the program together."""

from __future__ import annotations

from tests.samples import ROOT


def table(first: str) -> list[list[str]]:
    """Return the rows of the table whose first column is headed `first`, cell by cell, without head and rule."""
    lines = iter((ROOT / "README.md").read_text().splitlines())
    next(line for line in lines if line.startswith(f"| {first} |"))
    next(lines)
    rows: list[list[str]] = []
    for line in lines:
        if not line.startswith("|"):
            return rows
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows
