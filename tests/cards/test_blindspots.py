from __future__ import annotations

from cards.blindspots import blindspots_card, blindspots_summary
from tests.cards import material as m
from tests.cards import telling
from tests.cards.checks import assert_good, assert_valid, lines, titles

ASKED = telling.asked("blindspots")


def test_clusters_with_the_same_blind_spots_stand_together_and_what_misses_most_first() -> None:
    card = blindspots_card(ASKED, telling.BLIND, zone=m.BERLIN)
    assert_good(card)
    assert_valid(card)
    said = lines(card)
    assert said[1] == "3 clusters, 2 of them with something that the log cannot show"
    assert said[2:7] == [
        "prod-weu, staging-weu",
        f"– {telling.NO_READS}",
        "– Not asked: AKSAudit, on a Basic plan.",
        "prod-neu",
        "Nothing is known to be missing from its log.",
    ]
    assert blindspots_summary(ASKED, telling.BLIND, zone=m.BERLIN).splitlines()[1] == said[1]
    assert titles(card) == ["KQL", "Open in Logs"]


def test_nothing_missing_and_nothing_known_are_two_things() -> None:
    assert lines(blindspots_card(ASKED, [("prod-weu", ())], zone=m.BERLIN))[1] == (
        "1 cluster: nothing is known to be missing"
    )
    assert lines(blindspots_card(ASKED, [], zone=m.BERLIN))[1] == (
        "No cluster's audit log was found, so nothing is known about what it shows."
    )


def test_many_clusters_with_different_blind_spots_are_counted() -> None:
    many = [(f"cluster-{n}", (f"Sentence {n}.",)) for n in range(40)]
    card = blindspots_card(ASKED, many, zone=m.BERLIN)
    assert_good(card)
    assert any(line.endswith("more clusters not shown.") for line in lines(card))
