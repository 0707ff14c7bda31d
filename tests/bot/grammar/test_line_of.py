from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from audit.filter import Outcome, Wanted
from bot.asked import Acknowledge, AskActivity, AskEvents, AskPerson, AskWho, Misunderstood, Question, Watch
from bot.grammar import LONGEST_SAID, from_text, line_of
from bot.when import DEFAULT, When
from tests.bot.grammar.asked import questions
from tests.fuzz.lines import check, mutated

KEY = "0123456789abcdef0123456789abcdef"


@settings(max_examples=1500, deadline=None)
@given(questions)
def test_every_question_is_read_back_from_its_own_line(question: Question) -> None:
    line = line_of(question)
    assume(len(line) <= LONGEST_SAID)
    assert from_text(line) == question, line
    assert line_of(from_text(line)) == line


@pytest.mark.parametrize(
    ("question", "line"),
    [
        (AskEvents(what=Wanted(), when=DEFAULT), "audits all last 1h"),
        (AskEvents(what=Wanted(term="yesterday"), when=DEFAULT), 'audits "yesterday" last 1h'),
        (AskEvents(what=Wanted(term='say "hi"'), when=DEFAULT), "audits 'say \"hi\"' last 1h"),
        (AskEvents(what=Wanted(term='it\'s "x"'), when=DEFAULT), 'audits "it\'s ""x""" last 1h'),
        (
            AskEvents(what=Wanted(namespace="shop", name="web", verbs=("delete",)), when=DEFAULT, top=5),
            "audits shop/web verb delete top 5 last 1h",
        ),
        (
            AskEvents(what=Wanted(name="pods", resources=("services",)), when=DEFAULT),
            'audits services name "pods" last 1h',
        ),
        (
            AskEvents(what=Wanted(cluster="monday", outcome=Outcome.DENIED), when=When(text="monday")),
            'audits on "monday" denied monday',
        ),
        (AskWho(what=Wanted(), when=DEFAULT), "who touched anything last 1h"),
        (
            AskPerson(what=Wanted(user="Alice Lee", verbs=("create",)), when=When(text="today")),
            'what did "Alice Lee" create today',
        ),
    ],
)
def test_a_question_is_written_as_short_as_it_can_be_read(question: Question, line: str) -> None:
    assert line_of(question) == line
    assert from_text(line) == question


@settings(max_examples=300, deadline=None)
@given(questions)
def test_a_question_is_the_same_without_its_time(question: Question) -> None:
    if isinstance(question, AskEvents | AskWho | AskPerson | AskActivity):
        line = line_of(question)
        assume(len(line) <= LONGEST_SAID)
        timeless = from_text(line.removesuffix(question.when.text))
        assert timeless == replace(question, when=DEFAULT)


@pytest.mark.parametrize("command", [Acknowledge(key=KEY), Watch(key=KEY), Misunderstood(text="x")])
def test_what_nobody_can_type_has_no_line(command: Acknowledge | Watch | Misunderstood) -> None:
    assert not line_of(command)


@settings(max_examples=4000, deadline=None)
@given(st.integers(0, 2**48))
def test_damaged_lines_are_understood_or_told_why(seed: int) -> None:
    check(mutated(Random(seed)))


@settings(max_examples=1000, deadline=None)
@given(st.text(max_size=80), st.sampled_from(["", "audits ", "who ", "what did ", "raw ", "incident ", "#"]))
def test_no_text_raises(text: str, before: str) -> None:
    check(before + text)


@pytest.mark.parametrize(
    "piece",
    [
        '"',
        "a/",
        "last ",
        "1h",
        "<at",
        "<at>",
        "12-",
        "by ",
        "during ",
        "-",
        "&nbsp;",
        "x",
        "and ",
        "'a ",
        "\u201c",
    ],
)
def test_a_long_line_of_one_thing_is_told_off(piece: str) -> None:
    for count in (1000 // len(piece), 100_000 // len(piece)):
        check(piece * count)
        check(f"audits {piece * count}")
