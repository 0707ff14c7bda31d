from __future__ import annotations

from typing import Any

from cards.status import Status, Watching, status_card, status_summary
from tests.cards import around
from tests.cards import material as m
from tests.cards.checks import assert_good, assert_valid, lines


def drawn(status: Status) -> list[str]:
    card = status_card(status, zone=m.BERLIN)
    assert_good(card)
    assert_valid(card)
    return lines(card)


def of(**changes: Any) -> list[str]:
    return drawn(around.a_status(**changes))


def test_while_all_is_well_it_says_so_and_since_when_it_runs() -> None:
    said = of()
    assert said[:2] == [
        "All that was due is done or in hand",
        "2022-05-19 12:02:11 (UTC+02:00) · this process runs since 2022-05-19 08:00:00",
    ]
    assert status_summary(around.a_status(), zone=m.BERLIN).splitlines() == said[:2]
    assert "Cards: 2 due · the oldest since 12:02:10 · 1 in hand" in said
    assert "Workspaces (2): prod-law, test-law" in said
    assert "Incidents come to (2): General, ops" in said
    assert "Alerts that Azure did not deliver: last compared 12:00:00" in said


def test_what_is_wrong_is_the_first_line() -> None:
    said = drawn(around.IN_TROUBLE)
    assert said[0] == (
        "Not all is well: 12 cards late, 3 given up, nobody gets incidents, "
        "alerts that Azure did not deliver are not looked for"
    )
    assert (
        "Cards: 12 due · the oldest since 11:40:00 · 3 given up (python -m api backlog tells which)" in said
    )
    assert "Incidents come to: nowhere: say subscribe in a channel" in said


def test_without_the_permission_it_says_which_one_is_missing() -> None:
    said = of(watching=Watching(problem="The role Monitoring Reader is missing."))
    assert (
        "Alerts that Azure did not deliver: The role Monitoring Reader is missing. · not compared yet" in said
    )


def test_many_names_are_counted() -> None:
    said = of(conversations=[f"channel {n}" for n in range(200)])
    (names,) = [line for line in said if line.startswith("Incidents come to (200): channel 0, ")]
    assert names.endswith("channel 11 and 188 more")


def test_a_process_that_does_not_compare_says_nothing_of_it() -> None:
    assert not any("did not deliver" in line for line in of(watching=None))
