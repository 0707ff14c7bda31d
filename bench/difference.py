"""A row that tries many cases against a model: how many differ, and the first that does."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from bench.result import Result


async def compared(*, row: str, of: str, bar: str, attempt: Callable[[], object]) -> Result:
    """Run `attempt`, which raises at the first case that differs, made as small as it can be; that is printed.

    `of` is what it tries, such as "2,000 sequences".
    """
    logging.disable(logging.WARNING)
    started = time.perf_counter()
    difference = await asyncio.to_thread(_first_difference, attempt)
    seconds = time.perf_counter() - started
    return Result(
        row=row,
        figure=f"{'1 difference' if difference else '0 differences'} in {of}",
        bar=bar,
        held=not difference,
        notes=[*difference.splitlines(), f"{seconds:,.0f} s"],
    )


def _first_difference(attempt: Callable[[], object]) -> str:
    try:
        attempt()
    except Exception as difference:  # noqa: BLE001 - whatever it was, the case did not end as it must
        notes = getattr(difference, "__notes__", [])
        return "\n".join([f"{type(difference).__name__}: {difference}", *notes])
    return ""
