"""Row `faults`: everything that the bot stands on, broken in every way that has a meaning; how soon it is well again."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.result import Result
from sandbox.postgres import NoPostgres
from tests.faults.cells import BAR, CELLS, WHY_NOT, How, Part, Timing
from tests.faults.matrix import Outcome, run_cell
from tests.faults.troubles import NoSmallDisk

#: Seconds: as in tests.faults.cells, for the recorded run; a short run has shorter faults.
WHOLE = Timing()
SHORTEST = Timing(lasting=3.0, slow=2.0, turn=1.0, pause=1.0, patience=BAR * 2)
#: Cells that run side by side: they wait most of the time.
AT_ONCE = 2

Cells = Mapping[tuple[Part, How], Outcome | str]


async def measure(scale: float) -> Result:
    """Run all cells and print the table; a cell that this machine cannot run says why and is missed."""
    cells = await _all(_timing(scale))
    outcomes = [found for found in cells.values() if isinstance(found, Outcome)]
    times = [span for each in outcomes for span in (each.well, each.settled)]
    slowest = max((span for span in times if span is not None), default=0.0)
    held = [each for each in outcomes if each.held]
    lost = sum(len(each.lost) for each in outcomes)
    never = sum(span is None for span in times)
    return Result(
        row="faults",
        figure=(
            f"{len(held)} of {len(CELLS)} cells, slowest well again {slowest:.1f} s"
            f"{f' and {never} times never' if never else ''}, {lost} lost"
        ),
        bar=f"all {len(CELLS)} cells, ≤ {BAR:.0f} s, 0 lost, no 5xx but 503, no crash",
        held=len(held) == len(CELLS),
        notes=[*table(cells), "", *(str(found) for found in cells.values())],
    )


def _timing(scale: float) -> Timing:
    if scale >= 1:
        return WHOLE

    def between(short: float, whole: float) -> float:
        return short + (whole - short) * scale

    return Timing(
        lasting=between(SHORTEST.lasting, WHOLE.lasting),
        slow=between(SHORTEST.slow, WHOLE.slow),
        turn=between(SHORTEST.turn, WHOLE.turn),
        pause=between(SHORTEST.pause, WHOLE.pause),
        patience=SHORTEST.patience,
    )


async def _all(timing: Timing) -> Cells:
    places = asyncio.Semaphore(AT_ONCE)

    async def one(part: Part, how: How) -> Outcome | str:
        async with places:
            with tempfile.TemporaryDirectory(prefix="bench-") as folder:
                try:
                    return await run_cell(part, how, Path(folder), timing)
                except (NoSmallDisk, NoPostgres) as cannot:
                    return f"{part} × {how}: {cannot}"

    found = await asyncio.gather(*(one(part, how) for part, how in CELLS))
    return dict(zip(CELLS, found, strict=True))


def table(cells: Cells) -> Sequence[str]:
    """Return the lines of a table in Markdown: seconds until well / until nothing was missing, or why there is no cell."""
    lines = ["| | " + " | ".join(How) + " |", "|---|" + "---|" * len(How)]
    for part in Part:
        told = [_cell(cells.get((part, how)) or WHY_NOT[part, how]) for how in How]
        lines.append(f"| {part} | " + " | ".join(told) + " |")
    return lines


def _cell(found: Outcome | str) -> str:
    if isinstance(found, str):
        return f"none: {found}"
    spans = [f"{span:.1f} s" if span is not None else "never" for span in (found.well, found.settled)]
    return " / ".join(spans) + ("" if found.held else " (missed)")
