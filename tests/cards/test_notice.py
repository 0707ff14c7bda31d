from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from audit.evidence import Missing
from cards import notice
from cards.missing import SENTENCES
from tests.cards import telling
from tests.cards.checks import assert_good, assert_valid, lines, parts, text

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
    "not recorded": notice.not_recorded,
    "question gone": notice.question_gone,
    "readers only": notice.readers_only,
    "askers only": notice.askers_only,
    "raw on its way": notice.raw_on_its_way,
    "no such event": lambda: notice.no_such_event("4d2f2b9e", timedelta(days=7)),
    "watching again": lambda: notice.watching("audits coredns", again=True),
    "watch ended": lambda: notice.watch_ended(3),
    "no such watch": lambda: notice.no_such_watch(3),
    "too many watches": lambda: notice.too_many_watches(20),
    "raised": lambda: notice.raised(12),
    "raised again": lambda: notice.raised(12, again=True),
    "unknown cluster, none known": lambda: notice.unknown_cluster("prod"),
    "too many here": lambda: notice.too_many(False, timedelta(minutes=4), limit=30),
    "out of reach": lambda: notice.out_of_reach("That is in the future."),
    "not answered, none configured": lambda: notice.not_answered("audits coredns", []),
    **{name: lambda said=said: said for name, said in telling.NOTICES.items()},  # type: ignore[misc]  # bound at once
}


def pressed(said: notice.Notice) -> list[str]:
    """Return the lines that the notice's card says when they are pressed."""
    found = [part["selectAction"] for part in parts(notice.notice_card(said)) if "selectAction" in part]
    return [action["data"]["msteams"]["text"] for action in found]


@pytest.mark.parametrize("name", READY)
def test_every_notice_is_a_calm_card_with_its_title_first(name: str) -> None:
    said = READY[name]()
    card = notice.notice_card(said)
    assert_good(card)
    assert_valid(card)
    assert lines(card) == [said.title, *said.sentences, *(each.shown or each.said for each in said.lines)]
    assert pressed(said) == [each.said for each in said.lines]
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


def test_what_was_not_understood_is_repeated_with_lines_that_may_be_meant() -> None:
    said = notice.not_understood("audit coredns", "Did you mean audits?", ("audits coredns", "a", "b", "c"))
    assert said.sentences[:2] == ("Read: audit coredns", "Did you mean audits?")
    assert pressed(said) == ["audits coredns", "a", "b"]


def test_what_is_like_nothing_known_is_answered_by_three_examples() -> None:
    assert pressed(notice.not_understood("make me a sandwich")) == list(notice.EXAMPLES)


def test_examples_are_those_that_a_new_person_needs() -> None:
    assert len(notice.EXAMPLES) == 3
    assert "help" in notice.EXAMPLES


@pytest.mark.parametrize(
    ("wait", "said"),
    [(0.0, "1 s"), (19.2, "20 s"), (119.0, "119 s"), (120.5, "3 min"), (-5.0, "1 s"), (3600.0, "60 min")],
)
def test_a_wait_is_never_told_shorter_than_it_is(wait: float, said: str) -> None:
    assert notice.duration(timedelta(seconds=wait)) == said


def test_who_asked_too_much_is_told_when_there_is_room_again() -> None:
    said = notice.too_many(True, timedelta(seconds=19.2), limit=5)
    assert said.title == "Ask again in 20 s"
    assert said.sentences[0].startswith("You asked 5 questions within a minute")
    others = notice.too_many(False, timedelta(seconds=3), limit=30, span=timedelta(minutes=5))
    assert others.sentences[0].startswith("People here asked 30 questions within 5 min")


def test_a_choice_of_clusters_shows_names_and_asks_of_the_one_that_is_pressed() -> None:
    said = notice.which_cluster("prod", [(f"rg/prod-{n}", f"audits x on rg/prod-{n}") for n in range(11)])
    assert lines(notice.notice_card(said))[-8:] == [f"rg/prod-{n}" for n in range(8)]
    assert pressed(said)[0] == "audits x on rg/prod-0"
    assert "3 more" in said.sentences[1]


def test_a_question_that_no_workspace_answered_says_which_were_tried_and_offers_less() -> None:
    said = notice.not_answered(
        "audits x last 24h",
        [("prod-law", Missing.TIMED_OUT), ("test-law", Missing.FORBIDDEN)],
        "audits x last 12h",
        waited=timedelta(seconds=30),
    )
    assert said.title == "The audit log did not answer within 30 s"
    assert said.sentences[1:3] == (
        "prod-law: The audit log did not answer in time.",
        "test-law: The bot may not read this workspace, or it does not exist.",
    )
    assert pressed(said) == ["audits x last 12h"]


def test_each_reason_has_its_sentences() -> None:
    assert SENTENCES.keys() == set(Missing)
    assert all(text.endswith(".") for pair in SENTENCES.values() for text in pair)
