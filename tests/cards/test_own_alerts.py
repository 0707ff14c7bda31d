"""The card of an incident that Azure knows nothing of says who made it, and that it ends by itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from audit.alert import Alert
from audit.incident import Incident, State
from audit.origin import Origin
from cards.incident import incident_card, incident_summary
from tests.cards import material as m
from tests.cards.checks import assert_good, assert_valid, lines, text

RAISED = replace(
    m.an_alert(),
    origin=Origin.RAISED,
    counted=None,
    description="Raised by Bob Lee in General.",
    ends_at=m.FIRED + timedelta(days=1),
)
TEST = replace(
    RAISED,
    origin=Origin.TEST,
    description="This is a test by Bob Lee: there is nothing to do.",
    ends_at=m.FIRED + timedelta(minutes=10),
)


def card(alert: Alert, incident: Incident | None = None) -> dict[str, Any]:
    made = incident_card(incident or m.an_incident(), alert, m.ALICE_TWICE, zone=m.UTC_ZONE)
    assert_good(made)
    assert_valid(made)
    return made


def summary(alert: Alert, incident: Incident) -> str:
    return incident_summary(incident, alert, m.ALICE_TWICE, zone=m.UTC_ZONE)


def test_a_raised_one_says_by_whom_and_when_it_ends() -> None:
    said = lines(card(RAISED))
    assert said[2] == "Raised by Bob Lee in General."
    assert said[-1].endswith("raised 2022-05-19 09:38:24 · ends by itself 2022-05-20 09:38:24")
    assert not any("The rule says" in line or "fired" in line for line in said)


def test_a_raised_one_begins_when_it_was_raised_and_not_when_it_was_asked() -> None:
    asked_before = replace(RAISED, fired_at=m.FIRED - timedelta(hours=3))
    assert "raised 2022-05-19 09:38:24" in lines(card(asked_before))[-1]


def test_a_test_says_so_before_all_else_and_on_the_phone() -> None:
    assert lines(card(TEST))[0] == "This is a test by Bob Lee: there is nothing to do."
    assert summary(TEST, m.an_incident()).startswith("This is a test by Bob Lee")
    assert text(card(TEST)).count("This is a test") == 1


def test_an_acknowledged_test_is_still_called_a_test() -> None:
    taken = m.an_incident(acknowledgement=m.BOB, state=State.ACKNOWLEDGED)
    first = lines(card(TEST, taken))[0]
    assert first.startswith("This is a test by Bob Lee: there is nothing to do. Acknowledged by Bob Lee")


@pytest.mark.parametrize("origin", [Origin.RAISED, Origin.WATCH])
def test_its_end_is_not_said_to_be_azures(origin: Origin) -> None:
    over = m.an_incident(state=State.RESOLVED, resolved_at=m.FIRED + timedelta(days=1), version=2)
    said = lines(card(replace(RAISED, origin=origin), over))
    assert said[0].startswith("Ended by itself, ")
    assert said[0].endswith("Nobody acknowledged.")
    assert "ended by itself" in said[-1]
    assert not any("Azure says" in line or "by Azure" in line or "ends by itself" in line for line in said)


def test_what_is_azures_still_ends_by_azure() -> None:
    over = m.an_incident(state=State.RESOLVED, resolved_at=m.FIRED + timedelta(days=1))
    assert lines(card(m.an_alert(), over))[0].startswith("Azure says it is over")


def test_a_hostile_name_stays_text() -> None:
    hostile = "[click](https://evil.example) **bold** <at>all</at>\n# head"
    made = card(replace(RAISED, description=f"Raised by {hostile} in General."))
    assert any("[click]" in line for line in lines(made))
    card(replace(TEST, description=f"This is a test by {hostile}: there is nothing to do."))
