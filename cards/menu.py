"""A group's own menu: what to make of its findings, and what more can be asked about it."""

from __future__ import annotations

from typing import Any

from audit.evidence import Severity
from audit.involved import mark
from cards.actions import seven_answers, show_raw_log, toggle, what_else
from cards.alike import Placed
from cards.elements import ActionSet, Container, RichTextBlock
from cards.findings import advice
from cards.size import Detail
from cards.text import line, run

#: Findings whose advice stands in one menu.
_MOST = 2
#: Of one sentence; ours are shorter.
_LONGEST = 300


def menu_blocks(placed: Placed, name: str, key: str, detail: Detail, *, question: bool = False) -> list[Any]:
    """Return the line that opens the menu, and the menu. `name` begins the ids; without a `key` nothing can be asked.

    The key is an incident's, or a `question`'s.
    """
    items = menu_items(placed, key, detail, question=question)
    if not items:
        return []
    titled = "⋯ What to do next" if isinstance(items[0], RichTextBlock) else "⋯ More"
    opens = line(run(titled, color="accent"), spacing="none")
    return [
        Container(items=[opens], select_action=toggle("Show or hide more about it", [name]), spacing="none"),
        Container(items=items, id=name, visible=False, style="emphasis", spacing="small"),
    ]


def menu_items(placed: Placed, key: str, detail: Detail, *, question: bool = False) -> list[Any]:
    """Return what stands in the menu: advice, as far as there is room for it, and with a `key` the questions."""
    advised = _advised(placed) if detail.text > 30 else []  # noqa: PLR2004
    buttons = ActionSet(actions=_actions(placed, key, question=question), spacing="small")
    return [*advised, *([buttons] if key else [])]


def _actions(placed: Placed, key: str, *, question: bool) -> list[Any]:
    """Return the questions; one about an event only where there is one. An incident has one raw log for all rows."""
    row = mark(placed.leading or placed.group)
    seven = [seven_answers(key, row, of=placed.of, question=question)] if placed.group.events else []
    raw = [show_raw_log(key, row, question=True, of=placed.of)] if question and placed.group.events else []
    return [what_else(key, row, question=question), *seven, *raw]


def _advised(placed: Placed) -> list[RichTextBlock]:
    lines: list[RichTextBlock] = []
    risky = [each for each in placed.group.findings if each.severity > Severity.ROUTINE]
    for finding in risky[:_MOST]:
        said = advice(finding)
        for title, text in (("Next step: ", said.next_step), ("Can be innocent: ", said.innocent)):
            if text:
                lines.append(line(run(title, weight="bolder"), run(text, _LONGEST), spacing="small"))
    return lines
