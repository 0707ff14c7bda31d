from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from api.commands.terminal import LONGEST_CELL, clean, moment, span, table


@pytest.mark.parametrize(
    "character", ["\x1b", "\n", "\r", "\x00", "\x9b", "\u202e", "\u2066", "\u200b", "\ud800"]
)
def test_what_a_terminal_would_act_on_is_replaced(character: str) -> None:
    assert clean(f"a{character}b") == "a\ufffdb"


def test_what_people_write_is_left_as_it_is() -> None:
    for text in ("CoreDNS changed", "Überwachung: 変更", "a — b"):
        assert clean(text) == text


def test_a_table_keeps_its_columns_whatever_is_in_its_cells() -> None:
    lines = table(("A", "B"), [("x\ny", "1"), ("z" * 1000, "2")])
    assert [line.rstrip()[-1] for line in lines] == ["B", "1", "2"]
    assert len({len(line) for line in lines}) == 1
    assert len(lines[0]) == LONGEST_CELL + 3


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-5, "0 s"),
        (0, "0 s"),
        (119.9, "119 s"),
        (120, "2 min"),
        (7200, "2 h"),
        (100_000, "27 h"),
        (200_000, "2 d"),
    ],
)
def test_a_duration_is_said_in_its_largest_unit(seconds: float, said: str) -> None:
    assert span(timedelta(seconds=seconds)) == said


def test_a_time_is_said_in_utc() -> None:
    at = datetime(2026, 3, 4, 10, 0, 0, 999, tzinfo=timezone(timedelta(hours=1)))
    assert moment(at) == moment(at.astimezone(UTC)) == "2026-03-04 09:00:00Z"
