from __future__ import annotations

from dataclasses import replace

from cards.watches import watches_card, watches_summary
from tests.cards import material as m
from tests.cards import telling
from tests.cards.checks import assert_good, assert_valid, lines, parts


def test_each_says_who_watches_what_and_what_was_found() -> None:
    card = watches_card(telling.WATCHES, zone=m.BERLIN)
    assert_good(card)
    assert_valid(card)
    said = lines(card)
    assert said[0] == "2 questions are watched here"
    assert said[2:] == [
        "3. audits kube-system/coredns verb delete",
        (
            "since 2022-05-17 15:05:00 (UTC+02:00) by Alice Doe · on prod-weu · "
            "found 2 times, last 2022-05-19 10:05:00 · asked up to 14:55:00"
        ),
        "4. exec",
        "since 2022-05-19 15:04:00 (UTC+02:00) by Bob Lee · nothing found yet · not asked yet",
    ]
    assert watches_summary(telling.WATCHES).splitlines() == said[:2]


def test_each_has_a_button_that_ends_it() -> None:
    actions = [
        a for part in parts(watches_card(telling.WATCHES, zone=m.BERLIN)) for a in part.get("actions", ())
    ]
    assert [(a["verb"], a["data"]) for a in actions] == [
        ("unwatch", {"v": 1, "n": 3}),
        ("unwatch", {"v": 1, "n": 4}),
    ]
    assert [a["title"] for a in actions] == ["End watch 3", "End watch 4"]


def test_twenty_of_ordinary_length_are_all_shown_and_more_are_counted() -> None:
    twenty = [replace(telling.WATCHES[0], number=n) for n in range(20)]
    card = watches_card(twenty, zone=m.BERLIN)
    assert_good(card)
    assert sum(part["type"] == "ActionSet" for part in parts(card)) == 20
    more = watches_card(twenty * 2, zone=m.BERLIN)
    assert_good(more)
    assert lines(more)[1] == "20 watches left out here; “unwatch NUMBER” ends any."


def test_none_says_how_to_begin_one() -> None:
    assert lines(watches_card((), zone=m.BERLIN)) == [
        "Nothing is watched here",
        "The button Watch this on an answer begins one. What is found becomes an incident here.",
    ]
