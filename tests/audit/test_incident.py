"""The state machine of an incident: each transition says what it did and why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.alert import Alert, AlertKind, Condition
from audit.incident import (
    COVERED_FOR,
    Acknowledgement,
    Incident,
    Person,
    State,
    Transition,
    Why,
    acknowledge,
    alert_identity,
    identity,
    join,
    open_from,
    over_since,
    resolve,
    takes_in,
)
from tests.fakes import NOW

ALICE = Person(id="alice", name="Alice")
BOB = Person(id="bob", name="Bob")
LATER = NOW + timedelta(minutes=1)
CLUSTER = "/subscriptions/s/resourceGroups/RG/providers/Microsoft.ContainerService/managedClusters/Prod-Weu"


def an_alert(**changes: object) -> Alert:
    fields: dict[str, object] = {
        "key": "k",
        "alert_id": "/subscriptions/s/alerts/A1",
        "rule": "CoreDNS changed",
        "condition": Condition.FIRED,
        "kind": AlertKind.LOG_V2,
        "service": "Log Alerts V2",
        "severity": "Sev2",
        "fired_at": NOW,
        "targets": (CLUSTER,),
        "custom_properties": {},
    }
    return Alert(**(fields | changes))  # type: ignore[arg-type]  # fields by name


def opened(over_at: datetime | None = None) -> Incident:
    return open_from(an_alert(), number=7, key="ab" * 16, now=LATER, over_at=over_at).incident


def test_opening_takes_rule_severity_and_subject_from_the_alert() -> None:
    transition = open_from(an_alert(), number=7, key="ab" * 16, now=LATER)
    assert transition.why is Why.OPENED
    assert transition.changed
    assert transition.incident == Incident(
        number=7,
        key="ab" * 16,
        rule="CoreDNS changed",
        severity="Sev2",
        subject_id=CLUSTER.lower(),
        subject_name="Prod-Weu",
        opened_at=LATER,
    )


def test_an_alert_about_nothing_opens_an_incident_without_a_subject() -> None:
    incident = open_from(an_alert(targets=()), number=1, key="", now=NOW).incident
    assert (incident.subject_id, incident.subject_name) == ("", "")


def test_an_alert_that_is_over_already_opens_resolved_and_that_counts_as_a_change() -> None:
    transition = open_from(an_alert(), number=7, key="", now=NOW, over_at=LATER)
    assert (transition.why, transition.changed) == (Why.ALREADY_OVER, True)
    assert (transition.incident.state, transition.incident.resolved_at) == (State.RESOLVED, LATER)


def test_alerts_belong_together_by_rule_and_subject_whatever_the_case_of_the_resource_id() -> None:
    assert identity(an_alert()) == identity(an_alert(targets=(CLUSTER.upper(),), alert_id="other"))
    assert identity(an_alert()) != identity(an_alert(rule="coredns changed"))
    assert identity(an_alert()) != identity(an_alert(targets=()))


def test_fired_and_resolved_of_one_alert_have_azures_id_in_common() -> None:
    over = an_alert(condition=Condition.RESOLVED, alert_id="/SUBSCRIPTIONS/S/alerts/a1", targets=())
    assert alert_identity(an_alert()) == alert_identity(over)
    assert alert_identity(an_alert(alert_id="")) == identity(an_alert())


def test_a_further_alert_joins_and_leaves_state_and_acknowledgement() -> None:
    incident = acknowledge(opened(), ALICE, LATER).incident
    joined = join(incident)
    assert (joined.why, joined.changed) == (Why.JOINED, True)
    assert joined.incident == replace(incident, alert_count=2, version=3)


def test_the_first_acknowledgement_stands() -> None:
    first = acknowledge(opened(), ALICE, NOW)
    assert (first.why, first.incident.state, first.incident.version) == (
        Why.ACKNOWLEDGED,
        State.ACKNOWLEDGED,
        2,
    )
    second = acknowledge(first.incident, BOB, LATER)
    assert second == Transition(incident=first.incident, why=Why.ALREADY_ACKNOWLEDGED)
    assert not second.changed
    assert second.incident.acknowledgement == Acknowledgement(by=ALICE, at=NOW)


def test_acknowledging_what_is_over_keeps_the_acknowledgement_and_the_state() -> None:
    over = resolve(opened(), LATER, others_firing=False).incident
    late = acknowledge(over, ALICE, LATER)
    assert (late.why, late.changed) == (Why.ACKNOWLEDGED, True)
    assert late.incident == replace(over, acknowledgement=Acknowledgement(by=ALICE, at=LATER), version=3)


@pytest.mark.parametrize(
    ("acknowledged", "state", "after", "belongs"),
    [
        (False, State.FIRED, timedelta(days=30), True),
        (True, State.ACKNOWLEDGED, COVERED_FOR - timedelta(seconds=1), True),
        (True, State.ACKNOWLEDGED, COVERED_FOR, False),
        (False, State.RESOLVED, timedelta(), False),
    ],
    ids=["nobody acknowledged", "within the day", "a day later", "over"],
)
def test_a_further_alert_belongs_while_the_acknowledgement_speaks_for_it(
    acknowledged: bool, state: State, after: timedelta, belongs: bool
) -> None:
    opened = open_from(an_alert(), number=1, key="k", now=NOW).incident
    incident = replace(
        opened, state=state, acknowledgement=Acknowledgement(by=ALICE, at=NOW) if acknowledged else None
    )
    assert takes_in(incident, NOW + after) is belongs


def test_resolving_waits_for_the_last_alert() -> None:
    incident = opened()
    waiting = resolve(incident, LATER, others_firing=True)
    assert waiting == Transition(incident=incident, why=Why.STILL_FIRING)
    assert not waiting.changed
    over = resolve(incident, LATER, others_firing=False)
    assert (over.why, over.changed) == (Why.RESOLVED, True)
    assert over.incident == replace(incident, state=State.RESOLVED, resolved_at=LATER, version=2)


@pytest.mark.parametrize("others_firing", [True, False])
def test_only_the_first_resolution_counts(others_firing: bool) -> None:
    over = resolve(opened(), NOW, others_firing=False).incident
    again = resolve(over, LATER, others_firing=others_firing)
    assert again == Transition(incident=over, why=Why.ALREADY_RESOLVED)
    assert not again.changed


def test_resolving_keeps_who_acknowledged() -> None:
    incident = acknowledge(opened(), ALICE, NOW).incident
    assert resolve(incident, LATER, others_firing=False).incident.acknowledgement == incident.acknowledgement


@pytest.mark.parametrize(
    ("fired_at", "resolutions", "over_at"),
    [
        (NOW, [], None),
        (NOW, [LATER], LATER),
        (NOW, [NOW], NOW),
        (LATER, [NOW], None),
        (NOW, [LATER + timedelta(hours=1), LATER], LATER),
        (NOW, [None], None),
        (None, [LATER], None),
    ],
)
def test_an_alert_is_over_only_if_a_resolution_is_not_older_than_its_firing(
    fired_at: datetime | None, resolutions: list[datetime | None], over_at: datetime | None
) -> None:
    assert over_since(fired_at, resolutions) == over_at


STEPS: dict[str, Callable[[Incident], Transition]] = {
    "join": join,
    "alice": lambda incident: acknowledge(incident, ALICE, NOW),
    "bob": lambda incident: acknowledge(incident, BOB, LATER),
    "still": lambda incident: resolve(incident, NOW, others_firing=True),
    "over": lambda incident: resolve(incident, LATER, others_firing=False),
}


@given(st.lists(st.sampled_from(sorted(STEPS)), max_size=12))
def test_the_version_grows_with_each_change_and_with_nothing_else(steps: list[str]) -> None:
    incident = opened()
    for step in steps:
        transition = STEPS[step](incident)
        assert transition.incident.version == incident.version + transition.changed
        assert (transition.incident == incident) is not transition.changed
        if incident.acknowledgement:
            assert transition.incident.acknowledgement == incident.acknowledgement
        if incident.state is State.RESOLVED:
            assert transition.incident.state is State.RESOLVED
        incident = transition.incident
