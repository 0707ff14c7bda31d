from __future__ import annotations

from collections.abc import Callable

import pytest

from audit.evidence import Missing
from cards import notice
from cards.help import help_card
from cards.missing import SENTENCES
from tests.cards.checks import assert_good, assert_valid, lines, text

READY: dict[str, Callable[[], notice.Notice]] = {
    "welcome": notice.welcome,
    "not understood": lambda: notice.not_understood("audit coredns", "Did you mean audits?"),
    "nothing said": lambda: notice.not_understood(""),
    "not found": notice.not_found,
    "guest": notice.refused_guest,
    "stranger": notice.refused_stranger,
    "unknown": notice.refused_unknown,
    "later": lambda: notice.comes_later("raw log"),
    "row gone": notice.row_gone,
    "no actor": notice.no_actor,
    "no event": notice.no_event,
    "no raw log": notice.no_raw_log,
    "more pages": lambda: notice.more_pages(10, 25),
    "subscribed": notice.subscribed,
    "subscribed again": lambda: notice.subscribed(again=True),
    "unsubscribed": notice.unsubscribed,
    "unsubscribed again": lambda: notice.unsubscribed(again=True),
}


@pytest.mark.parametrize("name", READY)
def test_every_notice_is_a_calm_card_with_its_title_first(name: str) -> None:
    said = READY[name]()
    card = notice.notice_card(said)
    assert_good(card)
    assert_valid(card)
    assert lines(card) == [said.title, *said.sentences]
    assert said.title
    assert "!" not in text(card)


@pytest.mark.parametrize("why", Missing)
def test_a_failure_says_what_is_known_and_what_to_do(why: Missing) -> None:
    said = notice.failed(why)
    assert len(said.sentences) == 2
    assert said.sentences[0].endswith(".")
    assert_good(notice.notice_card(said))


def test_a_failure_of_our_own_store_does_not_blame_the_audit_log_alone() -> None:
    assert "what the bot itself keeps" in notice.failed(Missing.UNAVAILABLE).sentences[0]


def test_what_was_not_understood_is_repeated_with_the_nearest_command() -> None:
    said = notice.not_understood("audit coredns", "Did you mean audits?").sentences
    assert said[0] == "Read: audit coredns"
    assert said[1] == "Did you mean audits?"
    assert "audits coredns last 1h" in said[2]


def test_each_reason_has_its_sentences() -> None:
    assert SENTENCES.keys() == set(Missing)
    assert all(text.endswith(".") for pair in SENTENCES.values() for text in pair)


def test_help_lists_what_it_is_given() -> None:
    card = help_card([("audits coredns last 1h", "what happened"), ("help", "this list")])
    assert_good(card)
    assert_valid(card)
    assert lines(card)[:3] == ["What you can ask", "audits coredns last 1h what happened", "help this list"]
