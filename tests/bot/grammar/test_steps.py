"""No line costs more than its length is worth: calls are counted, and patterns looked at, since neither takes a clock."""

from __future__ import annotations

import importlib
import re
import sys
from typing import Any

import pytest

from bot.grammar import LONGEST_LINE, from_text

MODULES = (
    *("audit.kinds", "bot.said_moments", "bot.said_spans", "bot.clicks"),
    *("bot.grammar.words", "bot.grammar.values", "bot.grammar.lines", "bot.grammar.objects"),
)
#: Far above what any line takes, and far below what a line would take that is read in quadratic time.
MOST_CALLS = 90_000


def calls_for(line: str) -> int:
    """Return how many functions, Python's and C's, are called for a line."""
    count = 0

    def counted(_frame: Any, event: str, _what: Any) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(counted)
    try:
        from_text(line)
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize(
    "piece",
    [
        *(
            "a",
            "a ",
            "1",
            "1h",
            "1h ",
            "12-",
            "a/",
            "/",
            '"',
            '""',
            "'a ",
            '"a" ',
            "<at",
            "<at>",
            "<at>a</at>",
            "&nbsp;",
        ),
        *(
            "last ",
            "since ",
            "during ",
            "the last ",
            "between 9 and ",
            "monday ",
            "march 4 ",
            "by ",
            "by a ",
            "and ",
        ),
        *(
            "pods ",
            "deleted and ",
            "yesterdy ",
            "top 5 ",
            "who ",
            "what did ",
            "help ",
            "#",
            "\u201c",
            "\u200b",
            "İ",
        ),
    ],
)
@pytest.mark.parametrize("before", ["", "audits ", "who deleted ", "what did "])
def test_a_line_takes_a_bounded_number_of_steps(before: str, piece: str) -> None:
    longest = (before + piece * LONGEST_LINE)[:LONGEST_LINE]
    assert calls_for(longest) < MOST_CALLS
    # What is beyond the longest line costs no more.
    assert calls_for(before + piece * 100_000) < MOST_CALLS


def patterns() -> list[re.Pattern[str]]:
    found = [vars(importlib.import_module(name)).values() for name in MODULES]
    return [value for values in found for value in values if isinstance(value, re.Pattern)]


def endless(tree: Any, *, inside: bool = False) -> bool:
    """Whether a pattern has a repetition without an end within another one: what backtracks without measure."""
    for operation, value in tree:
        repeats = str(operation).endswith("REPEAT")
        without_end = repeats and value[1] > LONGEST_LINE
        if without_end and inside:
            return True
        inner = value[2] if repeats else value[-1] if str(operation) == "SUBPATTERN" else None
        inners = value[1] if str(operation) == "BRANCH" else [inner] if inner is not None else []
        if any(endless(each, inside=inside or without_end) for each in inners):
            return True
    return False


def test_no_pattern_repeats_a_repetition() -> None:
    parse = importlib.import_module("re._parser").parse
    assert len(patterns()) > 12
    assert not [each.pattern for each in patterns() if endless(parse(each.pattern, each.flags))]
    assert endless(parse("(a+)+b"))
