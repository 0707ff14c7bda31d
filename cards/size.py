"""Keeping a card small, whatever comes in."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cards.elements import AdaptiveCard

#: Bytes of JSON. Teams refuses messages above 100 KB in UTF-16, its older clients far smaller ones.
#: https://learn.microsoft.com/microsoftteams/platform/bots/how-to/format-your-bot-messages
BUDGET = 20_000
#: Of that, what an incident's card leaves free for what an answer adds to it (cards.answer).
ANSWER_ROOM = 600


@dataclass(frozen=True, kw_only=True)
class Detail:
    """How much a card may show."""

    #: Events of one group.
    events: int
    groups: int
    #: Characters of one piece of foreign text; addresses may have twice that.
    text: int
    #: Groups that have a menu of their own; the riskiest.
    menus: int = 0
    #: Lines of one change, of a query, and rows of a table that is no events.
    lines: int = 2


#: From most to least: first fewer events of a group, then fewer groups, then shorter text.
LADDER = (
    Detail(events=20, groups=12, text=120, menus=12, lines=20),
    Detail(events=10, groups=12, text=120, menus=6, lines=20),
    Detail(events=5, groups=12, text=120, menus=6, lines=12),
    Detail(events=2, groups=12, text=120, menus=4, lines=8),
    Detail(events=2, groups=8, text=120, menus=4, lines=6),
    Detail(events=2, groups=6, text=120, menus=3, lines=6),
    # A group that stands there with less is worth more than one that is left out.
    Detail(events=1, groups=6, text=120, menus=2, lines=4),
    Detail(events=1, groups=6, text=120, menus=1, lines=4),
    Detail(events=1, groups=5, text=120, menus=1, lines=4),
    Detail(events=1, groups=4, text=120, menus=1, lines=4),
    Detail(events=1, groups=3, text=120, menus=1, lines=4),
    Detail(events=1, groups=3, text=60, menus=1, lines=4),
    Detail(events=1, groups=2, text=60, menus=1, lines=3),
    Detail(events=1, groups=2, text=30, menus=1, lines=3),
    Detail(events=1, groups=2, text=20),
    Detail(events=1, groups=1, text=12, lines=1),
    Detail(events=1, groups=1, text=5, lines=1),
    Detail(events=0, groups=1, text=3, lines=1),
)


def weight(card: Mapping[str, Any]) -> int:
    """Return the bytes of the card's JSON in its widest spelling, so that every other one is smaller."""
    return len(json.dumps(card))


def fit(build: Callable[[Detail], AdaptiveCard], budget: int = BUDGET) -> dict[str, Any]:
    """Build the card with as much detail as stays within the budget.

    `build` must say on the card what it leaves out. The last step is small by itself, so it is returned as it is. A card
    that has to give up something is looked for by halves, since each step costs a whole build: the steps get smaller.
    """
    card = build(LADDER[0]).to_dict()
    if weight(card) <= budget:
        return card
    first, last = 1, len(LADDER) - 1
    found: dict[str, Any] | None = None
    while first < last:
        middle = (first + last) // 2
        card = build(LADDER[middle]).to_dict()
        if weight(card) <= budget:
            last, found = middle, card
        else:
            first = middle + 1
    return build(LADDER[last]).to_dict() if found is None else found
