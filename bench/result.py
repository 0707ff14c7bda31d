"""What a row of the bench came to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Result:
    """`figure` and `bar` are words with units; `notes` are lines to be read above them."""

    row: str
    figure: str
    bar: str
    held: bool
    notes: Sequence[str] = ()

    def __str__(self) -> str:
        """Return the line that a run ends with."""
        return f"{self.row}: {self.figure} · bar {self.bar} · {'held' if self.held else 'missed'}"
