from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from audit.alert import Alert, AlertKind, ResultTable
from audit.event import ActorKind
from audit.evidence import Evidence, Missing, Since
from audit.incident import Incident, State
from cards.incident import incident_card, incident_summary
from cards.missing import SENTENCES
from tests.cards import material as m
from tests.cards.checks import assert_good, assert_valid, lines, parts, text, titles, visible


def card(
    evidence: Evidence, incident: Incident | None = None, alert: Alert | None = None, **options: Any
) -> dict[str, Any]:
    made = incident_card(
        incident or m.an_incident(), alert or m.an_alert(), evidence, **({"zone": m.UTC_ZONE} | options)
    )
    assert_good(made)
    assert_valid(made)
    return made


# --- what happened ---------------------------------------------------------------------------------


def test_the_real_sample_says_exactly_what_happened() -> None:
    said = lines(card(m.ONLY_PLATFORM, logs_url=m.LOGS_URL))
    row = f"aksService · create {m.URI} refused 409 AlreadyExists"
    assert said == [
        "Informational · The platform tried to create configmap coredns-custom: refused · prod-weu",
        "4 actions, all by the platform: aksService; all 4 refused 409 AlreadyExists",
        (
            "Alert counted 2 · workspace returned 4 (the alert's payload does not say why they differ)"
            " · shown 0 · folded 4 (aksService × 4, AKS's own reconciler)"
        ),
        "window 09:32:52–09:37:52 (UTC) · 0 by people, 0 by workloads, 4 by the platform",
        "aksService · platform, routine: AKS's own reconciler · 4× · all 4 refused 409 AlreadyExists",
        "▸ Show 4 events",
        "▾ Hide 4 events",
        (
            "4× · tried to create configmap kube-system/coredns-custom · 09:33:04–09:37:25"
            " · refused 409 AlreadyExists"
        ),
        f"09:33:04 {row}",
        f"09:34:31 {row}",
        f"09:35:59 {row}",
        f"09:37:25 {row}",
        "#12 · CoreDNS-Create · Sev3 · fired 2022-05-19 09:38:24",
    ]


def test_a_persons_doing_is_the_headline_and_stands_above_the_platforms() -> None:
    mixed = replace(m.ALICE_TWICE, groups=m.ALICE_TWICE.groups[::-1])
    said = lines(card(mixed, m.an_incident(severity="Sev1")))
    assert said[0] == "Error · Patched configmap coredns-custom · prod-weu"
    assert said[1] == "alice@contoso.com patched configmap kube-system/coredns-custom twice; both succeeded"
    assert said[4:7] == [
        "alice@contoso.com · person · 2× · succeeded",
        "patched configmap kube-system/coredns-custom · 09:35:02, 09:37:10",
        "from 20.1.2.3 · kubectl/v1.31.0",
    ]
    assert said.index("alice@contoso.com · person · 2× · succeeded") < next(
        n for n, each in enumerate(said) if each.startswith("aksService · platform, routine")
    )


def test_several_people_are_counted_and_named() -> None:
    at = m.at("09:35:02")
    found = m.evidence_of(
        m.by_alice(at, at, at), m.by_alice(at, at, user="bob@contoso.com", code=403), m.RECONCILER
    )
    said = lines(card(found))
    assert said[0] == "Informational · Patched configmap coredns-custom, and 2 other actions · prod-weu"
    assert said[1] == "5 actions by 2 people: alice@contoso.com, bob@contoso.com; 3 succeeded, 2 refused 403"


def test_one_person_doing_several_things_is_one_person() -> None:
    at = m.at("09:35:02")
    found = m.evidence_of(m.by_alice(at), m.by_alice(at, verb="delete"))
    assert lines(card(found))[1] == "2 actions by alice@contoso.com; both succeeded"


def test_a_workload_is_called_one() -> None:
    found = m.evidence_of(
        m.a_group(m.at("09:35:02"), actor=ActorKind.WORKLOAD, user="system:serviceaccount:a:b")
    )
    assert lines(card(found))[0].startswith("Informational · A workload tried to create configmap")


def test_what_was_not_read_is_not_spoken_for() -> None:
    found = replace(m.ALICE_TWICE, returned=1204)
    said = lines(card(found))
    assert said[1].startswith("Of the 6 rows read: alice@contoso.com patched")
    assert "workspace returned 1,204 (the alert's" in said[2]
    assert (
        "6 of 1,204 read · shown 2 · folded 4 (aksService × 4, AKS's own reconciler) · left out 1,198"
        in said[2]
    )
    assert "Left out: 1,198 events not read." in said


