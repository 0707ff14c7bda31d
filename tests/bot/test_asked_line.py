"""Of a question only its line is kept; what it asks for is read from that again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.asked_line import wanted_of, without_when
from bot.commands import COMMANDS

EVENTS = [
    example
    for spec in COMMANDS
    if spec.name in {"audits", "who", "what", "risky", "exec", "rbac", "secrets", "activity"}
    for example in spec.examples
]


def test_a_watch_has_no_time() -> None:
    assert without_when("audits coredns last 1h") == "audits coredns"


@pytest.mark.parametrize("line", EVENTS)
def test_without_its_time_it_asks_for_the_same_events(line: str) -> None:
    assert wanted_of(line) is not None
    assert wanted_of(without_when(line)) == wanted_of(line)
    assert without_when(without_when(line)) == without_when(line)


@pytest.mark.parametrize("line", ["cost last 7d", "help", "status", "raw 4d2f", "", "good morning"])
def test_what_asks_for_no_events_is_left_as_it_is(line: str) -> None:
    assert wanted_of(line) is None
    assert without_when(line) == line


@given(st.text(st.characters(exclude_categories=()), max_size=600))
def test_nothing_raises(line: str) -> None:
    wanted_of(line)
    without_when(line)
