"""A short soak: what the process holds in its rests stays what it was. Two hours of it: bench.soak."""

from __future__ import annotations

import pytest

from bench.soak import measure

pytestmark = pytest.mark.demo


async def test_after_alerts_and_people_the_process_holds_no_more_than_before() -> None:
    result = await measure(0.0015)
    assert result.held, "\n".join([*result.notes, str(result)])