def test_rows_that_are_the_same_event_again_are_counted_as_that() -> None:
    said = lines(card(replace(m.ALICE_TWICE, returned=12, repeated=6)))
    assert said[1].startswith("alice@contoso.com patched")
    assert "(6 rows the same event again)" in said[2]
    assert not any("eft out" in each for each in said)


def test_unreadable_rows_and_a_partial_answer_are_said() -> None:
    found = replace(m.ALICE_TWICE, returned=8, read=8, unreadable=2, partial=True, detail="memory limit")
    said = text(card(found))
    assert "2 rows could not be read as audit events" in said
    assert "The workspace says that its answer is incomplete (partial)." in said
    assert "workspace returned at least 8" in said
    assert "unreadable 2" in said
    assert "Detail: memory limit" in said
    only = m.evidence_of(returned=3, read=3, unreadable=3)
    assert lines(card(only))[1] == "The workspace returned 3 rows; none could be read as an audit event."


def test_nothing_found_says_so() -> None:
    assert "The audit log has no matching event in this window." in text(card(m.evidence_of()))


def test_equal_counts_and_unknown_counts_need_no_words() -> None:
    assert "differ" not in text(card(m.ONLY_PLATFORM, alert=m.an_alert(counted=4.0)))
    said = text(card(m.ONLY_PLATFORM, alert=m.an_alert(counted=None)))
    assert "differ" not in said
    assert "Alert counted" not in said


# --- open and folded -------------------------------------------------------------------------------


def test_few_events_of_people_are_open_from_the_start_and_the_platforms_are_folded() -> None:
    made = card(m.ALICE_TWICE)
    shown = visible(made)
    assert sum(m.URI in each for each in shown) == 2
    assert "▸ Show 4 events" in shown
    assert sum(m.URI in each for each in lines(made)) == 6
    toggles = [part["targetElements"] for part in parts(made) if part["type"] == "Action.ToggleVisibility"]
    assert toggles == [["g0-more"], ["g0-events", "g0-show", "g0-hide"], ["f0-all", "f0-show", "f0-hide"]]


def test_the_platforms_doings_are_folded_by_reason_and_each_can_be_opened() -> None:
    at = m.at("09:35:02")
    nodes = [m.a_group(at, user=f"system:node:n{n}", name=f"n{n}", code=200, reason="") for n in range(12)]
    made = card(m.evidence_of(m.by_alice(at), *nodes, m.RECONCILER))
    assert "shown 1 · folded 16 (kubelets × 12; aksService × 4, AKS's own reconciler)" in lines(made)[2]
    assert "12 users · platform, routine: kubelets · 12× · all 12 succeeded" in visible(made)
    assert sum("system:node:n" in each and "1×" in each for each in lines(made)) == 12


def test_what_is_risky_of_the_platform_is_not_folded() -> None:
    risky = replace(m.RECONCILER, findings=(replace(m.DNS, refused=True),))
    said = lines(card(m.evidence_of(risky, m.by_alice(m.at("09:35:02")))))
    assert said[0] == "High · Tried, refused: Cluster DNS was rewritten · prod-weu"
    assert said[1].startswith("aksService tried to create configmap")
    assert "shown 5" in said[2]
    assert "folded" not in said[2]


def test_of_many_groups_of_people_the_first_are_open() -> None:
    at = m.at("09:35:02")
    found = m.evidence_of(*(m.by_alice(at, at, at, at, name=f"n{n}") for n in range(3)))
    assert sum(m.URI in each for each in visible(card(found))) == 4


def test_what_does_not_fit_is_counted_by_who_did_it() -> None:
    at = m.at("09:35:02")
    people = [m.by_alice(*[at] * 25, name=f"n{n}") for n in range(30)]
    said = lines(card(m.evidence_of(*people, m.RECONCILER)))
    groups = sum("· person ·" in each for each in said)
    left = 30 - groups
    assert 0 < groups < 30
    assert (
        f"shown {25 * groups} · folded 4 (aksService × 4, AKS's own reconciler) · left out {25 * left}"
        in said[2]
    )
    assert f"Left out: {left} groups with {25 * left} events ({left} by people)." in said


# --- its life --------------------------------------------------------------------------------------


