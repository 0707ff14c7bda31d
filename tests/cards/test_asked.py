from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from audit.asked import Asked
from audit.evidence import Evidence, Missing
from audit.involved import mark
from cards.asked import asked_card, asked_summary
from tests.cards import asking
from tests.cards import material as m
from tests.cards.checks import assert_good, assert_valid, lines, text, titles, visible


def answer(evidence: Evidence, asked: Asked | None = None, **options: Any) -> dict[str, Any]:
    card = asked_card(asked or asking.asked(), evidence, **({"zone": m.BERLIN} | options))
    assert_good(card)
    assert_valid(card)
    return card


def sent(value: Any) -> list[dict[str, Any]]:
    """Return the data of every button of the card, those in menus included."""
    if isinstance(value, dict):
        mine = [value["data"]] if isinstance(value.get("data"), dict) else []
        return [*mine, *(each for item in value.values() for each in sent(item))]
    return [each for item in value for each in sent(item)] if isinstance(value, list) else []


def test_an_answer_says_what_was_asked_when_exactly_and_how_many() -> None:
    said = lines(answer(asking.FOUND))
    assert said[:3] == [
        "audits coredns last 1h · 10:39:24–11:39:24 (Europe/Berlin, UTC+02:00) · prod-weu",
        "6 events by 1 person and the platform; 2 shown, 4 folded",
        "alice@contoso.com · person · 2× · succeeded",
    ]


def test_findings_changes_and_what_is_new_stand_as_on_an_incidents_card() -> None:
    said = text(answer(asking.FOUND))
    assert "High: Cluster DNS was rewritten · MS-TA9035 · T1557" in said
    assert "What changed: +2 −1 lines" in said
    assert "first time in kube-system in 30 days" in said


def test_a_rows_buttons_name_the_question_and_the_row() -> None:
    data = sent(answer(asking.FOUND))
    row = {"v": 1, "q": asking.QUESTION, "g": mark(m.EDITED), "msteams": {"type": "task/fetch"}}
    assert {**row, "a": "else"} in data
    assert {**row, "a": "seven"} in data
    assert {**row, "a": "raw", "p": 0} in data
    assert {"v": 1, "q": asking.QUESTION} in data
    assert not any("k" in each for each in data)


def test_without_a_key_no_button_asks_anything() -> None:
    assert sent(answer(asking.FOUND, asking.asked(key=""))) == []


def test_all_events_are_listed_where_not_each_has_a_row() -> None:
    assert "List all 6" not in titles(answer(asking.FOUND))
    card = answer(replace(asking.FOUND, events=1204, returned=1204))
    assert titles(card)[0] == "List all 1,204"
    assert {"msteams": {"type": "task/fetch"}, "v": 1, "a": "list", "q": asking.QUESTION, "p": 0} in sent(
        card
    )


def test_a_count_of_more_than_is_known_by_whom_tells_events_apart() -> None:
    found = replace(asking.FOUND, events=1204, returned=1204, by_people=41, by_platform=1163)
    assert lines(answer(found))[1] == (
        "1,204 events (41 by people, 1,163 by the platform); 2 shown, 4 folded, 1,198 left out"
    )
    assert "by people" not in lines(answer(replace(found, by_people=42)))[1]


def test_a_count_that_is_not_whole_says_so() -> None:
    said = lines(answer(replace(asking.FOUND, partial=True)))
    assert said[1].startswith("At least 6 events by 1 person")
    assert "The workspace says that its answer is incomplete." in said


def test_doubts_about_rows_are_said() -> None:
    found = replace(asking.FOUND, returned=11, unreadable=2, repeated=2, cut=1, judged=3, detail="b is slow")
    said = lines(answer(found))
    for sentence in (
        "Risk judged on 3 of 6 events.",
        "2 rows could not be read as audit events.",
        "2 rows held an event that is counted already.",
        "Azure cut 1 row.",
        "Detail: b is slow",
    ):
        assert sentence in said


