from __future__ import annotations

import random
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from audit.incident import Incident, State
from cards.digest import digest_card, digest_summary
from tests.cards import around
from tests.cards import material as m
from tests.cards.checks import assert_good, assert_valid, lines, parts, text, visible

AT = m.at("10:02:11")


def drawn(incidents: list[Incident]) -> dict[str, Any]:
    card = digest_card(incidents, zone=m.BERLIN, at=AT)
    assert_good(card)
    assert_valid(card)
    return card


def told(card: dict[str, Any]) -> set[int]:
    """Return the numbers that a reader finds on the card: alone, or within a range."""
    found: set[int] = set()
    for first, last in re.findall(r"#(\d+)(?:–#(\d+))?", text(card)):
        found |= set(range(int(first), int(last or first) + 1))
    return found


def style(card: dict[str, Any]) -> str:
    return str(card["body"][0]["style"])


def test_the_first_two_lines_say_how_much_waits_and_how_bad_it_is() -> None:
    storm = around.a_storm(9, rules=3)
    assert lines(drawn(storm))[:2] == [
        "Storm: 9 incidents, 7 not acknowledged",
        "Waiting: 3 critical, 2 error, 2 warning · 1 acknowledged · 1 over · 18 alerts · 3 rules · 7 clusters · since 2022-05-19 11:38:24, the newest 11:38:32 (UTC+02:00)",
    ]
    assert digest_summary(storm, zone=m.BERLIN, at=AT).splitlines() == lines(drawn(storm))[:2]


def test_of_few_incidents_each_has_its_line_with_what_has_become_of_it() -> None:
    said = text(drawn(around.a_storm(9, rules=3)))
    assert "#41 prod-0 · not acknowledged" in said
    assert "#44 prod-3 · acknowledged by Bob Lee 11:41:07" in said
    assert "#46 prod-5 · over 11:58:00, nobody acknowledged · 3 alerts" in said


def test_the_most_severe_rule_comes_first_and_among_equals_the_one_that_most_wait_of() -> None:
    calm = m.an_incident(number=1, rule="calm", severity="Sev4")
    unknown = m.an_incident(number=2, rule="unknown", severity="Terrible")
    taken = m.an_incident(number=3, rule="taken", severity="Sev0", acknowledgement=m.BOB)
    waiting = m.an_incident(number=4, rule="waiting", severity="Sev0")
    said = text(drawn([calm, unknown, taken, waiting]))
    places = [said.index(f" · {rule} · ") for rule in ("waiting", "taken", "calm", "unknown")]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("incident", "expected"),
    [
        (m.an_incident(severity="Sev1"), "attention"),
        (m.an_incident(severity="Sev2"), "warning"),
        (m.an_incident(severity="whatever"), "accent"),
        (m.an_incident(severity="Sev0", acknowledgement=m.BOB), "emphasis"),
        (m.RESOLVED, "good"),
    ],
)
def test_the_style_is_that_of_the_worst_that_nobody_has_taken_on(incident: Incident, expected: str) -> None:
    assert style(drawn([m.RESOLVED, incident])) == expected


def test_of_many_incidents_the_numbers_stand_by_rule_and_state_in_ranges() -> None:
    storm = [m.an_incident(number=n, subject_id=str(n), subject_name=f"prod-{n}") for n in range(100, 150)]
    storm[10] = replace(storm[10], acknowledgement=m.BOB)
    storm[48:] = [replace(i, state=State.RESOLVED, resolved_at=m.at("09:58:00")) for i in storm[48:]]
    said = lines(drawn(storm))
    assert "not acknowledged: #100–#109, #111–#147" in said
    assert "acknowledged: #110" in said
    assert "over: #148, #149" in said
    assert any("prod-100, prod-101, prod-102 and 47 other clusters" in line for line in said)


def test_of_a_large_storm_the_numbers_are_folded_away_and_open_together() -> None:
    card = drawn(around.a_storm(600, rules=12))
    assert "▸ Show the incidents' numbers" in visible(card)
    assert not any("–#" in line or ", #" in line for line in visible(card))
    (opens,) = [p for p in parts(card) if p["type"] == "Action.ToggleVisibility"]
    hidden = {p["id"] for p in parts(card) if p.get("isVisible") is False}
    assert hidden | {"show"} == set(opens["targetElements"])


SIZES = [(1, 1), (12, 2), (60, 3), (61, 3), (300, 40), (1500, 40), (3000, 40), (5000, 400), (5000, 5000)]


@pytest.mark.parametrize(("count", "rules"), SIZES)
def test_every_incident_of_a_storm_is_found_on_the_card(count: int, rules: int) -> None:
    chance = random.Random(count)
    storm = around.a_storm(count, rules=rules, clusters=100)
    shuffled = [replace(i, rule=f"AKS-Rule-{chance.randrange(rules)}", number=i.number + 7000) for i in storm]
    card = drawn(shuffled)
    numbers = {incident.number for incident in shuffled}
    assert told(card) - {min(numbers)} == numbers - {min(numbers)}
    assert "not every number" not in text(card)


def test_numbers_with_gaps_beyond_any_card_are_told_by_ranges_that_say_so() -> None:
    storm = [replace(i, number=i.number * 97) for i in around.a_storm(5000, rules=4000)]
    card = drawn(storm)
    assert told(card) >= {incident.number for incident in storm}
    assert "not every number in these ranges belongs to it" in text(card)


def test_it_says_how_to_open_one_and_of_when_it_is() -> None:
    said = lines(drawn(around.a_storm(9)))
    assert said[-2] == "Open one by its number: incident 41"
    assert said[-1] == "As it was 12:02:11 (UTC+02:00); this card is updated in place."


def test_the_order_in_which_incidents_come_changes_nothing() -> None:
    storm = around.a_storm(50)
    shuffled = random.Random(1).sample(storm, len(storm))
    assert drawn(storm) == drawn(shuffled)


def test_a_storm_over_midnight_states_the_days() -> None:
    storm = [m.an_incident(), m.an_incident(number=13, opened_at=m.FIRED + timedelta(hours=15))]
    assert "since 2022-05-19 11:38:24, the newest 2022-05-20 02:38:24" in text(drawn(storm))


def test_incidents_that_are_all_gone_leave_a_card_that_says_so() -> None:
    assert lines(drawn([]))[0] == "Storm: 0 incidents, none waits to be acknowledged"
