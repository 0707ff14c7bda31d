"""The cards that are kept in samples/cards, made of fixed material. Run it to rewrite them: python -m tests.cards.golden"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from audit.alert import AlertKind, Criterion
from audit.event import ActorKind
from audit.evidence import Arriving, Missing
from audit.incident import State
from cards import notice, words
from cards.actor import what_else_card
from cards.answer import answered_card
from cards.before import seen_before_card
from cards.digest import digest_card
from cards.incident import incident_card
from cards.raw_log import cut_note, partial_note, raw_log_card, unreadable_note
from cards.seven import seven_card
from cards.status import status_card
from cards.trail import trail_card
from tests.cards import around, asking, telling
from tests.cards import material as m

FOLDER = Path(__file__).parents[2] / "samples" / "cards"


def cards() -> dict[str, dict[str, Any]]:
    """Return every kept card by its name."""
    return (
        _incidents()
        | _judged()
        | _without_evidence()
        | _others()
        | _around_incidents()
        | _dialogs()
        | telling.cards()
        | asking.cards()
    )


def _incidents() -> dict[str, dict[str, Any]]:
    bob = m.an_incident(acknowledgement=m.BOB, state=State.ACKNOWLEDGED, severity="Sev1")
    told = m.an_alert(
        description="Somebody touched the cluster's DNS.",
        custom_properties={"runbook": "RB-12", "team": "platform"},
    )
    return {
        "incident-platform-only": _card(evidence=m.ONLY_PLATFORM),
        "incident-person": _card(m.an_incident(severity="Sev1"), told, m.ALICE_TWICE),
        "incident-acknowledged": _card(bob, evidence=replace(m.ALICE_TWICE, since=m.SINCE)),
        "incident-resolved": _card(m.RESOLVED, evidence=m.ONLY_PLATFORM),
        "incident-resolved-acknowledged": _card(
            replace(m.RESOLVED, acknowledgement=m.BOB, alert_count=3), evidence=m.ONLY_PLATFORM
        ),
        "incident-busy": _card(m.an_incident(severity="Sev2"), m.an_alert(counted=1204.0), _busy()),
        "incident-nothing-found": _card(evidence=m.evidence_of()),
        "incident-not-delivered": _card(evidence=m.ONLY_PLATFORM, found_at=m.at("14:20:00")),
    }


def _judged() -> dict[str, dict[str, Any]]:
    """Return what risk rules, differences and exact counts say."""
    sev1 = m.an_incident(severity="Sev1")
    routine = m.evidence_of(m.KNOWN_RECONCILER, events=4, judged=4, arriving=Arriving.SETTLED)
    attempt = m.evidence_of(m.REFUSED_SHELL, events=1, judged=1)
    two = m.evidence_of(m.BINDING, m.A_SHELL, m.KNOWN_RECONCILER, findings=(m.BURST,), judged=6, events=6)
    cut = replace(m.REWRITTEN, groups=(replace(m.EDITED, cut=1),), by_platform=0, events=2, returned=4)
    late = replace(m.REWRITTEN, late=2, arriving=Arriving.STILL, before=3, after=1)
    other = m.evidence_of(replace(m.A_SHELL, cluster="prod-neu"), events=1, judged=1)
    huge = replace(_busy(), partial=False, detail="", events=120_000, judged=500, groups_left=41)
    return {
        "incident-risk": _card(sev1, evidence=m.REWRITTEN),
        "incident-routine": _card(sev1, evidence=routine),
        "incident-refused-attempt": _card(evidence=attempt),
        "incident-findings": _card(evidence=two, runbook_url="https://wiki.contoso.com/dns"),
        "incident-cut": _card(
            evidence=replace(
                cut, cut=1, unreadable=1, blind_spots=("Not in this log: the ends of long rows.",)
            )
        ),
        "incident-late": _card(evidence=late),
        "incident-earlier": _card(
            m.an_incident(alert_count=3), evidence=replace(m.REWRITTEN, earlier=m.EARLIER)
        ),
        "incident-table": _card(evidence=m.evidence_of(table=m.COUNTS)),
        "incident-table-and-events": _card(evidence=replace(m.REWRITTEN, table=m.COUNTS)),
        "incident-other-cluster": _card(evidence=other),
        "incident-huge": _card(m.an_incident(severity="Sev2"), m.an_alert(counted=120_000.0), huge),
    }


def _dialogs() -> dict[str, dict[str, Any]]:
    """Return what only the asker sees."""
    raw = {
        "page": 0,
        "pages": 1,
        "asked_by": "Bob Lee",
        "at": m.at("09:41:07"),
        "key": m.KEY,
        "redactions": 0,
    }
    notes = (cut_note({"requestObject", "responseStatus.code"}), partial_note(), unreadable_note(2))
    return {
        "seven-answers": seven_card(around.ANSWERS, about=words.sentence(m.A_SHELL, 120)),
        "what-else": what_else_card(
            m.REWRITTEN, "alice@contoso.com", m.WANTED.window, zone=m.BERLIN, logs_url=m.LOGS_URL
        ),
        "seen-before": seen_before_card(
            around.SEEN, zone=m.BERLIN, about="alice@contoso.com on coredns-custom"
        ),
        "seen-before-never": seen_before_card((), zone=m.BERLIN),
        "raw-log-notes": raw_log_card(m.RAW_EVENT, notes=notes, **raw),  # type: ignore[arg-type]  # a table for brevity
    }


def _without_evidence() -> dict[str, dict[str, Any]]:
    again = m.without(Missing.TIMED_OUT, again_until=m.at("10:38:00"), detail="Query timed out after 30 s")
    metric = m.an_alert(
        rule="CPU high",
        kind=AlertKind.METRIC,
        window=None,
        counted=None,
        facts=(
            ("Metric", "node_cpu_usage_percentage"),
            ("Measured", "31.2"),
            ("Threshold", "GreaterThan 25"),
        ),
    )
    rows = m.an_alert(rule="Syslog", kind=AlertKind.LOG_V1, counted=7.0, results=(m.V1_ROWS,))
    test = m.an_alert(rule="test-rule", is_test=True, window=None, counted=None, severity="Sev4")
    quiet = {"window": None}
    return {
        "incident-timed-out": _card(evidence=again),
        "incident-metric": _card(
            m.an_incident(rule="CPU high"), metric, m.without(Missing.NOT_A_LOG_ALERT, **quiet)
        ),
        "incident-rows-inside": _card(
            m.an_incident(rule="Syslog"), rows, m.without(Missing.INSIDE_THE_ALERT)
        ),
        "incident-test": _card(
            m.an_incident(rule="test-rule", severity="Sev4", subject_name=""),
            replace(test, targets=()),
            m.without(Missing.TEST, **quiet),
        ),
        "incident-refused-query": _card(
            alert=m.an_alert(criteria=(Criterion(query=m.OTHER_KQL),)),
            evidence=m.without(Missing.REFUSED_QUERY, detail="externaldata is not allowed"),
        ),
        "incident-not-asked-yet": _card(evidence=m.without(Missing.NOT_ASKED_YET)),
    }


def _others() -> dict[str, dict[str, Any]]:
    raw = {"page": 1, "pages": 4, "asked_by": "Bob Lee", "at": m.at("09:41:07"), "key": m.KEY}
    return {
        "raw-log": raw_log_card(m.RAW_EVENT, redactions=1, **raw),  # type: ignore[arg-type]  # a table for brevity
        "welcome": notice.notice_card(notice.welcome()),
        "refused-guest": notice.notice_card(notice.refused_guest()),
    }


def _around_incidents() -> dict[str, dict[str, Any]]:
    """Return what is about several incidents, or about one and not its own card."""
    asked = {"at": m.at("10:02:11"), "zone": m.BERLIN}
    incident = _card(m.an_incident(severity="Sev1"), evidence=m.ALICE_TWICE)
    return {
        "incident-answer": answered_card(incident, clickable=True, **asked),  # type: ignore[arg-type]  # a table for brevity
        "incident-answer-elsewhere": answered_card(incident, clickable=False, **asked),  # type: ignore[arg-type]  # a table for brevity
        "digest": digest_card(around.a_storm(9, rules=3), zone=m.BERLIN, at=m.at("10:02:11")),
        "digest-storm": digest_card(around.a_storm(600, rules=12), zone=m.BERLIN, at=m.at("10:02:11")),
        "trail": trail_card(m.an_incident(), around.TRAIL, zone=m.BERLIN),
        "status": status_card(around.a_status(), zone=m.BERLIN),
        "status-trouble": status_card(around.IN_TROUBLE, zone=m.BERLIN),
    }


def _busy() -> Any:
    """A window with more in it than a card can show."""
    people = [
        m.by_alice(
            *(m.at("09:33:00") + timedelta(seconds=n + g) for n in range(25)),
            user=f"person-{g % 4}@contoso.com",
            verb=("patch", "delete", "create")[g % 3],
            resource=("pods/exec", "deployments", "clusterrolebindings")[g % 3],
            name=f"object-{g}",
            code=(200, 403, 201)[g % 3],
            reason=("", "Forbidden", "")[g % 3],
        )
        for g in range(20)
    ]
    workload = m.a_group(
        m.at("09:34:00"),
        user="system:serviceaccount:payments:deployer",
        actor=ActorKind.WORKLOAD,
        code=None,
        reason="",
    )
    return m.evidence_of(
        *people, workload, m.RECONCILER, returned=1204, unreadable=2, partial=True, detail="limit"
    )


def _card(
    incident: Any = None,
    alert: Any = None,
    evidence: Any = None,
    found_at: Any = None,
    runbook_url: str = "",
) -> dict[str, Any]:
    logs_url = m.LOGS_URL if evidence.kql else ""
    return incident_card(
        incident or m.an_incident(),
        alert or m.an_alert(),
        evidence,
        zone=m.BERLIN,
        logs_url=logs_url,
        found_at=found_at,
        runbook_url=runbook_url,
    )


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, card in cards().items():
        (FOLDER / f"{name}.json").write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n")
