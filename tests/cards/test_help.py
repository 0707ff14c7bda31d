from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.asked import Misunderstood
from bot.commands import COMMANDS, FILTERS
from bot.grammar import from_text
from cards.help import MOST_ASKED, HelpLine, command_card, help_card
from tests.cards.checks import assert_good, assert_valid, lines, parts, text, titles
from tests.cards.telling import HELP


def pressed(card: dict[str, Any]) -> list[str]:
    return [part["selectAction"]["data"]["msteams"]["text"] for part in parts(card) if "selectAction" in part]


def test_what_is_asked_most_runs_when_it_is_pressed() -> None:
    card = help_card(HELP, how=FILTERS)
    assert_good(card)
    assert_valid(card)
    first = [each.examples[0] for each in COMMANDS if each.menu][:MOST_ASKED]
    assert pressed(card)[:MOST_ASKED] == first
    assert all(line in lines(card) for line in first)


def test_every_other_command_is_told_and_tells_more_when_it_is_pressed() -> None:
    card = help_card(HELP, how=FILTERS)
    others = pressed(card)[MOST_ASKED:]
    told = {line.removeprefix("help ") for line in others} | {
        line.split()[0] for line in pressed(card)[:MOST_ASKED]
    }
    assert told == {each.name for each in COMMANDS}
    assert titles(card) == ["help audits", "help who", "help what", "help risky"]


def test_who_deleted_the_deployment_frontend_yesterday_afternoon_is_found_from_help_alone() -> None:
    assert "who deleted deploy/frontend yesterday afternoon" in pressed(help_card(HELP, how=FILTERS))


def test_it_says_how_what_and_when_are_written() -> None:
    said = text(help_card(HELP, how=FILTERS))
    assert all(sentence in said for sentence in FILTERS)
    assert "In your own words" not in text(help_card(HELP))


@pytest.mark.parametrize("one", HELP, ids=lambda each: each.name)
def test_help_of_one_command_has_its_usage_its_details_and_examples_that_run(one: HelpLine) -> None:
    card = command_card(one)
    assert_good(card)
    assert_valid(card)
    said = lines(card)
    assert said[0] == f"help {one.name}"
    assert f"Written: {one.usage}" in said
    assert set(one.details) <= set(said)
    assert pressed(card) == list(one.examples)


def test_a_command_without_examples_or_details_makes_a_good_card() -> None:
    assert_good(command_card(replace(HELP[0], examples=(), details=())))
    assert_good(help_card(()))
    assert_good(help_card([replace(HELP[0], examples=())]))


@pytest.mark.parametrize(
    "card", [help_card(HELP, how=FILTERS), *map(command_card, HELP)], ids=lambda card: lines(card)[0]
)
def test_every_line_that_can_be_pressed_is_understood(card: dict[str, Any]) -> None:
    said = [*pressed(card), *(action["data"]["msteams"]["text"] for action in card.get("actions", ()))]
    assert not [line for line in said if isinstance(from_text(line), Misunderstood)]
