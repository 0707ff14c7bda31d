from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from audit.asked import Unanswered
from audit.evidence import Missing
from cards.activity import activity_card, activity_summary
from tests.cards import material as m
from tests.cards import telling
from tests.cards.charts import charts
from tests.cards.checks import assert_good, assert_valid, lines, titles, visible


def test_it_counts_who_it_was_and_says_when_people_were_busiest() -> None:
    card = activity_card(telling.asked(), telling.BUSY, zone=m.BERLIN)
    said = lines(card)
    assert said[0].startswith("activity last 24h · 2022-05-18 15:05:00–2022-05-19 15:05:00 (Europe/Berlin")
    assert said[1] == "1,404 events: 18 by people, 24 by workloads, 1,362 by the platform"
    assert said[2] == "Most by people: 5 in the 2 h from 05-19 08:00."
    assert "41× alice@contoso.com · person" in said
    assert "312× configmaps kube-system/coredns" in said
    summary = activity_summary(telling.asked(), telling.BUSY, zone=m.BERLIN)
    assert summary.splitlines() == said[:2]


def test_its_chart_is_one_of_teams_and_the_rest_is_a_card_of_version_1_5() -> None:
    card = activity_card(telling.asked(), telling.BUSY, zone=m.BERLIN)
    assert_good(card)
    assert_valid(card)
    (chart,) = charts(card)
    assert chart["type"] == "Chart.VerticalBar.Grouped"
    assert chart["stacked"] is True
    assert [series["legend"] for series in chart["data"]] == ["people", "workloads", "platform"]


def test_without_any_person_it_says_so() -> None:
    found = telling.activity([(0, 0, 4)], step=timedelta(hours=1), start=m.at("09:00:00"))
    said = lines(activity_card(telling.asked(), found, zone=m.BERLIN))
    assert said[1] == "4 events, all by the platform"
    assert "None of them by a person." in said


def test_where_nothing_was_found_there_is_no_chart_but_a_wider_question() -> None:
    card = activity_card(telling.asked(), telling.QUIET, zone=m.BERLIN, wider="activity last 7d")
    assert_good(card)
    assert not list(charts(card))
    assert lines(card)[1] == "Nothing found."
    assert titles(card)[0] == "Ask the wider question"


def test_where_no_workspace_answered_zero_is_not_claimed() -> None:
    silent = telling.asked(of=(), unanswered=(Unanswered(workspace="prod-law", why=Missing.TIMED_OUT),))
    card = activity_card(silent, replace(telling.QUIET, buckets=()), zone=m.BERLIN, wider="activity last 7d")
    assert_good(card)
    assert not any("Nothing found" in line for line in visible(card))
    assert any(line.startswith("prod-law is not in this answer.") for line in visible(card))
