"""The dialog that shows the query of a question, whole."""

from __future__ import annotations

from datetime import timedelta

from audit.asked import AskedOf
from audit.filter import EventFilter, Wanted
from audit.kql import activity_asked, actors_asked, events_asked
from bot.chat_rows import ran_of
from cards.query import query_card
from cards.text import Times
from tests.cards import asking
from tests.cards import material as m
from tests.cards.checks import lines, parts, text

TIMES = Times(zone=m.BERLIN, day=asking.WINDOW.end)
LINE = "audits coredns last 1h"


def test_each_query_of_ours_stands_there_whole_line_by_line() -> None:
    what = Wanted(term="coredns", user="alice", client="kubectl")
    wanted = EventFilter(window=asking.WINDOW, what=what, clusters=(m.CLUSTER,))
    step = timedelta(minutes=5)
    for kql in (
        events_asked(wanted, limit=500).rows,
        actors_asked(wanted),
        activity_asked(wanted, step).buckets,
    ):
        said = lines(query_card(LINE, asking.WINDOW, [(("prod-law",), kql)], TIMES))
        assert said[-len(kql.splitlines()) :] == kql.splitlines()


def test_it_says_of_which_question_and_window_it_is() -> None:
    said = text(query_card(LINE, asking.WINDOW, [(("prod-law",), m.KQL)], TIMES))
    assert LINE in said
    assert TIMES.dated(asking.WINDOW.start) in said
    assert "In prod-law:" in said


def test_lines_are_drawn_as_they_stand() -> None:
    hostile = 'T | where a == "[x](https://evil.example) **b** {{DATE(2020)}}"'
    card = query_card(LINE, asking.WINDOW, [(("prod-law",), hostile)], TIMES)
    runs = [run for part in parts(card) for run in part.get("inlines", ())]
    shown = next(run for run in runs if run["text"].startswith("T |"))
    assert shown["type"] == "TextRun"
    assert shown["fontType"] == "monospace"
    assert "{{" not in shown["text"]


def test_queries_that_differ_are_told_apart_by_workspace() -> None:
    ran = ran_of(asking.SEVERAL.of)
    said = lines(query_card(LINE, asking.WINDOW, [(each.workspaces, each.kql) for each in ran], TIMES))
    assert said.index("In prod-law, test-law:") < said.index("AzureDiagnostics")
    assert said.index("In old-law:") < said.index("| take 10")


def test_what_is_too_long_says_how_much_is_shown() -> None:
    kql = "\n".join(f"| where x{n} == 1" for n in range(4000))
    assert "Shown: 60 of 4,000 lines of the query." in lines(
        query_card(LINE, asking.WINDOW, [(("law",), kql)], TIMES)
    )


def test_a_question_without_a_query_says_so() -> None:
    assert "No query ran for it." in text(query_card(LINE, asking.WINDOW, [], TIMES))
    assert ran_of([AskedOf(workspace="law", kql="  ")]) == ()
