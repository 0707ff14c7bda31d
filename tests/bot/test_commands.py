from __future__ import annotations

import pytest

from bot.asked import EndWatch, Help, ListWatches, Misunderstood
from bot.commands import COMMANDS, FILTERS, Spec
from bot.grammar import from_text, line_of

every = pytest.mark.parametrize("spec", COMMANDS, ids=[each.name for each in COMMANDS])


@every
def test_every_example_is_understood_as_the_command_that_it_stands_for(spec: Spec) -> None:
    for line in spec.examples:
        command = from_text(line)
        assert not isinstance(command, Misunderstood), line
        said = line_of(command)
        if isinstance(command, EndWatch | ListWatches):
            assert spec.name == "watches"
        else:
            assert said.split()[0] == spec.name


@every
def test_every_word_of_a_command_begins_a_line_of_it(spec: Spec) -> None:
    rest = spec.examples[0].split(" ", 1)[1:] if spec.name != "what" else ["alice do today"]
    for words in spec.words:
        if words == "unwatch":
            continue
        assert from_text(" ".join((words, *rest))) == from_text(spec.examples[0])


@every
def test_help_is_had_of_every_command_by_each_of_its_words(spec: Spec) -> None:
    for words in spec.words:
        assert from_text(f"help {words}") == Help(about=spec.name)


@every
def test_a_command_fits_into_the_manifest_and_on_a_card(spec: Spec) -> None:
    assert spec.words
    assert spec.name in spec.words or spec.name == "what"
    assert 0 < len(spec.help) <= 128
    assert not spec.help.endswith(".")
    assert all(detail.endswith(".") for detail in spec.details)
    assert spec.examples


def test_the_menu_holds_ten_and_no_word_is_two_commands() -> None:
    assert sum(each.menu for each in COMMANDS) <= 10
    words = [word for each in COMMANDS for word in each.words]
    assert len(words) == len(set(words))
    assert all(word == word.lower() for word in words)


@pytest.mark.parametrize("line", ["who deleted the deployment frontend yesterday afternoon"])
def test_what_somebody_wants_to_know_is_an_example_of_the_help(line: str) -> None:
    who = next(each for each in COMMANDS if each.name == "who")
    assert from_text(who.examples[0]) == from_text(line)


def test_what_the_help_says_can_narrow_a_question_does() -> None:
    what, narrow, when, _ = (detail.partition(":")[2].strip(" .") for detail in FILTERS)
    pieces = narrow.replace(" or ", " · ").replace(", ", " · ").split(" · ")
    times = when.partition(";")[0].split(", ")
    objects = what.replace(" or a kind as kubectl names it:", "").split(", ")[1:]
    for piece in (*pieces, *times, *objects):
        for line in (
            f"audits {piece}",
            f"who touched {piece}",
            f"activity {piece}",
            f"what did alice do {piece}",
        ):
            is_user = line.startswith("what") and piece == "by alice"
            assert is_user or not isinstance(from_text(line), Misunderstood), line
