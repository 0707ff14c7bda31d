from __future__ import annotations

import pytest

from cards.elements import AdaptiveCard
from cards.pressable import pressable
from tests.cards.checks import assert_good, assert_valid, lines


def test_what_is_pressed_is_said_as_it_stands() -> None:
    row = pressable("audits <b>coredns</b> last 1h", style="emphasis").to_dict()
    assert row["selectAction"]["type"] == "Action.Submit"
    said = row["selectAction"]["data"]["msteams"]
    assert (said["type"], said["text"]) == ("messageBack", "audits <b>coredns</b> last 1h")


def test_it_has_no_title_so_that_foreign_text_is_drawn_by_a_text_run_only() -> None:
    assert "title" not in pressable("audits **x**").to_dict()["selectAction"]


def test_something_else_can_be_shown_of_it() -> None:
    card = AdaptiveCard.of([pressable("audits x on rg/prod-weu", shown="rg/prod-weu")], []).to_dict()
    assert lines(card) == ["rg/prod-weu"]
    assert_good(card)
    assert_valid(card)


@pytest.mark.parametrize(
    "said", ["", "  ", "x" * 1000, "\U0001f600" * 100, "a\nb", "open\u202e", "lone\ud800", "{{DATE(x)}}"]
)
def test_an_empty_a_very_long_or_a_deceptive_line_is_shown_and_cannot_be_pressed(said: str) -> None:
    row = pressable(said)
    assert "selectAction" not in row.to_dict()
