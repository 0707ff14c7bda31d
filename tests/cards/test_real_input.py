"""Cards of alerts and events as they really come: the project's samples, and captured ones where they lie beside it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from audit.alert import parse_alert
from audit.asked import Listed
from audit.distinct import distinct
from audit.event import ActorKind, AuditEvent, parse_event
from audit.evidence import Evidence, Missing
from audit.grouping import count_by_actor, group
from audit.incident import open_from
from audit.redact import redact
from cards.asked import asked_card
from cards.incident import incident_card, incident_summary
from cards.listed import listed_card
from cards.raw_log import raw_log_card
from cards.timeline import timeline_card
from tests.cards import asking
from tests.cards import material as m
from tests.cards.checks import assert_good, assert_valid, lines, parts
from tests.samples import ROOT
from tests.shared_data import shared_data

SAMPLES = sorted((ROOT / "samples" / "alerts").glob("*.json"))
CAPTURED = (
    "kubernetes-auditor/sample-alert-post-request.json",
    "other/log-alert-v1-with-results.json",
    "other/log_alert_v2_no_configurationItems.json",
    "test-action-group/Activity_log_alert.json",
    "test-action-group/Log_alert_V1_-_Metric.json",
    "test-action-group/Log_alert_V2.json",
    "test-action-group/Metric_alert_-_Static_threshold.json",
    "test-action-group/Service_health_alert.json",
)


def evidence_of(events: Sequence[AuditEvent], returned: int) -> Evidence:
    kept = distinct(events)
    return Evidence(
        asked_at=m.FIRED,
        window=m.WINDOW,
        returned=returned,
        read=len(kept),
        repeated=len(events) - len(kept),
        by_people=count_by_actor(kept, ActorKind.PERSON),
        by_workloads=count_by_actor(kept, ActorKind.WORKLOAD),
        by_platform=count_by_actor(kept, ActorKind.PLATFORM),
        groups=group(kept),
    )


def card_of(body: bytes, evidence: Evidence) -> dict[str, Any]:
    alert = parse_alert(body)
    incident = open_from(alert, number=1, key=m.KEY, now=m.FIRED).incident
    card = incident_card(incident, alert, evidence, zone=m.UTC_ZONE)
    assert_good(card)
    assert_valid(card)
    assert incident_summary(incident, alert, evidence, zone=m.UTC_ZONE)
    return card


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_every_sample_alert_makes_a_card(path: Path) -> None:
    card_of(path.read_bytes(), m.without(Missing.NOT_ASKED_YET, window=None))


@pytest.mark.parametrize("name", CAPTURED)
def test_every_captured_alert_makes_a_card(name: str) -> None:
    body = shared_data(f"alerts/{name}").read_bytes()
    card_of(body, m.without(Missing.NOT_ASKED_YET, window=None))


def test_the_captured_alert_with_its_four_rows_says_what_happened() -> None:
    body = shared_data("alerts/kubernetes-auditor/sample-alert-post-request.json").read_bytes()
    answer = json.loads(shared_data("alerts/kubernetes-auditor/sample-log-query-result.json").read_text())
    events = [parse_event(row) for row in answer["body"]["value"]]
    read = [event for event in events if isinstance(event, AuditEvent)]
    said = lines(card_of(body, evidence_of(read, len(events))))
    assert (
        said[0]
        == "Informational · The platform tried to create configmap kube-system/coredns-custom: refused · AKS_NAME"
    )
    assert said[1] == "4 actions, all by the platform: aksService; all 4 refused 409 AlreadyExists"
    assert said[2] == (
        "Alert counted 2 · workspace returned 4 (the alert's payload does not say why they differ)"
        " · shown 0 · folded 4 (aksService × 4, AKS's own reconciler)"
    )
    assert said[3] == "window 09:32:52–09:37:52 (UTC) · 0 by people, 0 by workloads, 4 by the platform"
    assert "▸ Show 4 events" in said


def test_every_captured_event_makes_a_card_an_answer_and_a_raw_log() -> None:
    text = shared_data("audit/events.jsonl").read_text(encoding="utf-8")
    logs = [orjson.dumps(json.loads(each)["event"]).decode() for each in text.splitlines()]
    rows = [{"TimeGenerated": "2022-05-19T09:37:25Z", "log_s": log} for log in logs]
    events = [event for event in map(parse_event, rows) if isinstance(event, AuditEvent)]
    assert len(events) == len(rows) == 157
    for event in events:
        found = evidence_of([event], 1)
        card = incident_card(m.an_incident(), m.an_alert(), found, zone=m.UTC_ZONE)
        assert_good(card)
        assert not any(f"did {event.verb} on" in part.get("text", "") for part in parts(card)), event.verb
        clean = redact(event.raw)
        page = {"page": 0, "pages": 1, "asked_by": "Bob", "at": m.FIRED, "key": m.KEY}
        assert_good(raw_log_card(clean.event, redactions=clean.count, **page))  # type: ignore[arg-type]  # a table
    everything = evidence_of(events, len(events))
    for found in (everything, replace(everything, returned=1204)):
        assert_good(asked_card(asking.asked(), found, zone=m.BERLIN))
        assert_good(timeline_card(asking.asked(), found, zone=m.BERLIN))
    for n in range(0, len(events), 20):
        part = Listed(events=tuple(events[n : n + 20]), before=n, total=len(events))
        listed = listed_card(asking.asked(), part, zone=m.BERLIN)
        assert_good(listed)
        assert len(lines(listed)) == 2 + 2 * len(part.events)
