"""What only the asker sees: seven answers, what else somebody did, what was seen before, notes on a raw log."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from audit.evidence import Missing
from cards.actor import what_else_card
from cards.before import seen_before_card
from cards.raw_log import cut_note, partial_note, raw_log_card, unreadable_note
from cards.seven import seven_card
from tests.cards import around
from tests.cards import material as m
from tests.cards.checks import assert_good, assert_valid, lines, parts, text


def good(card: dict[str, Any]) -> dict[str, Any]:
    assert_good(card)
    assert_valid(card)
    return card


def test_an_answer_that_is_not_known_says_why() -> None:
    said = lines(good(seven_card(around.ANSWERS, about="one of 2 alike", notes=("cut",))))
    assert said == [
        "Seven answers",
        "one of 2 alike",
        "cut",
        "What happened",
        "opened a shell in pod shop/web-1",
        "succeeded 101",
        "When",
        "2022-05-19 09:36:40.114 UTC",
        "Who · not in this table",
        "masterclient, local admin",
        "On what · cut off",
    ]


def test_answers_that_are_too_long_say_how_many_lines_are_left_off() -> None:
    long = around.Answered(question="Who", lines=tuple(f"{n} {'x' * 300}" for n in range(90)))
    assert "more lines." in text(good(seven_card([long] * 7)))


def test_what_else_somebody_did_is_groups_without_buttons() -> None:
    card = good(
        what_else_card(m.REWRITTEN, "alice@contoso.com", m.WINDOW, zone=m.BERLIN, logs_url=m.LOGS_URL)
    )
    said = lines(card)
    assert said[:3] == [
        "What else alice@contoso.com did",
        "6 events · 2 shown · 4 folded",
        (
            "2022-05-19 11:32:52 to 2022-05-19 11:37:52 (Europe/Berlin, UTC+02:00)."
            " All clusters of this workspace."
        ),
    ]
    assert "alice@contoso.com · person · 2× · succeeded" in said
    assert not any("data" in part for part in parts(card))


def test_what_else_says_what_is_doubtful() -> None:
    part = replace(m.REWRITTEN, partial=True, unreadable=2, detail="limit")
    said = text(good(what_else_card(part, "alice", m.WINDOW, zone=m.BERLIN)))
    assert "The answer is incomplete." in said
    assert "2 rows could not be read as audit events." in said
    down = what_else_card(m.without(Missing.TIMED_OUT), "alice", m.WINDOW, zone=m.BERLIN)
    assert lines(good(down))[1] == "The audit log did not answer in time."
    assert (
        lines(good(what_else_card(m.evidence_of(), "alice", m.WINDOW, zone=m.BERLIN)))[1] == "Nothing found."
    )


def test_what_was_seen_before_says_how_it_ended_and_by_whom() -> None:
    said = lines(good(seen_before_card(around.SEEN, zone=m.UTC_ZONE, about="alice", total=7)))
    assert said == [
        "Seen before: 7 times",
        "alice",
        "#9 · 2022-05-16 09:38:24 (UTC)",
        "Cluster DNS was rewritten",
        "resolved · acknowledged by Bob Lee 09:40:24",
        "#4 · 2022-05-07 09:38:24 (UTC)",
        "Cluster DNS was rewritten",
        "fired",
        "5 older incidents not shown.",
    ]


def test_what_was_never_seen_says_so() -> None:
    said = lines(good(seen_before_card((), zone=m.UTC_ZONE)))
    assert said == ["Seen before", "No earlier incident with the same actor and object is kept."]


def test_a_raw_log_says_what_azure_cut_and_what_is_missing() -> None:
    notes = (cut_note({"requestObject", "code"}), partial_note(), unreadable_note(2))
    card = raw_log_card(
        m.RAW_EVENT, page=0, pages=1, asked_by="Bob", at=m.FIRED, key=m.KEY, redactions=0, notes=notes
    )
    assert lines(good(card))[2:5] == list(notes)
    assert notes[0] == (
        "Azure cut this event; it took code, requestObject. What stood after the cut is not in the log."
    )
    assert cut_note(()) == "Azure cut this event. What stood after the cut is not in the log."
