"""The kept cards are what the code makes: a change of a card shows as a change of a file that can be looked at."""

from __future__ import annotations

import json

import pytest

from tests.cards.checks import assert_good, assert_valid
from tests.cards.golden import FOLDER, cards

CARDS = cards()


@pytest.mark.parametrize("name", CARDS)
def test_a_kept_card_is_what_is_made_now(name: str) -> None:
    kept = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    assert kept == CARDS[name], "look at the difference; then: python -m tests.cards.golden"


@pytest.mark.parametrize("name", CARDS)
def test_a_kept_card_is_good(name: str) -> None:
    assert_good(CARDS[name])
    assert_valid(CARDS[name])


def test_no_card_is_kept_that_is_not_made() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == CARDS.keys()
