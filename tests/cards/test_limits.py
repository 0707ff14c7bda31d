"""Whatever comes in: valid, at most 20 KB, at most twelve levels deep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.alert import Alert, Criterion
from audit.asked import Actors, ActorSeen, AskedOf, Listed
from audit.event import ActorKind, AuditEvent
from audit.evidence import Action, Evidence, Missing
from audit.filter import Window
from audit.incident import Incident
from cards import notice
from cards.actor import what_else_card
from cards.answer import answered_card
from cards.asked import asked_card, asked_summary
from cards.before import seen_before_card
from cards.digest import digest_card, digest_summary
from cards.incident import incident_card, incident_summary
from cards.listed import listed_card, listed_summary
from cards.raw_log import raw_log_card
from cards.seven import seven_card
from cards.status import Watching, status_card, status_summary
from cards.timeline import timeline_card, timeline_summary
from cards.trail import WORDS, TrailLine, trail_card, trail_summary
from cards.who import who_card, who_summary
from tests.cards import around, asking, asking_worst
from tests.cards import material as m
from tests.cards.checks import assert_good
from tests.cards.strategies import ALERTS, CODES, INCIDENTS, TEXTS, TIMES, evidences, windows

MANY = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
#: Of cards whose middle is that of an incident's, which is drawn as MANY says.
SOME = settings(MANY, max_examples=30)
ZONES = st.sampled_from(("UTC", "Europe/Berlin", "Asia/Kolkata", "Pacific/Auckland")).map(ZoneInfo)
URLS = st.sampled_from(("", m.LOGS_URL, m.LOGS_URL + "x" * 4300, "https://evil.example/", "javascript:x"))


@MANY
@given(INCIDENTS, ALERTS, evidences(), ZONES, URLS)
def test_any_incident_makes_a_good_card(
    incident: Incident, alert: Alert, evidence: Evidence, zone: ZoneInfo, logs_url: str
) -> None:
    card = incident_card(incident, alert, evidence, zone=zone, logs_url=logs_url)
    assert_good(card)
    for clickable in (True, False):
        assert_good(answered_card(card, at=incident.opened_at, zone=zone, clickable=clickable))
    summary = incident_summary(incident, alert, evidence, zone=zone)
    summary.encode()
    assert len(summary) < 2500


@SOME
@given(TEXTS, windows(), evidences(), ZONES)
def test_what_else_anybody_did_makes_a_good_card(
    user: str, window: Window, evidence: Evidence, zone: ZoneInfo
) -> None:
    assert_good(what_else_card(evidence, user, window, zone=zone))


@MANY
@given(st.lists(INCIDENTS, max_size=40), st.integers(1, 40), TIMES, ZONES)
def test_any_storm_makes_a_good_card(found: list[Incident], times: int, at: datetime, zone: ZoneInfo) -> None:
    storm = [replace(incident, number=n + 1) for n, incident in enumerate(found * times)]
    assert_good(digest_card(storm, zone=zone, at=at))
    summary = digest_summary(storm, zone=zone, at=at)
    summary.encode()
    assert len(summary) < 2500


STEPS = st.builds(
    TrailLine,
    at=TIMES,
    step=st.sampled_from(tuple(WORDS)) | TEXTS,
    subject=TEXTS,
    seconds=st.none() | st.floats(0, 1e9),
    attempt=st.integers(0, 1000),
    reason=TEXTS,
)


@MANY
@given(INCIDENTS, st.lists(STEPS, max_size=20), st.integers(1, 10), ZONES)
def test_any_trail_makes_a_good_card(
    incident: Incident, steps: list[TrailLine], times: int, zone: ZoneInfo
) -> None:
    assert_good(trail_card(incident, steps * times, zone=zone))
    trail_summary(incident).encode()


@MANY
@given(st.lists(TEXTS, max_size=60), st.lists(TEXTS, max_size=60), TEXTS, TIMES, ZONES)
def test_any_status_makes_a_good_card(
    workspaces: list[str], conversations: list[str], problem: str, at: datetime, zone: ZoneInfo
) -> None:
    status = around.a_status(
        workspaces=workspaces,
        conversations=conversations,
        since=at,
        waiting=(around.waiting("card", 10**9, since=at, failed=10**9),),
        watching=Watching(last=at, problem=problem),
    )
    assert_good(status_card(status, zone=zone))
    status_summary(status, zone=zone).encode()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(TEXTS, inner, max_size=6),
    # Longer ones are built below, for drawing them costs most of the time.
    max_leaves=12,
)
FIELDS = TEXTS | st.sampled_from(("user", "verb", "objectRef", "requestObject", "sourceIPs", "stage"))


@MANY
@given(st.dictionaries(FIELDS, JSON, max_size=8), TEXTS, TIMES, st.integers(0, 3))
def test_any_event_makes_a_good_raw_log(event: Mapping[str, Any], name: str, at: Any, page: int) -> None:
    card = raw_log_card(event, page=page, pages=4, asked_by=name, at=at, key=m.KEY, redactions=page)
    assert_good(card)


@MANY
@given(TEXTS, TEXTS)
def test_any_line_that_was_not_understood_makes_a_good_card(text: str, hint: str) -> None:
    assert_good(notice.notice_card(notice.not_understood(text, hint)))


#: The most that the last step of the ladder may be asked to hold.
WORST = "\U0001f600" * 1_000_000


@pytest.mark.parametrize("text", [WORST, "\u202e" * 1_000_000, '"' * 1_000_000])
def test_a_megabyte_in_every_field_stays_small(text: str) -> None:
    table = replace(m.V1_ROWS, columns=(text,) * 20, rows=((text,) * 20,) * 9)
    alert = m.an_alert(
        rule=text,
        severity=text,
        description=text,
        targets=(text,),
        results=(table,) * 5,
        facts=((text, text),) * 40,
        custom_properties={f"{n}{text}": text for n in range(9)},
    )
    by = replace(m.BOB, by=replace(m.BOB.by, name=text))
    incident = m.an_incident(rule=text, severity=text, subject_name=text, acknowledgement=by)
    event = replace(m.RECONCILER.events[0], user=text, verb=text, uri=text, reason=text, audit_id=text)
    group = replace(
        m.RECONCILER,
        user=text,
        impersonated=text,
        verb=text,
        resource=text,
        namespace=text,
        name=text,
        reason=text,
        user_agent=text,
        uri=text,
        source_ips=(text,) * 5,
        count=90,
        events=(event,) * 90,
        action=Action(done=text, base=text),
        actor=ActorKind.PERSON,
        identity=text,
        client=text,
        address=text,
        cluster=text,
        cut=9,
        first_seen=(text,) * 9,
        findings=(replace(m.DNS, title=text, threat=text, technique=text),) * 9,
        change=replace(m.COREFILE, lines=(text,) * 200, why_not=text),
    )
    evidence = replace(
        m.evidence_of(*[group] * 50),
        detail=text,
        workspace=text,
        kql=text + "\n" * 9999,
        partial=True,
        unreadable=3,
        again_until=m.FIRED,
        since=replace(m.SINCE, new_users=(text,) * 5),
        late=9,
        judged=1,
        before=9,
        after=9,
        groups_left=9,
        reaches_back_to=m.FIRED,
        findings=(replace(m.BURST, title=text, threat=text, technique=text),) * 9,
        table=replace(m.COUNTS, columns=(text,) * 20, rows=((text,) * 20,) * 20, because=text),
        blind_spots=(text,) * 20,
        earlier=(replace(m.EARLIER[0], headline=text),) * 20,
    )
    url = m.LOGS_URL + "x" * 4300
    book = "https://wiki.contoso.com/" + "x" * 2000
    whole = incident_card(incident, alert, evidence, zone=m.BERLIN, logs_url=url, runbook_url=book)
    assert_good(whole)
    assert_good(answered_card(whole, at=m.FIRED, zone=m.BERLIN, clickable=True))
    folded = replace(evidence, groups=(replace(group, actor=ActorKind.PLATFORM, findings=()),) * 50)
    assert_good(incident_card(incident, alert, folded, zone=m.BERLIN, logs_url=url, runbook_url=book))
    refused = m.an_alert(criteria=(Criterion(query=text + "\n" * 99),) * 3)
    assert_good(incident_card(incident, refused, m.without(Missing.REFUSED_QUERY), zone=m.BERLIN))
    assert_good(what_else_card(evidence, text, m.WINDOW, zone=m.BERLIN, logs_url=url))
    answered = around.Answered(question=text, lines=(text,) * 99)
    assert_good(seven_card([answered] * 7, about=text, notes=(text,) * 9))
    seen = replace(around.SEEN[0], what=text, state=text, acknowledged_by=text, closed_by=text)
    assert_good(seen_before_card([seen] * 99, zone=m.BERLIN, about=text))
    assert_good(incident_card(incident, alert, m.without(Missing.GARBAGE, detail=text), zone=m.BERLIN))
    storm = [replace(incident, number=n, rule=f"{n}{text[:2000]}", subject_name=text) for n in range(300)]
    assert_good(digest_card(storm[:5], zone=m.BERLIN, at=m.FIRED))
    assert_good(digest_card([incident, *storm], zone=m.BERLIN, at=m.FIRED))
    steps = [around.a_step("09:40:00", text, text, 1.0, reason=text)] * 200
    assert_good(trail_card(incident, steps, zone=m.BERLIN))
    names = (text,) * 50
    status = around.a_status(workspaces=names, conversations=names, watching=Watching(problem=text))
    assert_good(status_card(status, zone=m.BERLIN))
    raw = {"requestObject": {"data": {str(n): text[:8000] for n in range(200)}}, "user": text}
    assert_good(raw_log_card(raw, page=0, pages=9, asked_by=text, at=m.FIRED, key=m.KEY, redactions=0))


@pytest.mark.parametrize("char", ["\U0001f600", "\u202e", '"', "x"])
def test_an_answer_with_long_texts_in_every_field_stays_small(char: str) -> None:
    # Longer ones are cut as events are grouped, and a query is of our own making.
    for card in asking_worst.cards(char * 5000):
        assert_good(card)


@SOME
@given(
    TEXTS, windows(), evidences(), ZONES, URLS, st.integers(0, 20), st.sampled_from(("risky", "audits x", ""))
)
def test_any_answer_makes_a_good_card(
    text: str, window: Window, evidence: Evidence, zone: ZoneInfo, logs_url: str, top: int, begins: str
) -> None:
    of = tuple(AskedOf(workspace=f"{text}{n}", kql=text, logs_url=logs_url) for n in range(top % 3))
    asked = asking.asked(f"{begins} {text}", window=window, of=of, clusters=(text,) * (top % 2))
    assert_good(asked_card(asked, evidence, zone=zone, top=top, wider=text[:200]))
    asked_summary(asked, evidence, zone=zone, top=top).encode()
    assert_good(timeline_card(asked, evidence, zone=zone, wider=text[:200]))
    timeline_summary(asked, evidence, zone=zone).encode()


SEEN = st.builds(
    ActorSeen,
    user=TEXTS,
    impersonated=TEXTS,
    kind=st.sampled_from(ActorKind),
    count=st.integers(0, 10**6),
    failed=st.integers(0, 10**6),
    first=TIMES,
    last=TIMES,
    objects=st.integers(0, 10**6),
    verb=TEXTS | st.sampled_from(("delete", "list")),
    resource=TEXTS,
    subresource=TEXTS,
    namespace=TEXTS,
    name=TEXTS,
)


@SOME
@given(st.lists(SEEN, max_size=8), st.integers(1, 12), st.integers(0, 10**6), ZONES, st.integers(0, 9))
def test_any_actors_make_a_good_card(
    rows: list[ActorSeen], times: int, more: int, zone: ZoneInfo, top: int
) -> None:
    seen = tuple(rows * times)
    found = Actors(rows=seen, users=len(seen) + more, events=sum(row.count for row in seen) + more)
    lines = {row.user: row.user[:100] for row in seen}
    assert_good(who_card(asking.asked(), found, zone=zone, top=top, lines=lines))
    who_summary(asking.asked(), found, zone=zone).encode()


EVENTS = st.builds(
    asking.event,
    st.integers(0, 9),
    **dict.fromkeys(
        ("username", "impersonated", "verb", "uri", "reason"), TEXTS.map(lambda text: text[:4000])
    ),
    time=TIMES,
    code=CODES,
)


@SOME
@given(st.lists(EVENTS, max_size=8), st.integers(1, 4), st.integers(0, 10**6), ZONES, st.booleans())
def test_any_page_of_events_makes_a_good_card(
    found: list[AuditEvent], times: int, before: int, zone: ZoneInfo, is_last: bool
) -> None:
    events = tuple(found * times)
    listed = Listed(
        events=events, page=before, before=before, total=before, arrived_since=before, is_last=is_last
    )
    assert_good(listed_card(asking.asked(), listed, zone=zone))
    listed_summary(asking.asked(), listed, zone=zone).encode()
