from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from audit.incident import Incident
from cards.incident_list import incident_list_card, incident_list_summary
from tests.cards import material as m
from tests.cards import telling
from tests.cards.checks import assert_good, assert_valid, lines, parts


def a_list(found: Sequence[Incident] = telling.INCIDENTS, **changes: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {"total": len(found), "mine": False, "at": telling.NOW, "here": True}
    card = incident_list_card(found, zone=m.BERLIN, **(fields | changes))
    assert_good(card)
    assert_valid(card)
    return card


def test_it_tells_what_each_is_how_old_and_who_has_it() -> None:
    said = lines(a_list())
    assert said[0] == "3 open incidents here"
    assert said[2:4] == [
        "#14 Error · AKS-Shell-Alert",
        "prod-weu · opened 14:53:00, 12 min ago · nobody acknowledged",
    ]
    assert said[5].endswith("opened 11:45:00, 3 h 20 min ago · 4 alerts · nobody acknowledged")
    assert said[7].endswith("2 d ago · acknowledged by Bob Lee 11:41:07")


def test_pressing_one_asks_for_its_card() -> None:
    pressed = [
        part["selectAction"]["data"]["msteams"]["text"] for part in parts(a_list()) if "selectAction" in part
    ]
    assert pressed == ["incident 14", "incident 13", "incident 12"]


def test_fewer_than_all_are_counted() -> None:
    assert lines(a_list(total=41))[:2] == [
        "41 open incidents here",
        "The newest 3 shown; press one to see its card · 2022-05-19 15:05:00 (Europe/Berlin, UTC+02:00)",
    ]
    many = [replace(telling.INCIDENTS[0], number=n) for n in range(60, 0, -1)]
    assert lines(a_list(many, total=60))[1].startswith("The newest 20 shown")


def test_an_empty_list_says_so_plainly() -> None:
    assert lines(a_list((), total=0))[0] == "No open incidents here"
    assert lines(a_list((), total=0, here=False))[0] == "No open incidents in your channels"
    assert lines(a_list((), total=0, mine=True))[0] == "No open incidents here that you acknowledged"


def test_the_phone_says_how_many_and_the_newest() -> None:
    said = incident_list_summary(telling.INCIDENTS, total=5, mine=False, here=True)
    assert said == "5 open incidents here\n#14 Error · AKS-Shell-Alert"
    assert incident_list_summary((), total=0, mine=True, here=False) == (
        "No open incidents in your channels that you acknowledged"
    )
