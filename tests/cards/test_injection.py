"""No foreign text is ever more than text: every hostile string in every field, on every card."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from audit.alert import AlertKind, Criterion, ResultTable
from audit.evidence import Action, Change, Evidence, Missing
from audit.incident import Acknowledgement, Person, State
from cards import notice
from cards.actor import what_else_card
from cards.before import seen_before_card
from cards.digest import digest_card
from cards.incident import incident_card
from cards.raw_log import QUESTIONS, cut_note, raw_log_card
from cards.seven import seven_card
from cards.size import BUDGET, weight
from cards.status import Watching, status_card
from cards.text import plain
from cards.trail import trail_card
from tests.cards import around, asking_fields, telling_fields
from tests.cards import material as m
from tests.cards.checks import assert_structure, parts
from tests.cards.hostile import CORPUS

Card = dict[str, Any]
#: Keys whose values a client draws as markdown, follows or treats as names.
MARKDOWN_KEYS = ("title", "fallbackText", "tooltip", "url", "id", "lang", "speak", "verb")


def _incident(**changes: Any) -> Card:
    return incident_card(m.an_incident(**changes), m.an_alert(), m.ALICE_TWICE, zone=m.UTC_ZONE)


def _alert(**changes: Any) -> Card:
    incident = m.an_incident(rule="", severity="", subject_name="")
    return incident_card(incident, m.an_alert(**changes), m.without(Missing.TIMED_OUT), zone=m.UTC_ZONE)


def _evidence(evidence: Evidence) -> Card:
    return incident_card(m.an_incident(), m.an_alert(), evidence, zone=m.UTC_ZONE)


def _group(**changes: Any) -> Card:
    return _evidence(m.evidence_of(replace(m.ALICE_TWICE.groups[0], **changes)))


def _event(**changes: Any) -> Card:
    event = replace(m.ALICE_TWICE.groups[0].events[0], **changes)
    return _group(events=(event,))


def _raw(event: dict[str, Any], asked_by: str = "Bob") -> Card:
    return raw_log_card(event, page=0, pages=1, asked_by=asked_by, at=m.FIRED, key=m.KEY, redactions=0)


def _digest(count: int, **changes: Any) -> Card:
    storm = [replace(incident, **changes) for incident in around.a_storm(count)]
    return digest_card(storm, zone=m.UTC_ZONE, at=m.FIRED)


def _trail(**changes: Any) -> Card:
    step = around.a_step("09:40:00", **({"step": "posted"} | changes))
    return trail_card(m.an_incident(), [step], zone=m.UTC_ZONE)


def _by(name: str) -> Acknowledgement:
    return Acknowledgement(by=Person(id="x", name=name), at=m.FIRED)


FIELDS: dict[str, Callable[[str], Card]] = {
    "incident.rule": lambda s: _incident(rule=s),
    "incident.severity": lambda s: _incident(severity=s),
    "incident.subject_name": lambda s: _incident(subject_name=s),
    "incident.acknowledgement": lambda s: _incident(acknowledgement=_by(s), state=State.ACKNOWLEDGED),
    "alert.rule": lambda s: _alert(rule=s),
    "alert.severity": lambda s: _alert(severity=s),
    "alert.targets": lambda s: _alert(targets=(s,)),
    "alert.description": lambda s: _alert(description=s),
    "alert.facts": lambda s: _alert(facts=((s, s),)),
    "alert.custom_properties": lambda s: _alert(custom_properties={s: s}),
    "alert.results": lambda s: _alert(
        kind=AlertKind.LOG_V1, results=(ResultTable(name=s, columns=(s,), rows=((s,),)),)
    ),
    "evidence.detail": lambda s: _evidence(replace(m.ALICE_TWICE, detail=s, partial=True)),
    "evidence.since": lambda s: _evidence(replace(m.ALICE_TWICE, since=replace(m.SINCE, new_users=(s, s)))),
    **{
        f"group.{name}": lambda s, name=name: _group(**{name: s})  # type: ignore[misc]  # bound at once
        for name in ("user", "impersonated", "verb", "resource", "namespace", "name", "user_agent")
    },
    "group.subresource": lambda s: _group(resource=f"pods/{s}"),
    "group.uri": lambda s: _group(resource="", uri=s),
    "group.reason": lambda s: _group(reason=s, code=409),
    "group.source_ips": lambda s: _group(source_ips=(s, s, s)),
    **{
        f"event.{name}": lambda s, name=name: _event(**{name: s})  # type: ignore[misc]  # bound at once
        for name in ("user", "verb", "uri")
    },
    "event.reason": lambda s: _event(reason=s, code=500),
    **{
        f"group.{name}": lambda s, name=name: _group(**{name: s})  # type: ignore[misc]  # bound at once
        for name in ("identity", "client", "address", "cluster")
    },
    "group.action": lambda s: _group(action=Action(done=s, base=s)),
    "group.first_seen": lambda s: _group(first_seen=(s,)),
    "group.change": lambda s: _group(change=replace(m.COREFILE, lines=(s, f"+ {s}"), why_not=s)),
    "group.change.why_not": lambda s: _group(change=Change(why_not=s)),
    "group.folded": lambda s: _evidence(m.evidence_of(replace(m.RECONCILER, user=s))),
    "finding.title": lambda s: _group(findings=(replace(m.DNS, title=s),)),
    "finding.ids": lambda s: _group(findings=(replace(m.DNS, threat=s, technique=s, rule=s),)),
    "evidence.findings": lambda s: _evidence(
        replace(m.ALICE_TWICE, findings=(replace(m.BURST, title=s, threat=s),))
    ),
    "evidence.blind_spots": lambda s: _evidence(replace(m.ALICE_TWICE, blind_spots=(s,))),
    "evidence.table": lambda s: _evidence(
        replace(m.ALICE_TWICE, table=replace(m.COUNTS, columns=(s,), rows=((s,),), because=s))
    ),
    "evidence.earlier": lambda s: _evidence(
        replace(m.ALICE_TWICE, earlier=(replace(m.EARLIER[0], headline=s),))
    ),
    "refused query": lambda s: incident_card(
        m.an_incident(),
        m.an_alert(criteria=(Criterion(query=s),)),
        m.without(Missing.REFUSED_QUERY, detail=s),
        zone=m.UTC_ZONE,
    ),
    "seven.answer": lambda s: seven_card([around.Answered(question=s, lines=(s,))], about=s, notes=(s,)),
    "what else.user": lambda s: what_else_card(m.ALICE_TWICE, s, m.WINDOW, zone=m.UTC_ZONE),
    "before.row": lambda s: seen_before_card(
        [replace(around.SEEN[0], what=s, state=s, acknowledged_by=s, closed_by=s)], zone=m.UTC_ZONE, about=s
    ),
    "raw.notes": lambda s: raw_log_card(
        {}, page=0, pages=1, asked_by="", at=m.FIRED, key="", redactions=0, notes=(s, cut_note({s}))
    ),
    **{
        f"raw.{field}": lambda s, field=field: _raw({field: {s: [s]}})  # type: ignore[misc]  # bound at once
        for _, fields in QUESTIONS
        for field in fields
    },
    "raw.key": lambda s: _raw({s: s}),
    "raw.asked_by": lambda s: _raw({}, asked_by=s),
    "notice.text": lambda s: notice.notice_card(notice.not_understood(s, s)),
    **telling_fields.FIELDS,
    **asking_fields.FIELDS,
    **{
        f"digest.{name}": lambda s, name=name: _digest(12, **{name: s})  # type: ignore[misc]  # bound at once
        for name in ("rule", "severity", "subject_name")
    },
    "digest.rule in a storm": lambda s: _digest(300, rule=s),
    "digest.subject_name in a storm": lambda s: _digest(300, subject_name=s),
    "digest.acknowledgement": lambda s: _digest(3, acknowledgement=_by(s), state=State.ACKNOWLEDGED),
    **{
        f"trail.{name}": lambda s, name=name: _trail(**{name: s})  # type: ignore[misc]  # bound at once
        for name in ("step", "subject", "reason")
    },
    "trail.rule": lambda s: trail_card(m.an_incident(rule=s), around.TRAIL, zone=m.UTC_ZONE),
    "status.workspaces": lambda s: status_card(around.a_status(workspaces=(s, s)), zone=m.UTC_ZONE),
    "status.conversations": lambda s: status_card(around.a_status(conversations=(s,)), zone=m.UTC_ZONE),
    "status.problem": lambda s: status_card(around.a_status(watching=Watching(problem=s)), zone=m.UTC_ZONE),
}
URLS = (
    "https://evil.example/",
    "http://portal.azure.com/",
    "https://portal.azure.com.evil.example/",
    "https://portal.azure.com@evil.example/",
    "https://evil.example/portal.azure.com",
    "https://evil-portal.azure.com/",
    "https://someone@portal.azure.com/",
    "https://portal.azure.com:8443/",
    "https://portal.azure.com\\@evil.example/",
    "//portal.azure.com/",
    "javascript:alert(1)//portal.azure.com",
    "https://portal.azure.com/\u202e",
    "https://portal.azure.com/\n",
    "https://[",
    "https://portal.azure.com/" + "x" * 4500,
)


def test_the_corpus_is_large_enough() -> None:
    assert len(set(CORPUS)) >= 60
    assert len(FIELDS) >= 30


@pytest.mark.parametrize("field", FIELDS)
def test_hostile_text_is_only_ever_literal_text(field: str) -> None:
    calm = FIELDS[field]("calm")
    ours = {value for part in parts(calm) for value in markdown(part)}
    for text in CORPUS:
        card = FIELDS[field](text)
        assert_structure(card)
        assert weight(card) <= BUDGET
        for part in parts(card):
            # What a client draws as markdown is the same words as on the card of a calm text: our own.
            assert set(markdown(part)) <= ours, (text, part)
            if part["type"] == "TextRun":
                assert plain(part["text"], 10_000) == part["text"]


@pytest.mark.parametrize("field", FIELDS)
def test_ordinary_text_arrives_as_it_is(field: str) -> None:
    runs = [part["text"] for part in parts(FIELDS[field]("calm-text")) if part["type"] == "TextRun"]
    assert any("calm-text" in run for run in runs)


def markdown(part: dict[str, Any]) -> Iterator[str]:
    """Yield what of an element is not literal text."""
    keys = (*MARKDOWN_KEYS, *(("text",) if part["type"] == "TextBlock" else ()))
    yield from (str(part[key]) for key in keys if key in part)


@pytest.mark.parametrize(
    "url",
    [
        "http://wiki.contoso.com/",
        "https://bob@wiki.contoso.com/",
        "https://wiki.contoso.com/\u202e",
        "https://wiki.contoso.com:99999/",
        "https://wiki.contoso.com\\@evil.example/",
        "javascript:alert(1)",
        "https:///x",
        "https://[",
    ],
)
def test_a_runbook_is_a_plain_https_address(url: str) -> None:
    card = incident_card(m.an_incident(), m.an_alert(), m.ALICE_TWICE, zone=m.UTC_ZONE, runbook_url=url)
    assert "Runbook" not in [action["title"] for action in card["actions"]]


@pytest.mark.parametrize("url", URLS)
def test_a_button_opens_nothing_but_the_portal(url: str) -> None:
    card = incident_card(m.an_incident(), m.an_alert(), m.ALICE_TWICE, zone=m.UTC_ZONE, logs_url=url)
    assert [action["title"] for action in card["actions"]] == ["Acknowledge", "Show raw log", "Seen before"]
