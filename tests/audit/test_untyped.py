from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.untyped import MAX_TEXT, are_plain, moment, text, texts

#: What a JSON array may hold, the ugly ones often.
ITEMS = st.lists(
    st.text(max_size=6)
    | st.sampled_from(["", " ", "\t\n", "\0", "a\0", "\ud800", "x" * 10, "\u2003"])
    | st.none()
    | st.integers()
    | st.lists(st.text(max_size=3), max_size=2),
    max_size=5,
)


@given(ITEMS, st.integers(min_value=1, max_value=20))
def test_what_is_told_of_all_strings_together_is_true_of_each(values: list[object], limit: int) -> None:
    if are_plain(values, limit):
        assert [text(value, limit) for value in values] == values


@given(ITEMS, st.integers(min_value=1, max_value=20))
def test_an_array_is_read_as_its_strings_are_one_by_one(values: list[object], limit: int) -> None:
    one_by_one = [text(value, limit) for value in values]
    assert texts(values, limit) == tuple(each for each in one_by_one if each and not each.isspace())


def test_strings_that_are_too_long_only_together_are_not_judged_together() -> None:
    halves = ["a" * MAX_TEXT, "b"]
    assert not are_plain(halves)
    assert texts(halves) == tuple(halves)


@pytest.mark.parametrize(
    ("sent", "read_as"),
    [
        ("2026-03-04T09:37:25.5Z", datetime(2026, 3, 4, 9, 37, 25, 500_000, UTC)),
        (" 2026-03-04T09:37:25Z\n", datetime(2026, 3, 4, 9, 37, 25, tzinfo=UTC)),
        ("2026-03-04T09:37:25.123456789Z", datetime(2026, 3, 4, 9, 37, 25, 123_456, UTC)),
        ("2026-03-04T11:37:25+02:00", datetime(2026, 3, 4, 9, 37, 25, tzinfo=UTC)),
        ("2026-03-04T09:37:25", datetime(2026, 3, 4, 9, 37, 25, tzinfo=UTC)),
        ("3/4/2026 9:37:25 AM", datetime(2026, 3, 4, 9, 37, 25, tzinfo=UTC)),
        ("9999-12-31T23:59:59-01:00", None),
        (" 0001-01-01T00:00:00+01:00 ", None),
        ("", None),
        ("2026-03-04T09:37:25Z" + " " * 100, None),
        (7, None),
    ],
)
def test_a_time_is_aware_utc_or_none(sent: object, read_as: datetime | None) -> None:
    found = moment(sent)
    assert found == read_as
    assert found is None or found.tzinfo is UTC
