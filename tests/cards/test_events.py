from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from audit.evidence import Evidence, Missing
from audit.filter import EventFilter, Window
from cards.events import answer_card, answer_summary
from tests.cards import material as m
from tests.cards.checks import assert_good, assert_valid, lines, parts, text, titles, visible

FOUND = replace(m.ALICE_TWICE, window=m.WANTED.window)


def answer(evidence: Evidence, wanted: EventFilter = m.WANTED, **options: Any) -> dict[str, Any]:
    card = answer_card(wanted, evidence, **({"zone": m.BERLIN} | options))
    assert_good(card)
    assert_valid(card)
    return card


def test_an_answer_says_what_was_asked_when_exactly_and_how_many() -> None:
    said = lines(answer(FOUND))
    assert said[:3] == [
        "audits coredns · 10:39:24–11:39:24 (Europe/Berlin, UTC+02:00)",
        "6 events by 1 person and the platform; 2 shown, 4 folded",
        "alice@contoso.com · person · 2× · succeeded",
    ]
    assert "Asked: coredns in prod-law, last 1h until 2022-05-19 11:39:24" in said


def test_the_query_opens_below_in_its_own_lines() -> None:
    card = answer(FOUND, logs_url=m.LOGS_URL)
    assert titles(card) == ["Open in Logs", "Show the query"]
    assert [each for each in lines(card) if each in m.KQL.split("\n")] == m.KQL.split("\n")
    assert "AzureDiagnostics" not in visible(card)
    kql = next(part for part in parts(card) if part.get("id") == "kql")
    assert all(run["fontType"] == "monospace" for part in kql["items"] for run in part["inlines"])


def test_a_long_query_says_how_much_of_it_is_shown() -> None:
    said = text(answer(replace(FOUND, kql="\n".join(["| take 1"] * 500))))
    assert "of 500 lines of the query." in said


def test_nothing_found_says_what_was_searched_and_offers_a_wider_question() -> None:
    said = text(answer(m.evidence_of(window=m.WANTED.window)))
    assert "Nothing found." in said
    assert "Searched: audit events in prod-law with “coredns” anywhere in them" in said
    assert "A wider question: audits coredns last 6h" in said


@pytest.mark.parametrize(
    ("asked", "offered"),
    [(timedelta(hours=6), "last 1d"), (timedelta(days=1), "last 7d"), (timedelta(days=7), "Another word")],
)
def test_the_wider_question_is_wider(asked: timedelta, offered: str) -> None:
    wanted = EventFilter(term="x", window=Window(start=m.FIRED - asked, end=m.FIRED))
    assert offered in text(answer(m.evidence_of(window=wanted.window), wanted))


def test_more_than_was_read_is_said() -> None:
    said = lines(answer(replace(FOUND, returned=1204)))
    assert (
        said[1]
        == "1,204 rows, of which 6 were read: 6 events by 1 person and the platform; 2 shown, 4 folded"
    )
    assert "Left out: 1,198 events not read." in said


def test_doubts_are_said() -> None:
    said = text(
        answer(replace(FOUND, returned=10, read=8, repeated=2, unreadable=2, partial=True, detail="b down"))
    )
    assert "The answer is incomplete." in said
    assert "2 rows could not be read as audit events." in said
    assert "2 rows held an event that is counted already." in said
    assert "Detail: b down" in said


def test_no_answer_is_no_finding() -> None:
    said = text(answer(m.without(Missing.TIMED_OUT)))
    assert "The audit log did not answer in time." in said
    assert "Nothing is known about this window." in said
    assert "Nothing found" not in said


def test_a_window_that_was_cut_is_shown_as_it_was_asked() -> None:
    said = lines(answer(m.ALICE_TWICE))
    assert said[0] == "audits coredns · 11:32:52–11:37:52 (Europe/Berlin, UTC+02:00)"
    assert "last 5m until" in text(answer(m.ALICE_TWICE))


def test_the_summary_is_the_first_two_lines() -> None:
    said = answer_summary(m.WANTED, FOUND, zone=m.BERLIN)
    assert said.split("\n") == lines(answer(FOUND))[:2]
    assert "<" not in answer_summary(replace(m.WANTED, term="<b>"), FOUND, zone=m.BERLIN)
