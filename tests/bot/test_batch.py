from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from bot.batch import Batch


async def test_what_comes_while_a_group_is_written_is_the_next_group() -> None:
    groups: list[list[int]] = []

    async def write(items: Sequence[int]) -> Sequence[int]:
        groups.append(list(items))
        await asyncio.sleep(0.01)
        return [item * 10 for item in items]

    batch: Batch[int, int] = Batch(write, most=3)
    first = [asyncio.create_task(batch.add(n)) for n in range(2)]
    await asyncio.sleep(0.005)
    rest = [asyncio.create_task(batch.add(n)) for n in range(2, 7)]
    assert await asyncio.gather(*first, *rest) == [0, 10, 20, 30, 40, 50, 60]
    assert groups == [[0, 1], [2, 3, 4], [5, 6]]


async def test_a_failure_is_that_of_everybody_in_the_group_and_of_nobody_else() -> None:
    async def write(items: Sequence[int]) -> Sequence[int]:
        if 0 in items:
            raise ValueError("no zero")
        return items

    batch: Batch[int, int] = Batch(write, most=2)
    outcomes = await asyncio.gather(*(batch.add(n) for n in range(4)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [ValueError, ValueError, int, int]


async def test_one_who_stops_waiting_stops_nothing() -> None:
    written: list[int] = []

    async def write(items: Sequence[int]) -> Sequence[int]:
        await asyncio.sleep(0.01)
        written.extend(items)
        return items

    batch: Batch[int, int] = Batch(write, most=10)
    impatient = asyncio.create_task(batch.add(1))
    patient = asyncio.create_task(batch.add(2))
    await asyncio.sleep(0.005)
    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    assert await patient == 2
    assert written == [1, 2]