def test_acknowledged_is_the_first_line_and_takes_the_button_away() -> None:
    made = card(
        replace(m.ALICE_TWICE, since=m.SINCE),
        m.an_incident(state=State.ACKNOWLEDGED, acknowledgement=m.BOB),
        logs_url=m.LOGS_URL,
    )
    said = lines(made)
    assert said[0] == "Acknowledged by Bob Lee 09:41:07"
    assert "Since then, until 09:41:07: 1 more by people, 2 more by others, last 09:38:40." in text(made)
    assert "Not seen before: carol@contoso.com." in text(made)
    assert said[-1] == "So far: fired 09:38:24 · acknowledged by Bob Lee 09:41:07"
    assert titles(made) == ["Show raw log", "Open in Logs", "Seen before"]
    assert made["body"][0]["style"] == "emphasis"


@pytest.mark.parametrize(
    ("returned", "people", "said"),
    [
        (0, 0, "Since then, until 09:41:07: nothing more."),
        (1, 1, "Since then, until 09:41:07: 1 more by people, last 09:38:40."),
        (3, 0, "Since then, until 09:41:07: 3 more by others, last 09:38:40."),
    ],
)
def test_what_went_on_since_is_said_in_numbers(returned: int, people: int, said: str) -> None:
    since = Since(
        until=m.at("09:41:07"),
        returned=returned,
        by_people=people,
        last=m.at("09:38:40") if returned else None,
    )
    assert said in lines(card(replace(m.ALICE_TWICE, since=since)))


def test_of_what_went_on_since_only_what_was_read_is_told_apart() -> None:
    since = Since(
        until=m.at("09:41:07"),
        returned=5_000,
        by_people=3,
        last=m.at("09:38:40"),
        read=200,
        new_users=("eve",),
    )
    assert (
        "Since then, until 09:41:07: 5,000 more; the newest 200 were read: 3 by people, 197 by others, "
        "last 09:38:40. Not seen before: eve." in lines(card(replace(m.ALICE_TWICE, since=since)))
    )


@pytest.mark.parametrize(
    ("acknowledgement", "first"),
    [
        (None, "Azure says it is over, 09:58:00. Nobody acknowledged."),
        (m.BOB, "Azure says it is over, 09:58:00. Acknowledged by Bob Lee 09:41:07."),
    ],
)
def test_resolved_says_who_had_acknowledged(acknowledgement: Any, first: str) -> None:
    made = card(m.ONLY_PLATFORM, replace(m.RESOLVED, acknowledgement=acknowledgement))
    assert lines(made)[0] == first
    assert ("Acknowledge" in titles(made)) is (acknowledgement is None)
    assert made["body"][0]["style"] == "good"
    assert lines(made)[-1].endswith("resolved by Azure 09:58:00")


def test_alerts_that_joined_are_counted() -> None:
    said = text(card(m.ONLY_PLATFORM, m.an_incident(alert_count=3)))
    assert "opened 2022-05-19 09:38:24 · 3 alerts so far, the last fired 09:38:24" in said


# --- no evidence -----------------------------------------------------------------------------------


@pytest.mark.parametrize("missing", Missing)
def test_each_reason_for_no_evidence_is_one_calm_sentence(missing: Missing) -> None:
    known, advice = SENTENCES[missing]
    made = card(m.without(missing, detail="their words"))
    said = lines(made)
    assert said[:2] == ["Informational · CoreDNS-Create · prod-weu", known]
    assert "Alert counted 2 · window 09:32:52–09:37:52 (UTC)" in said
    assert advice in said
    assert f"{'Why' if missing is Missing.REFUSED_QUERY else 'Detail'}: their words" in said
    assert titles(made) == ["Acknowledge"]
    assert not any("!" in each for each in said)


def test_how_long_it_is_tried_again_is_said() -> None:
    down = m.without(Missing.TIMED_OUT, again_until=m.at("10:38:00"))
    assert "Trying again until 10:38:00; this card will be updated." in lines(card(down))


def test_missing_evidence_lets_nothing_else_of_it_through() -> None:
    odd = replace(m.ALICE_TWICE, missing=Missing.GARBAGE, since=m.SINCE, partial=True, unreadable=2)
    said = text(card(odd))
    assert "alice" not in said
    assert "Since then" not in said
    assert "workspace returned" not in said


def test_a_test_notification_is_called_one() -> None:
    alert = m.an_alert(is_test=True, window=None, counted=None)
    said = lines(card(m.without(Missing.TEST, window=None), alert=alert))
    assert said[0] == "Informational · Test notification for CoreDNS-Create · prod-weu"
    assert said[-1] == "#12 · CoreDNS-Create · Sev3 · fired 2022-05-19 09:38:24 (UTC)"


