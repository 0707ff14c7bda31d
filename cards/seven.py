"""The seven answers that an audit event gives, as a dialog that only the asker sees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from cards.elements import AdaptiveCard, RichTextBlock
from cards.size import BUDGET, weight
from cards.text import counted, line, run

#: Characters of one line, and lines of one answer, from most to least.
_ROOMS = ((400, 20), (400, 8), (200, 6), (100, 4), (40, 3), (20, 2))
_MOST_NOTES = 5
#: The mark of what needs no remark.
_KNOWN = "known"


class Answer(Protocol):
    """What this card needs of an audit.questions.Answered; every text of it is foreign but for the mark."""

    @property
    def question(self) -> str: ...
    @property
    def lines(self) -> Sequence[str]: ...
    @property
    def mark(self) -> str: ...


def seven_card(answers: Sequence[Answer], *, about: str = "", notes: Sequence[str] = ()) -> dict[str, Any]:
    """Return the questions with their answers as an Adaptive Card 1.5 of at most cards.size.BUDGET bytes.

    `about` says which event it is, as its group's line does; `notes` what is to be known besides: which of several alike
    events this is, that Azure cut it.
    """
    card: dict[str, Any] = {}
    for longest, most in _ROOMS:
        body = [
            *_head(about, notes, longest),
            *(part for each in answers for part in _lines(each, longest, most)),
        ]
        card = AdaptiveCard.of(body, []).to_dict()
        if weight(card) <= BUDGET:
            break
    return card


def _head(about: str, notes: Sequence[str], longest: int) -> list[RichTextBlock]:
    said = [note for note in (about, *notes) if note.strip()][: _MOST_NOTES + 1]
    return [
        line(run("Seven answers", weight="bolder", size="medium")),
        *(line(run(text, longest), spacing="small") for text in said),
    ]


def _lines(answered: Answer, longest: int, most: int) -> list[RichTextBlock]:
    """Return the question, what is known, and where it is not known, why."""
    unknown = "" if answered.mark == _KNOWN else f" · {answered.mark}"
    title = [run(answered.question, longest, weight="bolder", size="small")]
    title += [run(unknown, size="small", subtle=True)] if unknown else []
    lines = [line(*title, spacing="medium")]
    shown = [text for text in answered.lines if text.strip()]
    lines += [line(run(text, longest), spacing="none") for text in shown[:most]]
    more = len(shown) - most
    return [*lines, line(f"{counted(more, 'more line')}.", spacing="none")] if more > 0 else lines
