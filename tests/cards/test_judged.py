"""What risk rules, differences and exact counts make of a card."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from audit.changes import DELETION
from audit.evidence import Arriving, Change, ChangeKind, Evidence, Finding, Missing, Severity
from audit.filter import Window
from audit.involved import mark
from audit.rules import RULES
from cards.answer import answered_card
from cards.findings import Advice, advice
from cards.incident import incident_card
from cards.order import tally
from tests.cards import material as m
from tests.cards.checks import assert_good, assert_valid, lines, parts, text, titles, visible


def card(evidence: Evidence, **options: Any) -> dict[str, Any]:
    made = incident_card(m.an_incident(), m.an_alert(), evidence, **({"zone": m.UTC_ZONE} | options))
    assert_good(made)
    assert_valid(made)
    return made


# --- the first lines -------------------------------------------------------------------------------


def test_the_riskiest_finding_is_the_first_line_and_who_did_it_the_second() -> None:
    made = card(m.REWRITTEN)
    assert lines(made)[:2] == [
        "High · Cluster DNS was rewritten · prod-weu",
        ("alice@contoso.com edited the DNS configuration kube-system/coredns-custom twice; both succeeded"),
    ]
    assert made["body"][0]["style"] == "attention"
    assert "Sev3" in lines(made)[-1]


@pytest.mark.parametrize(
    ("severity", "style"),
    [
        (Severity.CRITICAL, "attention"),
        (Severity.HIGH, "attention"),
        (Severity.MEDIUM, "warning"),
        (Severity.LOW, "accent"),
    ],
)
def test_the_style_supports_the_risk(severity: Severity, style: str) -> None:
    group = replace(m.EDITED, findings=(replace(m.DNS, severity=severity),))
    made = card(m.evidence_of(group))
    assert made["body"][0]["style"] == style
    assert lines(made)[0].startswith(f"{severity.name.capitalize()} · ")


def test_risk_comes_before_people_and_people_before_others_of_equal_risk() -> None:
    assert lines(card(m.evidence_of(m.EDITED, m.BINDING)))[0].startswith("Critical · cluster-admin was bound")
    equal = replace(m.BINDING, findings=(replace(m.ADMIN, severity=Severity.HIGH),))
    assert lines(card(m.evidence_of(equal, m.EDITED)))[0].startswith("High · Cluster DNS was rewritten")


def test_what_was_done_comes_before_what_was_refused() -> None:
    tried = replace(m.EDITED, findings=(replace(m.SHELL, refused=True),), code=403)
    assert lines(card(m.evidence_of(tried, m.EDITED)))[0].startswith("High · Cluster DNS was rewritten")


def test_a_refused_attempt_says_so_before_anything_that_a_phone_cuts_off() -> None:
    said = lines(card(m.evidence_of(m.REFUSED_SHELL)))
    assert said[:2] == [
        "Medium · Tried, refused: Shell opened in a pod · prod-weu",
        "bob@contoso.com tried to open a shell in pod shop/web-1; refused 403 Forbidden",
    ]
    assert "Medium: Tried, refused: Shell opened in a pod · MS-TA9006 · T1609" in said


def test_a_finding_over_several_events_leads_where_it_is_the_riskiest() -> None:
    found = m.evidence_of(m.EDITED, findings=(m.BURST,))
    said = lines(card(found))
    assert said[0] == "Critical · Many secrets were read in a short time · prod-weu"
    assert (
        "Critical: Many secrets were read in a short time · MS-TA9025 · T1552.007 · over several events"
        in said
    )


def test_further_findings_are_counted() -> None:
    said = lines(card(m.evidence_of(m.EDITED, m.A_SHELL)))
    assert said[1].endswith("; 1 more finding")


def test_routine_of_the_platform_is_no_scare() -> None:
    made = card(m.evidence_of(m.KNOWN_RECONCILER))
    assert (
        lines(made)[0]
        == "Routine · The platform tried to create configmap coredns-custom: refused · prod-weu"
    )
    assert made["body"][0]["style"] == "accent"


def test_the_local_admin_is_called_that_and_another_cluster_is_named() -> None:
    said = lines(card(m.evidence_of(replace(m.A_SHELL, cluster="prod-neu"))))
    assert said[0] == "High · Shell opened in a pod · prod-neu"
    assert said[1] == "masterclient (local admin) opened a shell in pod shop/web-1; succeeded"
    assert "opened a shell in pod shop/web-1 · on prod-neu · 09:36:40" in said


def test_what_has_no_outcome_was_asked_to() -> None:
    said = lines(card(m.evidence_of(replace(m.A_SHELL, code=None))))
    assert said[1] == "masterclient (local admin) asked to open a shell in pod shop/web-1; outcome not logged"


# --- a group ---------------------------------------------------------------------------------------


def test_a_group_says_who_what_from_where_and_how_risky() -> None:
    said = lines(card(m.REWRITTEN))
    at = said.index("alice@contoso.com · person · 2× · succeeded")
    assert said[at + 1 : at + 4] == [
        "edited the DNS configuration kube-system/coredns-custom · 09:35:02, 09:37:10",
        "from 20.1.2.3 (claimed 10.0.0.1) · kubectl 1.31 · first time in kube-system in 30 days",
        "High: Cluster DNS was rewritten · MS-TA9035 · T1557",
    ]
    assert "First times are judged by a log that reaches back to 2022-04-19 09:38:24." in said


def test_rows_that_azure_cut_are_counted_on_their_group() -> None:
    assert "1 row cut by Azure" in text(card(m.evidence_of(replace(m.EDITED, cut=1))))


def test_what_changed_opens_and_says_how_it_is_known() -> None:
    made = card(m.REWRITTEN)
    assert "± What changed: +2 −1 lines · merge patch" in visible(made)
    assert "+ forward . 203.0.113.7" in lines(made)
    assert "+ forward . 203.0.113.7" not in visible(made)
    by_request = replace(m.COREFILE, compared=False, more=7)
    said = lines(card(m.evidence_of(replace(m.EDITED, change=by_request))))
    assert "As the request says; the state before it is not known." in said
    assert "Shown: 3 of 10 lines." in said


def test_why_a_change_is_not_known_is_said() -> None:
    assert "What changed is not known: AKS logs this kind at level Metadata" in text(
        card(m.evidence_of(m.BINDING))
    )
    assert "What changed" not in text(card(m.evidence_of(replace(m.EDITED, change=Change()))))


def test_a_groups_menu_advises_and_asks_by_its_likeness() -> None:
    made = card(m.evidence_of(m.KNOWN_RECONCILER, m.EDITED))
    said = lines(made)
    assert f"Next step: {RULES['dns-config-changed'].next_step}" in said
    assert f"Can be innocent: {RULES['dns-config-changed'].innocent}" in said
    buttons = [part for part in parts(made) if part["type"] == "ActionSet"]
    dialog = {"msteams": {"type": "task/fetch"}, "v": 1, "k": m.KEY, "g": mark(m.EDITED)}
    assert [each["actions"] for each in buttons] == [
        [
            {"type": "Action.Submit", "title": "What else did they do", "data": dialog | {"a": "else"}},
            {"type": "Action.Submit", "title": "Seven answers", "data": dialog | {"a": "seven"}},
        ]
    ]


def test_a_rule_that_is_not_known_advises_nothing() -> None:
    assert advice(replace(m.DNS, rule="of another version")) == Advice()


def test_buttons_beyond_four_stand_under_more() -> None:
    made = card(m.REWRITTEN, logs_url=m.LOGS_URL, runbook_url="https://wiki.contoso.com/dns")
    assert titles(made) == ["Acknowledge", "Show raw log", "Open in Logs", "Runbook", "Seen before"]
    assert [action.get("mode") for action in made["actions"]] == [None] * 4 + ["secondary"]
    assert_valid(answered_card(made, at=m.FIRED, zone=m.UTC_ZONE, clickable=True))


# --- the numbers -----------------------------------------------------------------------------------


def test_rows_and_events_are_told_apart() -> None:
    said = lines(card(replace(m.REWRITTEN, returned=12)))
    assert (
        "workspace returned 12 (the alert's payload does not say why they differ) (6 events, each counted once)"
        in said[2]
    )
    assert "differ" not in lines(card(replace(m.REWRITTEN, returned=12, events=2)))[2]


def test_a_count_of_all_clusters_is_told_from_that_of_one() -> None:
    whole = m.an_alert(targets=("/subscriptions/s/workspaces/law",), counted=9.0)
    said = lines(incident_card(m.an_incident(), whole, m.REWRITTEN, zone=m.UTC_ZONE))[2]
    assert "workspace returned 6 of this cluster (the alert counts all of the workspace's)" in said
    same = m.an_alert(targets=("/subscriptions/s/workspaces/law",), counted=6.0)
    assert "of this cluster" not in text(incident_card(m.an_incident(), same, m.REWRITTEN, zone=m.UTC_ZONE))
    assert "of this cluster" not in text(card(m.REWRITTEN))


def test_a_deletion_says_what_went_and_no_more() -> None:
    gone = replace(m.BINDING, change=Change(kind=ChangeKind.DELETED, why_not=DELETION))
    assert "What changed" not in text(card(m.evidence_of(gone)))
    refused = replace(gone, change=Change(kind=ChangeKind.DELETED, why_not="refused"))
    assert "What changed is not known: refused" in text(card(m.evidence_of(refused)))


def test_when_it_is_asked_again_is_not_said_past_the_end_of_time() -> None:
    end = datetime.max.replace(tzinfo=UTC)
    late = replace(m.REWRITTEN, arriving=Arriving.STILL, window=Window(start=m.WINDOW.start, end=end))
    assert lines(card(late))[3].endswith("still arriving")


def test_late_rows_are_said_only_where_they_are_proved() -> None:
    late = replace(m.REWRITTEN, late=2, arriving=Arriving.STILL)
    said = lines(card(late))
    assert "Late: 2 rows reached the workspace after the alert was raised." in said
    assert said[3].endswith("still arriving, asked again at 09:47:52")
    for known in (None, 0):
        assert "Late" not in text(card(replace(late, late=known)))
    assert said[3].startswith("window 09:32:52–09:37:52 (UTC)")
    assert lines(card(m.REWRITTEN))[3].endswith("settled")


def test_what_lies_beside_the_window_is_context() -> None:
    said = text(card(replace(m.REWRITTEN, before=3, after=1)))
    assert "just before: 3, just after: 1; not counted" in said
    assert "just" not in text(card(replace(m.REWRITTEN, before=0, after=0)))


def test_risk_that_was_judged_on_a_part_says_so() -> None:
    said = text(card(replace(m.REWRITTEN, events=900, judged=500, groups_left=3)))
    assert "Risk judged on 500 of 900 events." in said
    assert "Left out: 3 further groups that the workspace counted only." in said
    assert "left out 894" in said
    assert "Of the 6 events looked at: alice" in said
    assert "judged on" not in text(card(m.REWRITTEN))


@pytest.mark.parametrize("most", [0, 1, 2, 12])
def test_shown_folded_and_left_out_are_all_of_it(most: int) -> None:
    found = m.evidence_of(m.EDITED, m.BINDING, m.A_SHELL, m.KNOWN_RECONCILER, events=100)
    counts = tally(found, most)
    assert counts.shown + counts.folded + counts.left == 100
    assert counts.folded == 4


def test_zeros_that_say_nothing_are_left_out() -> None:
    said = lines(card(m.REWRITTEN))[2]
    for word in ("left out", "unreadable", "cut", "read"):
        assert word not in said
    said = lines(card(replace(m.REWRITTEN, unreadable=2, cut=3)))[2]
    assert "unreadable 2 · cut 3" in said


# --- what stands beside the groups -----------------------------------------------------------------


def test_a_table_is_called_one_and_its_rows_are_counted() -> None:
    said = lines(card(m.evidence_of(table=replace(m.COUNTS, total=40))))
    assert said[1] == "The alert's query returns a table of 40 rows, not audit events."
    assert (
        "The alert's query returns a table, not audit events (reshaped by summarize): 2 of its 40 rows."
        in said
    )
    assert "user_s: alice@contoso.com · namespace_s: kube-system · count_: 41" in said
    assert not any("workspace returned" in each for each in said)
    reads = lines(card(m.evidence_of(table=replace(m.COUNTS, because="AKSControlPlane"))))
    assert any("(it reads AKSControlPlane): its 2 rows." in each for each in reads)


def test_events_behind_a_table_are_shown_beside_it() -> None:
    said = text(card(replace(m.REWRITTEN, table=m.COUNTS)))
    assert "High · Cluster DNS was rewritten" in said
    assert "user_s: alice@contoso.com" in said


def test_a_table_instead_of_evidence_needs_no_portal() -> None:
    said = lines(card(m.without(Missing.NOT_EVENTS, table=m.COUNTS)))
    assert "What the query returns stands below." in said
    assert "user_s: bob@contoso.com · namespace_s: shop · count_: 7" in said


def test_a_refused_query_is_there_to_be_looked_at() -> None:
    alert = m.an_alert(
        criteria=(m.an_alert().criteria[0], replace(m.an_alert().criteria[0], query=m.OTHER_KQL))
    )
    made = incident_card(
        m.an_incident(), alert, m.without(Missing.REFUSED_QUERY, detail="externaldata"), zone=m.UTC_ZONE
    )
    assert "Why: externaldata" in lines(made)
    assert [each for each in lines(made) if each in m.OTHER_KQL.split("\n")] == m.OTHER_KQL.split("\n")


def test_blind_spots_stand_one_a_line() -> None:
    said = lines(card(m.REWRITTEN))
    assert [each for each in said if each.startswith("Not in this log: ")] == list(m.REWRITTEN.blind_spots)


def test_earlier_windows_of_the_incident_are_told_oldest_first() -> None:
    said = [each for each in lines(card(replace(m.REWRITTEN, earlier=m.EARLIER))) if "arlier" in each]
    assert said == [
        (
            "Earlier in this incident: 09:22:52–09:27:52 · alert counted 1 · 6 rows · 1 by people"
            ": Shell opened in a pod"
        ),
        "Earlier in this incident: 09:27:52–09:32:52 · 4 rows",
    ]
    many = text(card(replace(m.REWRITTEN, earlier=m.EARLIER * 4)))
    assert "And 5 windows of earlier alerts before that." in many


def test_a_group_that_was_only_counted_has_no_event_to_ask_about() -> None:
    made = card(m.evidence_of(replace(m.EDITED, events=(), count=900)))
    asked = [part["title"] for part in parts(made) if part.get("data", {}).get("g") == mark(m.EDITED)]
    assert asked == ["What else did they do"]


def test_a_finding_over_several_events_names_whom_it_is_about() -> None:
    swept = Finding(
        rule="mass-delete",
        title="Many objects deleted by one actor",
        severity=Severity.CRITICAL,
        by="system:serviceaccount:ci:cleaner",
        times=12,
    )
    first, second = lines(card(replace(m.REWRITTEN, findings=(swept,))))[:2]
    assert "Many objects deleted" in first
    assert second == "system:serviceaccount:ci:cleaner: 12 events"
