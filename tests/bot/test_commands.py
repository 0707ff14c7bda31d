from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands import (
    GRAMMAR,
    Acknowledge,
    Audits,
    ForAsker,
    Help,
    Misunderstood,
    SevenAnswers,
    ShowIncident,
    ShowRawLog,
    ShowSeenBefore,
    ShowStatus,
    ShowTrail,
    Subscribe,
    Unsubscribe,
    WhatElse,
    from_click,
    from_text,
)

KEY = "0123456789abcdef0123456789abcdef"
MARK = "0123456789ab"


@pytest.mark.parametrize(
    ("line", "span"),
    [
        ("audits coredns", timedelta(hours=1)),
        ("audits coredns last 1h", timedelta(hours=1)),
        ("AUDITS coredns LAST 30M", timedelta(minutes=30)),
        ("audits coredns last 90 minutes?", timedelta(minutes=90)),
        ("audits coredns last hour", timedelta(hours=1)),
        ("audits coredns last an hour", timedelta(hours=1)),
        ("  audits\u00a0coredns \n last 2 days ", timedelta(days=2)),
        ("audits \u201ccoredns\u201d last 7d", timedelta(days=7)),
    ],
)
def test_a_question_is_read_however_it_is_typed(line: str, span: timedelta) -> None:
    assert from_text(line) == Audits(term="coredns", span=span)


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("help", Help()),
        ("", Help()),
        ("Help?", Help()),
        ("Status", ShowStatus()),
        ("subscribe", Subscribe()),
        ("UNSUBSCRIBE", Unsubscribe()),
    ],
)
def test_a_word_alone_is_a_command(line: str, command: object) -> None:
    assert from_text(line) == command


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("incident 12", ShowIncident(number=12)),
        ("Incident #12?", ShowIncident(number=12)),
        ("#12", ShowIncident(number=12)),
        ("  #012 ", ShowIncident(number=12)),
        ("incident 12 trail", ShowTrail(number=12)),
        ("#12\u00a0TRAIL", ShowTrail(number=12)),
        ("incident 999999999", ShowIncident(number=999_999_999)),
    ],
)
def test_an_incident_is_asked_for_by_its_number(line: str, command: object) -> None:
    assert from_text(line) == command


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("incident", "by its number: incident 12"),
        ("incident twelve", "by its number: incident 12"),
        ("incident \u0661\u0662", "by its number: incident 12"),
        ("incident -1", "by its number: incident 12"),
        ("incident 1.5", "by its number: incident 12"),
        ("incident ##12", "by its number: incident 12"),
        ("incident 1000000000", "by its number: incident 12"),
        ("incident " + "9" * 500, "by its number: incident 12"),
        ("# 12", "by its number: incident 12"),
        ("#general", "by its number: incident 12"),
        ("incident 12 now", "incident 12 trail"),
        ("#12 trail please", "incident 12 trail"),
        ("incidents 12", "Did you mean incident?"),
        ("status now", "Did you mean status?"),
    ],
)
def test_an_incident_without_a_readable_number_gets_a_hint(line: str, hint: str) -> None:
    command = from_text(line)
    assert isinstance(command, Misunderstood)
    assert hint in command.hint


def test_a_name_with_last_in_it_stays_whole() -> None:
    assert from_text("audits elastic last 1h") == Audits(term="elastic", span=timedelta(hours=1))
    assert from_text('audits "the last supper"') == Audits(term="the last supper", span=timedelta(hours=1))


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("audit coredns", "Did you mean audits?"),
        ("audits", "Say what to look for"),
        ("audits last 1h", "Say what to look for"),
        ("audits coredns last 8d", "1 minute to 7 days"),
        ("audits coredns last 999999d", "1 minute to 7 days"),
        ("audits coredns last 0h", "1 minute to 7 days"),
        ("audits coredns last 1x", "audits coredns last 90m, 6h or 2d"),
        ("audits coredns last 1w", "audits coredns last 90m, 6h or 2d"),
        ("audits coredns last 1.5h", "audits coredns last 90m, 6h or 2d"),
        ("audits coredns last 30s", "audits coredns last 90m, 6h or 2d"),
        ("audits coredns since 09:00", "audits coredns last 90m, 6h or 2d"),
        ("audits coredns for the last hour", "audits coredns last 90m, 6h or 2d"),
        ("audits coredns last 1h on prod", "audits coredns last 90m, 6h or 2d"),
        ("audits coredns 1h", 'audits "coredns 1h" last 1h'),
        ("audits " + "x" * 300, "at most 200 characters"),
        ("x " * 600, "too long"),
    ],
)
def test_what_cannot_be_answered_gets_a_hint(line: str, hint: str) -> None:
    command = from_text(line)
    assert isinstance(command, Misunderstood)
    assert hint in command.hint


