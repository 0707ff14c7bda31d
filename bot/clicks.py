"""Clicked buttons, read into commands."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from audit.involved import MARK_LENGTH
from bot.asked import (
    Acknowledge,
    Command,
    EndWatch,
    ListEvents,
    Misunderstood,
    Raise,
    SevenAnswers,
    ShowQuery,
    ShowRawLog,
    ShowSeenBefore,
    Watch,
    WhatElse,
)

_Data = Mapping[str, Any]


def from_click(data: Any) -> Command:
    """Read a button's data. It comes from the client, so any user can send anything: total, and trusts only shapes.

    "k" is an incident's key and "q" a question's; a button has one of them, or a watch's number "n".
    """
    if isinstance(data, Mapping) and _number(data.get("v"), 2) == 1:
        names = [name for name in _CLICKS if name in data]
        action = data.get("a")
        read = _CLICKS[names[0]].get(action) if len(names) == 1 and isinstance(action, str) else None
        command = read(data, data[names[0]]) if read else None
        if command is not None:
            return command
    return Misunderstood(
        text="", hint="This button belongs to an older card; use the newest card of the incident."
    )


#: Beyond what any raw log has; a forged page number ends here.
MOST_PAGES = 1000
#: A watch's number has at most as many digits as an incident's.
MOST_WATCHES = 10**9
_KEY = re.compile(r"[0-9a-f]{32}")
_MARK = re.compile(rf"[0-9a-f]{{{MARK_LENGTH}}}")


def _number(value: Any, most: int) -> int | None:
    """Return a number from 0 to below `most`; JSON's true is none, and neither is 1.5."""
    is_one = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < most
    return value if is_one else None


def _keyed(read: Callable[[_Data, str], Command | None]) -> Callable[[_Data, Any], Command | None]:
    """Return what reads a button with a key, and takes no other."""

    def checked(data: _Data, key: Any) -> Command | None:
        return read(data, key) if isinstance(key, str) and _KEY.fullmatch(key) else None

    return checked


def _raw(data: _Data, key: str) -> Command | None:
    page = _number(data.get("p", 0), MOST_PAGES)
    return None if page is None else ShowRawLog(key=key, page=page)


def _raw_of_question(data: _Data, key: str) -> Command | None:
    page, row = _number(data.get("p", 0), MOST_PAGES), _row(data)
    return None if page is None or row is None else ShowRawLog(key=key, page=page, of_question=True, row=row)


def _list(data: _Data, key: str) -> Command | None:
    page = _number(data.get("p", 0), MOST_PAGES)
    return None if page is None else ListEvents(key=key, page=page)


def _row(data: _Data) -> str | None:
    value = data.get("g")
    return value if isinstance(value, str) and _MARK.fullmatch(value) else None


def _of_row(
    make: type[WhatElse | SevenAnswers], *, of_question: bool
) -> Callable[[_Data, Any], Command | None]:
    def read(data: _Data, key: str) -> Command | None:
        row = _row(data)
        return None if row is None else make(key=key, row=row, of_question=of_question)

    return _keyed(read)


def _before(data: _Data, key: str) -> Command | None:
    row = _row(data)
    return None if row is None and "g" in data else ShowSeenBefore(key=key, row=row)


def _unwatch(_data: _Data, number: Any) -> Command | None:
    found = _number(number, MOST_WATCHES)
    return EndWatch(number=found) if found else None


#: By what a button is about, and its action.
_CLICKS: Mapping[str, Mapping[str, Callable[[_Data, Any], Command | None]]] = {
    "k": {
        # Whatever stands at "c": what is taken for an answer changes least.
        "acknowledge": _keyed(lambda data, key: Acknowledge(key=key, is_answer="c" in data)),
        "raw": _keyed(_raw),
        "else": _of_row(WhatElse, of_question=False),
        "seven": _of_row(SevenAnswers, of_question=False),
        "before": _keyed(_before),
    },
    "q": {
        "raw": _keyed(_raw_of_question),
        "else": _of_row(WhatElse, of_question=True),
        "seven": _of_row(SevenAnswers, of_question=True),
        "list": _keyed(_list),
        "kql": _keyed(lambda _, key: ShowQuery(key=key)),
        "watch": _keyed(lambda _, key: Watch(key=key)),
        "raise": _keyed(lambda _, key: Raise(key=key)),
    },
    "n": {"unwatch": _unwatch},
}
