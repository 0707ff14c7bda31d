"""Row `header`: the numbers of a card against a count by hand, over random windows. See tests.flows.evidence_model."""

from __future__ import annotations

from bench.difference import compared
from bench.result import Result
from tests.flows.evidence_asking import check

WINDOWS = 3_000
#: Ways of asking: query, window and what it is narrowed to.
QUESTIONS = range(40)


async def measure(scale: float) -> Result:
    """Try so many windows; the first that differs is printed, made as small as it can be."""
    count = max(1, round(WINDOWS * scale))
    return await compared(
        row="header",
        of=f"{count:,} windows, looked at twice",
        bar="0 differences",
        attempt=lambda: check(count, questions=QUESTIONS),
    )
