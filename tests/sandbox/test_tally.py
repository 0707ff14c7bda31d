from __future__ import annotations

import asyncio

from sandbox.tally import Tally


async def test_what_comes_in_one_moment_is_said_once_with_its_sum() -> None:
    said: list[tuple[int, int]] = []
    tally = Tally(lambda times, total: said.append((times, total)), moment=0.02)
    for number in (2, 0, 5):
        tally.add(number)
    assert said == []
    await asyncio.sleep(0.05)
    assert said == [(3, 7)]
    tally.add(1)
    await asyncio.sleep(0.05)
    assert said == [(3, 7), (1, 1)]
