from __future__ import annotations

from typing import Any

from cards.answer import answered_card
from cards.incident import incident_card
from cards.size import ANSWER_ROOM, weight
from tests.cards import material as m
from tests.cards.checks import assert_good, assert_valid, lines, parts, titles

CARD = incident_card(m.an_incident(), m.an_alert(), m.ALICE_TWICE, zone=m.BERLIN, logs_url=m.LOGS_URL)


def answered(*, clickable: bool = True) -> dict[str, Any]:
    card = answered_card(CARD, at=m.at("10:02:11"), zone=m.BERLIN, clickable=clickable)
    assert_good(card)
    assert_valid(card)
    return card


def buttons(card: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the data of all buttons, those of groups among them."""
    return [part["data"] for part in parts(card) if "data" in part]


def test_an_answer_is_the_card_and_says_of_when_it_is() -> None:
    said = lines(answered())
    assert said[:-1] == lines(CARD)
    assert said[-1] == (
        "As it was 2022-05-19 12:02:11 (UTC+02:00), when it was asked for. "
        "The card that was posted for it is kept up to date."
    )


def test_its_buttons_say_that_it_is_an_answer() -> None:
    assert titles(answered()) == ["Acknowledge", "Show raw log", "Open in Logs", "Seen before"]
    data = buttons(answered())
    assert [each["c"] for each in data] == [1] * 5
    assert [{k: v for k, v in each.items() if k != "c"} for each in data] == buttons(CARD)


def test_where_the_key_opens_nothing_there_are_no_buttons_that_hold_it() -> None:
    card = answered(clickable=False)
    assert titles(card) == ["Open in Logs"]
    assert m.KEY not in str(card)
    assert not any(part["type"] == "ActionSet" for part in parts(card))
    assert "Ask on from the card that was posted." in lines(card)
    assert lines(card)[-1].endswith("Acknowledge it there, and open the raw log there.")


def test_the_card_itself_is_left_as_it_was() -> None:
    before = str(CARD)
    answered(clickable=False)
    assert str(CARD) == before


def test_it_needs_no_more_room_than_is_kept_for_it() -> None:
    assert max(weight(answered(clickable=c)) for c in (True, False)) - weight(CARD) <= ANSWER_ROOM
