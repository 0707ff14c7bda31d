"""Row `header`: the numbers of a card against a count by hand, over random windows. See tests.flows.evidence_model."""

from __future__ import annotations

import asyncio
import logging
import time

from bench.result import Result
from tests.flows.evidence_asking import check

WINDOWS = 3_000
#: Ways of asking: query, window and what it is narrowed to.
QUESTIONS = range(40)


async def measure(scale: float) -> Result:
    """Try so many windows; the first that differs is printed, made as small as it can be."""
    count = max(1, round(WINDOWS * scale))
    logging.disable(logging.WARNING)
    started = time.perf_counter()
    difference = await asyncio.to_thread(_first_difference, count)
    seconds = time.perf_counter() - started
    return Result(
        row="header",
        figure=f"{'1 difference' if difference else '0 differences'} in {count:,} windows, looked at twice",
        bar="0 differences",
        held=not difference,
        notes=[*difference.splitlines(), f"{seconds:,.0f} s"],
    )


def _first_difference(count: int) -> str:
    try:
        check(count, questions=QUESTIONS)
    except Exception as difference:  # noqa: BLE001 - whatever it was, a number was not what it must be
        notes = getattr(difference, "__notes__", [])
        return "\n".join([f"{type(difference).__name__}: {difference}", *notes])
    return ""
