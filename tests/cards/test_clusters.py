from __future__ import annotations

from dataclasses import replace

from audit.asked import Clusters
from bot.asked import AskEvents
from bot.grammar import from_text
from cards.clusters import clusters_card, clusters_summary
from tests.cards import material as m
from tests.cards import telling
from tests.cards.checks import assert_good, assert_valid, lines, parts

ASKED = telling.asked("clusters")


def said(clusters: Clusters = telling.CLUSTERS) -> list[str]:
    card = clusters_card(ASKED, clusters, zone=m.BERLIN)
    assert_good(card)
    assert_valid(card)
    return lines(card)


def test_what_logs_nothing_stands_first_and_says_so() -> None:
    found = said()
    assert found[1] == "3 clusters, 1 of them with nothing logged"
    assert found[3:5] == ["staging-weu · in prod-law", "Nothing logged: no audit event of it in this window."]
    assert any("diagnostic setting" in line for line in found)
    assert clusters_summary(ASKED, telling.CLUSTERS, zone=m.BERLIN).splitlines()[1] == found[1]


def test_each_says_since_when_and_what_of_it_is_logged() -> None:
    assert "12,345 rows since 2022-05-18 15:05:09 · last 15:01:00" in said()
    assert "Logged: AzureDiagnostics kube-audit-admin, AzureDiagnostics guard" in said()


def test_a_cluster_that_has_fallen_silent_says_for_how_long() -> None:
    assert "12,345 rows since 2022-05-18 15:05:09 · last 12:00:00, nothing for 3 h 5 min" in said()


def test_a_cluster_is_pressed_to_ask_what_was_risky_there() -> None:
    card = clusters_card(ASKED, telling.CLUSTERS, zone=m.BERLIN)
    pressed = [
        part["selectAction"]["data"]["msteams"]["text"] for part in parts(card) if "selectAction" in part
    ]
    assert pressed == [f'risky on "{name}" last 24h' for name in ("staging-weu", "prod-neu", "prod-weu")]


def test_a_name_that_no_cluster_can_have_is_not_put_into_a_line() -> None:
    rows = tuple(replace(telling.CLUSTERS.rows[1], name=name) for name in ("", "a b", "x" * 80, "a\nb", "ä"))
    card = clusters_card(ASKED, replace(telling.CLUSTERS, rows=rows), zone=m.BERLIN)
    assert not any("selectAction" in part for part in parts(card))


def test_where_all_or_none_log_it_says_that() -> None:
    assert said(replace(telling.CLUSTERS, rows=telling.CLUSTERS.rows[:2]))[1] == (
        "2 clusters, all with audit events"
    )
    assert said(replace(telling.CLUSTERS, rows=telling.CLUSTERS.rows[2:]))[1] == (
        "1 cluster, none with any audit event"
    )
    assert said(replace(telling.CLUSTERS, rows=()))[1] == "No cluster's audit log was found."


def test_more_clusters_than_fit_are_counted() -> None:
    rows = tuple(telling.a_cluster(f"cluster-{n}") for n in range(50))
    assert any(
        line.endswith("more clusters not shown.") for line in said(replace(telling.CLUSTERS, rows=rows))
    )


def test_what_a_pressed_cluster_says_is_understood() -> None:
    for name in ("prod-weu", "a", "today", "24h", "aks_1", "X" * 63):
        card = clusters_card(ASKED, replace(telling.CLUSTERS, rows=(telling.a_cluster(name),)), zone=m.BERLIN)
        (said,) = [
            part["selectAction"]["data"]["msteams"]["text"] for part in parts(card) if "selectAction" in part
        ]
        understood = from_text(said)
        assert isinstance(understood, AskEvents)
        assert understood.what.cluster.lower() == name.lower()
