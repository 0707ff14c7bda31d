"""An incident's card as an answer to somebody who asked for it: a second one, beside that which is kept up to date."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from cards.actions import ANSWER
from cards.text import Times, line, run

_KEPT = "The card that was posted for it is kept up to date."
_THERE = "Acknowledge it there, and open the raw log there."
#: Instead of a group's buttons; shorter than they are.
_ELSEWHERE: Mapping[str, Any] = line(run("Ask on from the card that was posted.", size="small")).to_dict()


def answered_card(
    card: Mapping[str, Any], *, at: datetime, zone: ZoneInfo, clickable: bool
) -> dict[str, Any]:
    """Return a card of cards.incident with a line that says of when it is, and buttons that say that it is an answer.

    Where it is not `clickable`, because the incident's key opens nothing there, the buttons that hold it go. It has at
    most cards.size.ANSWER_ROOM bytes more than the card had.
    """
    times = Times(zone=zone, day=at)
    said = f"As it was {times.dated(at)} ({times.stated()}), when it was asked for. {_KEPT}"
    foot = line(run(said if clickable else f"{said} {_THERE}", size="small", subtle=True), spacing="small")
    rest = {name: value for name, value in card.items() if name not in {"body", "actions"}}
    actions = list(_actions(card.get("actions", ()), clickable=clickable))
    body = [_element(each, clickable=clickable) for each in card["body"]]
    return rest | {"body": [*body, foot.to_dict()]} | ({"actions": actions} if actions else {})


def _element(element: Mapping[str, Any], *, clickable: bool) -> Mapping[str, Any]:
    """Return an element of the body with the buttons in it changed likewise."""
    if element["type"] == "ActionSet":
        actions = list(_actions(element["actions"], clickable=clickable))
        return {**element, "actions": actions} if actions else _ELSEWHERE
    if "items" in element:
        return {**element, "items": [_element(each, clickable=clickable) for each in element["items"]]}
    return element


def _actions(actions: Sequence[Mapping[str, Any]], *, clickable: bool) -> Iterator[Mapping[str, Any]]:
    for action in actions:
        if "data" not in action:
            yield action
        elif clickable:
            yield {**action, "data": {**action["data"], **ANSWER}}