def test_every_line_of_the_help_is_understood() -> None:
    for line, _ in GRAMMAR:
        assert not isinstance(from_text(line), Misunderstood)


@given(st.one_of(st.text(), st.text(alphabet="audits last 0123456789hmd\u00a0\u2028\ud800'\"?", max_size=60)))
def test_no_line_raises(line: str) -> None:
    from_text(line)
    for word in ("audits", "incident", "#"):
        from_text(f"{word} {line}")


def test_buttons_become_commands() -> None:
    assert from_click({"v": 1, "a": "acknowledge", "k": KEY}) == Acknowledge(key=KEY)
    assert from_click({"v": 1, "a": "raw", "k": KEY, "p": 2}) == ShowRawLog(key=KEY, page=2)
    assert from_click({"v": 1, "a": "else", "k": KEY, "g": MARK}) == WhatElse(key=KEY, row=MARK)
    assert from_click({"v": 1, "a": "seven", "k": KEY, "g": MARK}) == SevenAnswers(key=KEY, row=MARK)
    assert from_click({"v": 1, "a": "before", "k": KEY, "g": MARK}) == ShowSeenBefore(key=KEY, row=MARK)
    assert from_click({"v": 1, "a": "before", "k": KEY}) == ShowSeenBefore(key=KEY)


@pytest.mark.parametrize(
    "row",
    [
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
        MARK[:-1] + "\u0663",
        "0" * 10**6,
        "\ud800" * 12,
    ],
)
@pytest.mark.parametrize("action", ["else", "seven", "before"])
def test_a_row_that_no_card_has_is_not_understood(action: str, row: object) -> None:
    assert isinstance(from_click({"v": 1, "a": action, "k": KEY, "g": row}), Misunderstood)


@pytest.mark.parametrize("action", ["else", "seven"])
def test_what_is_asked_of_a_row_needs_a_row(action: str) -> None:
    assert isinstance(from_click({"v": 1, "a": action, "k": KEY}), Misunderstood)


@pytest.mark.parametrize("page", [True, -1, 1000, "0", None])
def test_a_page_that_no_raw_log_has_is_not_understood(page: object) -> None:
    assert isinstance(from_click({"v": 1, "a": "raw", "k": KEY, "p": page}), Misunderstood)


def test_an_action_of_any_type_is_not_understood() -> None:
    for action in (None, 1, ["raw"], {"raw": 1}, "RAW", ""):
        assert isinstance(from_click({"v": 1, "a": action, "k": KEY, "g": MARK}), Misunderstood)


@pytest.mark.parametrize("mark", [1, 0, None, "x", {}])
def test_a_click_on_an_answer_says_so_whatever_the_mark(mark: object) -> None:
    data = {"v": 1, "a": "acknowledge", "k": KEY, "c": mark}
    assert from_click(data) == Acknowledge(key=KEY, is_answer=True)


junk = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from([KEY, MARK])
    | st.sampled_from(["raw", "else", "seven", "before"]),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["v", "a", "k", "p", "g", "x"]), inner),
)


@given(junk)
def test_no_click_raises_and_none_brings_a_foreign_key(data: Any) -> None:
    command = from_click(data)
    if not isinstance(command, Misunderstood):
        assert isinstance(command, Acknowledge | ForAsker)
        assert command.key == KEY
