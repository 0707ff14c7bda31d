"""Row `order`: deliveries, repeats, clicks, restarts and failures in any order, against the model of tests.flows.order."""

from __future__ import annotations

from hypothesis.stateful import run_state_machine_as_test

from bench.difference import compared
from bench.result import Result
from tests.flows.order import Order, sequences

SEQUENCES = 2000


async def measure(scale: float) -> Result:
    """Run so many sequences; the first that differs is printed, made as short as it can be."""
    count = max(1, round(SEQUENCES * scale))
    return await compared(
        row="order",
        of=f"{count:,} sequences",
        bar="0 differences in cards and state",
        attempt=lambda: run_state_machine_as_test(Order, settings=sequences(count)),
    )
