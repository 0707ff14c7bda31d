"""A short soak: what the process holds in its rests stays what it was. Two hours of it: bench.soak."""

from __future__ import annotations

from collections import Counter

import pytest

from bench.soak import Sample, measure, slope


@pytest.mark.demo
async def test_after_alerts_and_people_the_process_holds_no_more_than_before() -> None:
    result = await measure(0.0015)
    assert result.held, "\n".join([*result.notes, str(result)])


def test_the_slope_is_that_of_the_straight_line_through_the_samples() -> None:
    def sample(minutes: float, memory: int) -> Sample:
        return Sample(at=minutes * 60, memory=memory, running=Counter(), handles=1, threads=1)

    # Up by 1 MB an hour, and every second sample 3 MB above it.
    samples = [sample(n, n * 1_000_000 // 60 + (n % 2) * 3_000_000) for n in range(121)]
    assert slope(samples) == pytest.approx(1_000_000, rel=0.01)
    assert slope(samples[:1]) == 0.0
