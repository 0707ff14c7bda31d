"""A line that somebody may say, as something to press: the client sends it as that person's own message."""

from __future__ import annotations

import json
from typing import Any

from cards.actions import ask
from cards.elements import Container, Press, RichTextBlock
from cards.text import line, named, plain, run

#: Characters of a line that are shown.
_SHOWN = 160
#: Bytes of JSON; the whole line has to lie in the card twice.
_LONGEST = 700


def pressable(said: str, *below: RichTextBlock, shown: str = "", **look: Any) -> Container:
    """Return the line as a row to press, with what stands below it. The line may hold foreign text.

    It is no button with a title, since a title is no TextRun: what is foreign is shown as it stands only there.
    `shown`: text to show in place of the line.
    """
    what = named(shown or said, "(empty line)", _SHOWN)
    text = line(run(what, font="monospace", color="accent", weight="bolder"))
    return pressing(said, [text, *below], **look)


def pressing(said: str, items: list[Any], **look: Any) -> Container:
    """Return the items as a row that says the line when it is pressed.

    It cannot be pressed where the line is empty, very long, or has anything unseen in it: what is said in a person's
    name is what that person read.
    """
    if not _can_be_said(said):
        return Container(items=items, **look)
    return Container(items=items, select_action=Press(data=ask(said).get_data("data")), **look)


def _can_be_said(said: str) -> bool:
    return bool(said.strip()) and plain(said, _LONGEST) == said and len(json.dumps(said)) <= _LONGEST
