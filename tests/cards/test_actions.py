from __future__ import annotations

from typing import Any

import pytest

from bot.asked import ListEvents, Raise, SevenAnswers, ShowQuery, ShowRawLog, Watch, WhatElse
from bot.clicks import from_click
from cards import actions
from cards.elements import Action, Execute
from tests.cards import asking
from tests.cards.hostile import CORPUS

KEY = asking.QUESTION
ROW = "0123456789ab"


def sent(action: Action) -> dict[str, Any]:
    """Return what the client sends: of an Execute its verb stands beside its data."""
    data: dict[str, Any] = action.to_dict()["data"]
    return data | ({"a": action.verb} if isinstance(action, Execute) else {})


@pytest.mark.parametrize(
    ("action", "command"),
    [
        (
            actions.show_raw_log(KEY, ROW, question=True),
            ShowRawLog(key=KEY, row=ROW, of_question=True),
        ),
        (
            actions.raw_log_page("Next", KEY, 2, ROW, question=True),
            ShowRawLog(key=KEY, row=ROW, page=2, of_question=True),
        ),
        (actions.show_raw_log(KEY), ShowRawLog(key=KEY)),
        (actions.raw_log_page("Next", KEY, 2), ShowRawLog(key=KEY, page=2)),
        (actions.what_else(KEY, ROW, question=True), WhatElse(key=KEY, row=ROW, of_question=True)),
        (actions.what_else(KEY, ROW), WhatElse(key=KEY, row=ROW)),
        (actions.seven_answers(KEY, ROW, question=True), SevenAnswers(key=KEY, row=ROW, of_question=True)),
        (actions.list_events(KEY), ListEvents(key=KEY)),
        (actions.show_query(KEY), ShowQuery(key=KEY)),
        (actions.list_page("Next", KEY, 3), ListEvents(key=KEY, page=3)),
        (actions.watch(KEY), Watch(key=KEY)),
        (actions.raise_(KEY), Raise(key=KEY)),
    ],
)
def test_a_button_is_read_as_what_it_says(action: Action, command: object) -> None:
    assert from_click(sent(action)) == command


def test_what_opens_a_dialog_asks_teams_for_it_and_what_turns_a_page_does_not() -> None:
    fetch = {"type": "task/fetch"}
    assert sent(actions.show_raw_log(KEY, ROW, question=True))["msteams"] == fetch
    assert sent(actions.list_events(KEY))["msteams"] == fetch
    assert "msteams" not in sent(actions.list_page("Next", KEY, 1))
    assert "msteams" not in sent(actions.raw_log_page("Next", KEY, 1))


def test_the_raw_log_of_many_rows_in_one_line_says_which_it_is() -> None:
    assert actions.show_raw_log(KEY, ROW, question=True).title == "Raw log"
    assert actions.show_raw_log(KEY, ROW, question=True, of=12).title == "Raw log of the first"
    assert actions.show_raw_log(KEY).title == "Show raw log"


def test_a_line_is_said_as_it_stands() -> None:
    button = actions.ask("audits coredns last 1h")
    assert button.title == "audits coredns last 1h"
    said = {"type": "messageBack", "text": "audits coredns last 1h", "displayText": "audits coredns last 1h"}
    assert sent(button) == {"msteams": said}
    assert actions.ask("audits coredns", "Ask wider").title == "Ask wider"


@pytest.mark.parametrize("text", CORPUS)
def test_no_title_is_made_of_a_line_that_could_be_drawn_as_more_than_text(text: str) -> None:
    for line in (text, f"audits {text}"):
        button = actions.ask(line)
        assert button.title == "Ask this" or set("<>[]()*_`#|~!&{}\\\n") & set(button.title) == set()
        assert "//" not in button.title
        assert "www." not in button.title
        assert sent(button)["msteams"]["text"] == line


def test_a_long_line_of_any_letters_is_read_at_once() -> None:
    line = "a" * 1_000_000
    assert actions.ask(line).title == "Ask this"
    assert len(sent(actions.ask(line))["msteams"]["displayText"]) < 200
