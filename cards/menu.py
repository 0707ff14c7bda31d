"""A group's own menu: what to make of its findings, and what more can be asked about it."""

from __future__ import annotations

from typing import Any

from audit.evidence import Severity
from audit.involved import mark
from cards.actions import seven_answers, toggle, what_else
from cards.alike import Placed
from cards.elements import ActionSet, Container, RichTextBlock
from cards.findings import advice
from cards.size import Detail
from cards.text import line, run

#: Findings whose advice stands in one menu.
_MOST = 2
#: Of one sentence; ours are shorter.
_LONGEST = 300


def menu_blocks(placed: Placed, name: str, key: str, detail: Detail) -> list[Any]:
    """Return the line that opens the menu, and the menu. `name` begins the ids; without a `key` nothing can be asked."""
    advised = _advised(placed) if detail.text > 30 else []  # noqa: PLR2004
    buttons = [ActionSet(actions=_actions(placed, key), spacing="small")] if key else []
    if not advised and not buttons:
        return []
    titled = "⋯ What to do next" if advised else "⋯ More"
    opens = line(run(titled, color="accent"), spacing="none")
    return [
        Container(items=[opens], select_action=toggle("Show or hide more about it", [name]), spacing="none"),
        Container(items=[*advised, *buttons], id=name, visible=False, style="emphasis", spacing="small"),
    ]


def _actions(placed: Placed, key: str) -> list[Any]:
    """Return the questions; one about an event only where there is one."""
    row = mark(placed.leading or placed.group)
    seven = [seven_answers(key, row, of=placed.of)] if placed.group.events else []
    return [what_else(key, row), *seven]


def _advised(placed: Placed) -> list[RichTextBlock]:
    lines: list[RichTextBlock] = []
    risky = [each for each in placed.group.findings if each.severity > Severity.ROUTINE]
    for finding in risky[:_MOST]:
        said = advice(finding)
        for title, text in (("Next step: ", said.next_step), ("Can be innocent: ", said.innocent)):
            if text:
                lines.append(line(run(title, weight="bolder"), run(text, _LONGEST), spacing="small"))
    return lines
