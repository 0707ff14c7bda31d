from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cards.storm import exactly, within


def told(ranges: str) -> list[int]:
    found: list[int] = []
    for first, last in re.findall(r"#(\d+)(?:–#(\d+))?", ranges):
        found += range(int(first), int(last or first) + 1)
    return found


@pytest.mark.parametrize(
    ("numbers", "written"),
    [
        ([], ""),
        ([5], "#5"),
        ([5, 6], "#5, #6"),
        ([5, 6, 7], "#5–#7"),
        ([9, 3, 1, 2, 2], "#1–#3, #9"),
    ],
)
def test_runs_of_numbers_are_ranges(numbers: list[int], written: str) -> None:
    assert exactly(numbers) == written


@given(st.sets(st.integers(1, 2000), max_size=300))
def test_exact_ranges_tell_each_number_once_and_no_other(numbers: set[int]) -> None:
    assert told(exactly(numbers)) == sorted(numbers)
    assert within(numbers, 100_000) == exactly(numbers)


@given(st.sets(st.integers(1, 2000), min_size=1, max_size=300), st.integers(0, 200))
def test_ranges_in_few_characters_tell_every_number(numbers: set[int], limit: int) -> None:
    written = within(numbers, limit)
    found = told(written)
    assert set(found) >= numbers
    assert (found[0], found[-1]) == (min(numbers), max(numbers))
    assert len(written) <= max(limit, len("#2000–#2000"))