def test_no_more_groups_than_were_asked_for_are_shown() -> None:
    said = text(answer(asking.MANY, top=1))
    assert "1 shown, 4 folded, 1,197 left out" in said
    assert (
        "Left out, for the top 1 were asked for: 2 groups with 3 events (2 by people); 1,194 events not read."
        in said
    )
    # The one that is shown is the riskiest.
    assert "bound cluster-admin to ci/runner" in said
    assert "top" not in text(answer(asking.MANY, top=9))


def test_what_no_rule_finds_fault_with_is_counted_where_findings_were_asked_for() -> None:
    risky = asking.asked("risky last 1h")
    card = answer(asking.FOUND, risky)
    assert lines(card)[1] == "2 events by 1 person; 2 shown, 4 more that no rule finds fault with"
    assert "aksService" not in text(card)
    assert titles(card)[0] == "List all 6"


def test_of_events_that_no_rule_saw_nobody_says_that_they_are_faultless() -> None:
    said = lines(answer(replace(asking.FOUND, judged=3), asking.asked("risky last 1h")))
    assert said[1].endswith("4 more without a finding")
    assert "Risk judged on 3 of 6 events." in said


def test_no_findings_are_told_from_no_events() -> None:
    quiet = replace(m.evidence_of(m.KNOWN_RECONCILER, window=asking.WINDOW), judged=4)
    assert lines(answer(quiet, asking.asked("risky")))[1] == "No findings in 4 events."
    assert lines(answer(asking.NOTHING, asking.asked("risky")))[1] == "No findings."
    assert lines(answer(asking.NOTHING, asking.asked("riskyx")))[1] == "Nothing found."


def test_nothing_found_says_what_was_searched_and_offers_a_wider_question() -> None:
    card = answer(asking.NOTHING, wider="audits coredns last 6h", reaches_back_to=m.FIRED - timedelta(days=3))
    assert visible(card)[1:7] == [
        "Nothing found.",
        "Searched: the audit events in prod-law, 10:39:24–11:39:24.",
        "The log reaches back to 2022-05-16 11:38:24.",
        *asking.NOTHING.blind_spots,
        "A wider question: audits coredns last 6h",
    ]
    assert titles(card) == ["Ask the wider question", "KQL", "Open in Logs", "Watch this"]
    said = {"type": "messageBack", "text": "audits coredns last 6h", "displayText": "audits coredns last 6h"}
    assert {"msteams": said} in sent(card)


def test_a_log_that_begins_within_the_window_says_of_when_nothing_can_be_found() -> None:
    said = text(answer(asking.NOTHING, reaches_back_to=m.at("09:30:00")))
    assert "The log begins at 2022-05-19 11:30:00 only: of the time before nothing can be found." in said


def test_what_was_found_offers_nothing_wider() -> None:
    card = answer(asking.FOUND, wider="audits coredns last 6h", reaches_back_to=m.FIRED)
    assert "last 6h" not in text(card)
    assert "Ask the wider question" not in titles(card)


@pytest.mark.parametrize("why", [Missing.TIMED_OUT, Missing.REFUSED_QUERY])
def test_no_answer_is_no_finding(why: Missing) -> None:
    said = text(answer(m.without(why), wider="audits x last 6h"))
    assert "Nothing is known about this window." in said
    assert "Nothing found" not in said
    assert "wider" not in said


def test_where_no_workspace_answered_it_is_said_once() -> None:
    said = text(answer(m.without(Missing.FORBIDDEN), asking.NOBODY_ANSWERED))
    assert said.count("nothing is known") + said.count("Nothing is known") == 1


def test_the_summary_is_the_first_two_lines() -> None:
    for line, top in (("audits coredns last 1h", 0), ("risky last 1h", 0), ("audits last 1h top 1", 1)):
        asked = asking.asked(line)
        said = asked_summary(asked, asking.MANY, zone=m.BERLIN, top=top)
        assert said.split("\n") == lines(answer(asking.MANY, asked, top=top))[:2]
