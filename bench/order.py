"""Row `order`: deliveries, repeats, clicks, restarts and failures in any order, against the model of tests.flows.order."""

from __future__ import annotations

import asyncio
import logging
import time

from hypothesis.stateful import run_state_machine_as_test

from bench.result import Result
from tests.flows.order import Order, sequences

SEQUENCES = 2000


async def measure(scale: float) -> Result:
    """Run so many sequences; the first that differs is printed, made as short as it can be."""
    count = max(1, round(SEQUENCES * scale))
    logging.disable(logging.WARNING)
    started = time.perf_counter()
    difference = await asyncio.to_thread(_first_difference, count)
    seconds = time.perf_counter() - started
    return Result(
        row="order",
        figure=f"{'1 difference' if difference else '0 differences'} in {count:,} sequences",
        bar="0 differences in cards and state",
        held=not difference,
        notes=[*difference.splitlines(), f"{seconds:,.0f} s"],
    )


def _first_difference(count: int) -> str:
    try:
        run_state_machine_as_test(Order, settings=sequences(count))
    except Exception as difference:  # noqa: BLE001 - whatever it was, the sequence did not end as it must
        notes = getattr(difference, "__notes__", [])
        return "\n".join([f"{type(difference).__name__}: {difference}", *notes])
    return ""
