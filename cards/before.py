"""Earlier incidents with the same actor and object, as a dialog that only the asker sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from cards.elements import AdaptiveCard, RichTextBlock
from cards.size import BUDGET, weight
from cards.text import Times, counted, joined, line, named, plain, run

#: Rows and characters of one piece of foreign text, from most to least.
_ROOMS = ((20, 120), (12, 120), (12, 60), (6, 40))
_NONE = "No earlier incident with the same actor and object is kept."


@dataclass(frozen=True, kw_only=True)
class SeenBefore:
    """An earlier incident. `what` and names are foreign text."""

    number: int
    opened_at: datetime
    #: What happened, as its card said it.
    what: str
    #: "fired", "acknowledged", "resolved" or "closed".
    state: str
    acknowledged_by: str = ""
    acknowledged_at: datetime | None = None
    closed_by: str = ""
    closed_at: datetime | None = None


def seen_before_card(
    rows: Sequence[SeenBefore], *, zone: ZoneInfo, about: str = "", total: int | None = None
) -> dict[str, Any]:
    """Return the incidents, newest first as they come, as an Adaptive Card 1.5 of at most cards.size.BUDGET bytes.

    `about` says by whom and of what; `total` how many there are, where `rows` are not all. `zone` is the asker's.
    """
    card: dict[str, Any] = {}
    for most, longest in _ROOMS:
        body = [*_head(rows, about, total, longest), *_body(rows[:most], zone, longest)]
        left = max(total or 0, len(rows)) - len(rows[:most])
        if left:
            body.append(line(f"{counted(left, 'older incident')} not shown.", spacing="medium"))
        card = AdaptiveCard.of(body, []).to_dict()
        if weight(card) <= BUDGET:
            break
    return card


def _head(rows: Sequence[SeenBefore], about: str, total: int | None, longest: int) -> list[RichTextBlock]:
    count = max(total or 0, len(rows))
    lines = [
        line(
            run(
                f"Seen before: {count:,} times" if count > 1 else "Seen before",
                weight="bolder",
                size="medium",
            )
        )
    ]
    if about.strip():
        lines.append(line(run(about, 3 * longest), spacing="small"))
    return lines if rows else [*lines, line(_NONE, spacing="small")]


def _body(rows: Sequence[SeenBefore], zone: ZoneInfo, longest: int) -> list[RichTextBlock]:
    return [text for row in rows for text in _lines(row, zone, longest)]


def _lines(row: SeenBefore, zone: ZoneInfo, longest: int) -> list[RichTextBlock]:
    times = Times(zone=zone, day=row.opened_at)
    opened = f"#{row.number} · {times.dated(row.opened_at)} ({times.stated()})"
    ended = joined(
        (
            plain(row.state, longest),
            _by("acknowledged", row.acknowledged_by, row.acknowledged_at, times, longest),
            _by("closed", row.closed_by, row.closed_at, times, longest),
        )
    )
    return [
        line(run(opened, weight="bolder"), spacing="medium"),
        line(named(row.what, "(not known what happened)", 2 * longest), spacing="none"),
        line(run(ended, subtle=True, size="small"), spacing="none"),
    ]


def _by(word: str, name: str, at: datetime | None, times: Times, longest: int) -> str:
    if not name.strip() and at is None:
        return ""
    return f"{word} by {named(name, '(no name)', longest)}{f' {times.at(at)}' if at else ''}"