def test_an_alert_of_another_kind_shows_its_facts() -> None:
    alert = m.an_alert(
        kind=AlertKind.METRIC,
        window=None,
        facts=(("Metric", "cpu"), ("Empty", " "), ("Threshold", "25")),
        custom_properties={"runbook": "RB-12"},
        description="Too hot.",
    )
    said = lines(card(m.without(Missing.NOT_A_LOG_ALERT, window=None), alert=alert))
    assert said[4:8] == ["Metric: cpu", "Threshold: 25", "runbook: RB-12", "The rule says: Too hot."]


def test_rows_inside_the_alert_are_shown_and_counted() -> None:
    alert = m.an_alert(kind=AlertKind.LOG_V1, results=(m.V1_ROWS,) * 3)
    said = lines(card(m.without(Missing.INSIDE_THE_ALERT), alert=alert))
    assert said.count("5 of 7 rows inside the alert") == 2
    assert "Shown: 2 of 3 tables." in said
    assert any("SyslogMessage: New session 0." in each for each in said)


def test_columns_of_a_wide_row_inside_the_alert_are_counted() -> None:
    names = tuple(f"column{n}" for n in range(14))
    table = ResultTable(name="PrimaryResult", columns=names, rows=(names,))
    said = lines(
        card(m.without(Missing.INSIDE_THE_ALERT), alert=m.an_alert(kind=AlertKind.LOG_V1, results=(table,)))
    )
    assert any("column11: column11 · 2 more of 14 columns" in each for each in said)


# --- buttons, zone, summary ------------------------------------------------------------------------


def test_buttons_are_exactly_what_the_bot_reads() -> None:
    made = card(m.ALICE_TWICE, logs_url=m.LOGS_URL)
    assert made["actions"] == [
        {
            "type": "Action.Execute",
            "title": "Acknowledge",
            "verb": "acknowledge",
            "data": {"v": 1, "k": m.KEY},
        },
        {
            "type": "Action.Submit",
            "title": "Show raw log",
            "data": {"msteams": {"type": "task/fetch"}, "v": 1, "a": "raw", "k": m.KEY, "p": 0},
        },
        {"type": "Action.OpenUrl", "title": "Open in Logs", "url": m.LOGS_URL},
        {
            "type": "Action.Submit",
            "title": "Seen before",
            "data": {"msteams": {"type": "task/fetch"}, "v": 1, "a": "before", "k": m.KEY},
        },
    ]


def test_without_events_there_is_no_raw_log_to_show() -> None:
    assert titles(card(m.evidence_of())) == ["Acknowledge"]


def test_the_offset_is_stated_once() -> None:
    said = text(card(m.ALICE_TWICE, zone=m.BERLIN))
    assert said.count("UTC") == 1
    assert "window 11:32:52–11:37:52 (UTC+02:00)" in said


def test_the_summary_is_the_first_two_lines() -> None:
    options: dict[str, Any] = {"zone": m.UTC_ZONE}
    said = incident_summary(m.an_incident(), m.an_alert(), m.ALICE_TWICE, **options)
    assert said.split("\n") == lines(card(m.ALICE_TWICE))[:2]
    taken = m.an_incident(state=State.ACKNOWLEDGED, acknowledgement=m.BOB)
    said = incident_summary(taken, m.an_alert(), m.ALICE_TWICE, **options)
    assert said.split("\n") == lines(card(m.ALICE_TWICE, taken))[:2]


def test_an_alert_that_azure_never_delivered_says_so_and_when_it_was_found() -> None:
    found_at = m.at("14:20:00")
    said = "Not delivered by Azure, found at 14:20:00"
    assert lines(card(m.ALICE_TWICE, found_at=found_at))[2] == said
    assert "Not delivered" not in text(card(m.ALICE_TWICE))
    summary = incident_summary(
        m.an_incident(), m.an_alert(), m.ALICE_TWICE, zone=m.UTC_ZONE, found_at=found_at
    )
    assert summary.split("\n") == lines(card(m.ALICE_TWICE, found_at=found_at))[:3]


def test_an_alert_that_was_found_on_another_day_says_which() -> None:
    said = text(card(m.ALICE_TWICE, found_at=m.at("14:20:00") + timedelta(days=2)))
    assert "found at 2022-05-21 14:20:00" in said


def test_a_summary_holds_nothing_that_could_be_markup() -> None:
    hostile = m.an_incident(rule="<at>Admin</at>")
    said = incident_summary(hostile, m.an_alert(), m.without(Missing.TIMED_OUT), zone=m.UTC_ZONE)
    assert "<" not in said
    assert "‹at›Admin‹/at›" in said
