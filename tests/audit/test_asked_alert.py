"""What the bot writes as an alert reads back as that alert."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from audit.alert import AlertKind, Condition, parse_alert
from audit.asked_alert import MAX_RULE, AskedAlert, fired_body, resolved_body
from audit.filter import Window
from audit.incident import identity
from audit.origin import Origin, own_alert_id, workspace_target

NOW = datetime(2026, 3, 4, 9, 38, 59, 123456, tzinfo=UTC)
WINDOW = Window(start=NOW - timedelta(days=7, microseconds=1), end=NOW - timedelta(microseconds=1))
CLUSTER = "/subscriptions/x/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/prod"
ASKED = AskedAlert(
    alert_id=own_alert_id(Origin.RAISED, "k" * 32, "ws-1"),
    rule="Asked: audits coredns last 1h",
    description="Raised by Bob Lee in General.",
    severity="Sev3",
    kql='AKSAudit\n| where ObjectRef has "coredns"',
    window=WINDOW,
    targets=(CLUSTER, workspace_target("ws-1", "prod")),
    fired_at=NOW,
    ends_at=NOW + timedelta(days=1),
)


def test_a_fired_body_reads_back_whole() -> None:
    alert = parse_alert(fired_body(ASKED))
    assert (alert.origin, alert.condition, alert.kind) == (Origin.RAISED, Condition.FIRED, AlertKind.LOG_V2)
    assert (alert.alert_id, alert.rule, alert.severity) == (ASKED.alert_id, ASKED.rule, "Sev3")
    assert (alert.window, alert.fired_at, alert.ends_at) == (WINDOW, NOW, ASKED.ends_at)
    assert [criterion.query for criterion in alert.criteria] == [ASKED.kql]
    assert (alert.cluster_id, alert.targets) == (CLUSTER, ASKED.targets)
    assert alert.counted is None, "nobody counted"
    assert not alert.is_test, "there is something behind it to ask for"


def test_the_end_is_of_the_same_alert_and_incident() -> None:
    fired = parse_alert(fired_body(ASKED))
    ended = parse_alert(resolved_body(fired, NOW + timedelta(days=1)))
    assert (ended.condition, ended.alert_id) == (Condition.RESOLVED, fired.alert_id)
    assert ended.resolved_at == NOW + timedelta(days=1)
    assert identity(ended) == identity(fired)
    assert ended.ends_at == fired.ends_at


def test_when_it_ends_is_no_part_of_which_alert_it_is() -> None:
    later = replace(ASKED, ends_at=ASKED.ends_at + timedelta(hours=1))
    assert parse_alert(fired_body(later)).key == parse_alert(fired_body(ASKED)).key


def test_two_questions_in_the_same_words_are_two_incidents() -> None:
    other = replace(ASKED, alert_id=own_alert_id(Origin.RAISED, "m" * 32, "ws-1"))
    assert identity(parse_alert(fired_body(other))) != identity(parse_alert(fired_body(ASKED)))


def test_a_rule_of_azures_that_is_called_like_our_id_is_another_incident() -> None:
    named = replace(ASKED, alert_id="/subscriptions/x/alerts/1", rule=f" {ASKED.alert_id}")
    assert identity(parse_alert(fired_body(named))) != identity(parse_alert(fired_body(ASKED)))


def test_an_alert_of_azures_never_ends_by_itself() -> None:
    azures = parse_alert(fired_body(replace(ASKED, alert_id="/subscriptions/x/alerts/1")))
    assert (azures.origin, azures.ends_at) == (Origin.AZURE, None)


def test_a_long_line_is_shortened() -> None:
    alert = parse_alert(fired_body(replace(ASKED, rule="Asked: " + "x" * 10_000)))
    assert len(alert.rule) == MAX_RULE


@given(
    rule=st.text(st.characters(exclude_categories=())),
    description=st.text(st.characters(exclude_categories=())),
    kql=st.text(st.characters(exclude_categories=()), min_size=1),
)
def test_whatever_the_words_it_can_be_read(rule: str, description: str, kql: str) -> None:
    asked = replace(ASKED, rule=f"Asked: {rule}", description=description, kql=kql)
    fired = parse_alert(fired_body(asked))
    ended = parse_alert(resolved_body(fired, NOW))
    assert (fired.kind, ended.alert_id) == (AlertKind.LOG_V2, fired.alert_id)
