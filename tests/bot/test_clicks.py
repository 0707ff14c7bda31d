from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.asked import (
    Acknowledge,
    Command,
    EndWatch,
    ForAsker,
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
from bot.clicks import from_click

KEY = "0123456789abcdef0123456789abcdef"
MARK = "0123456789ab"


@pytest.mark.parametrize(
    ("data", "command"),
    [
        ({"a": "acknowledge", "k": KEY}, Acknowledge(key=KEY)),
        ({"a": "raw", "k": KEY, "p": 2}, ShowRawLog(key=KEY, page=2)),
        ({"a": "else", "k": KEY, "g": MARK}, WhatElse(key=KEY, row=MARK)),
        ({"a": "seven", "k": KEY, "g": MARK}, SevenAnswers(key=KEY, row=MARK)),
        ({"a": "before", "k": KEY, "g": MARK}, ShowSeenBefore(key=KEY, row=MARK)),
        ({"a": "before", "k": KEY}, ShowSeenBefore(key=KEY)),
        ({"a": "raw", "q": KEY, "g": MARK}, ShowRawLog(key=KEY, of_question=True, row=MARK)),
        ({"a": "raw", "q": KEY, "g": MARK, "p": 3}, ShowRawLog(key=KEY, page=3, of_question=True, row=MARK)),
        ({"a": "else", "q": KEY, "g": MARK}, WhatElse(key=KEY, row=MARK, of_question=True)),
        ({"a": "seven", "q": KEY, "g": MARK}, SevenAnswers(key=KEY, row=MARK, of_question=True)),
        ({"a": "list", "q": KEY}, ListEvents(key=KEY)),
        ({"a": "kql", "q": KEY, "p": 7}, ShowQuery(key=KEY)),
        ({"a": "list", "q": KEY, "p": 999}, ListEvents(key=KEY, page=999)),
        ({"a": "watch", "q": KEY}, Watch(key=KEY)),
        ({"a": "raise", "q": KEY}, Raise(key=KEY)),
        ({"a": "unwatch", "n": 3}, EndWatch(number=3)),
    ],
)
def test_buttons_become_commands(data: dict[str, Any], command: Command) -> None:
    assert from_click({"v": 1, **data}) == command


@pytest.mark.parametrize(
    "row",
    [
        *(
            0,
            10**30,
            True,
            1.0,
            None,
            [MARK],
            {},
            float("nan"),
            "",
            "1",
            MARK.upper(),
            MARK + "0",
            MARK + "\n",
        ),
        *(MARK[:-1] + "\u0663", "0" * 10**6, "\ud800" * 12),
    ],
)
@pytest.mark.parametrize(("about", "action"), [("k", "else"), ("k", "before"), ("q", "raw"), ("q", "seven")])
def test_a_row_that_no_card_has_is_not_understood(about: str, action: str, row: object) -> None:
    assert isinstance(from_click({"v": 1, "a": action, about: KEY, "g": row}), Misunderstood)


@pytest.mark.parametrize(
    ("about", "action"), [("k", "else"), ("k", "seven"), ("q", "raw"), ("q", "else"), ("q", "seven")]
)
def test_what_is_asked_of_a_row_needs_a_row(about: str, action: str) -> None:
    assert isinstance(from_click({"v": 1, "a": action, about: KEY}), Misunderstood)


@pytest.mark.parametrize("page", [True, -1, 1000, "0", None, 0.0])
def test_a_page_that_no_answer_has_is_not_understood(page: object) -> None:
    assert isinstance(from_click({"v": 1, "a": "raw", "k": KEY, "p": page}), Misunderstood)
    assert isinstance(from_click({"v": 1, "a": "raw", "q": KEY, "g": MARK, "p": page}), Misunderstood)
    assert isinstance(from_click({"v": 1, "a": "list", "q": KEY, "p": page}), Misunderstood)


@pytest.mark.parametrize("number", [True, 0, -1, 10**9, "3", 3.0, None, [], KEY])
def test_a_watch_has_a_number(number: object) -> None:
    assert isinstance(from_click({"v": 1, "a": "unwatch", "n": number}), Misunderstood)


@pytest.mark.parametrize(
    "data",
    [
        *({"a": action, "k": KEY} for action in ("watch", "raise", "list", "unwatch")),
        *({"a": action, "q": KEY, "g": MARK} for action in ("acknowledge", "before", "unwatch")),
        {"a": "watch", "q": KEY.upper()},
        {"a": "watch", "q": KEY + "\n"},
        {"a": "raw", "k": KEY, "q": KEY, "g": MARK},
        {"a": "unwatch", "n": 3, "q": KEY},
        *({"a": action, "k": KEY, "g": MARK} for action in (None, 1, ["raw"], {"raw": 1}, "RAW", "")),
    ],
)
def test_a_button_of_another_shape_is_not_understood(data: dict[str, Any]) -> None:
    assert isinstance(from_click({"v": 1, **data}), Misunderstood)


@pytest.mark.parametrize("version", [None, 0, 2, True, 1.0, "1"])
def test_a_button_of_another_version_is_not_understood(version: object) -> None:
    assert isinstance(from_click({"v": version, "a": "raw", "k": KEY}), Misunderstood)


@pytest.mark.parametrize("mark", [1, 0, None, "x", {}])
def test_a_click_on_an_answer_says_so_whatever_the_mark(mark: object) -> None:
    data = {"v": 1, "a": "acknowledge", "k": KEY, "c": mark}
    assert from_click(data) == Acknowledge(key=KEY, is_answer=True)


_ACTIONS = ["raw", "else", "seven", "before", "list", "watch", "raise", "unwatch", "acknowledge"]
junk = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from([KEY, MARK, 1])
    | st.sampled_from(_ACTIONS),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["v", "a", "k", "q", "n", "p", "g", "x"]), inner)
    ),
)


@given(junk)
def test_no_click_raises_and_none_brings_a_foreign_key(data: Any) -> None:
    command = from_click(data)
    if isinstance(command, EndWatch):
        assert command.number > 0
    elif not isinstance(command, Misunderstood):
        assert isinstance(command, Acknowledge | ForAsker | Watch | Raise)
        assert command.key == KEY
