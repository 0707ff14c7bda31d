"""The cards of tests.cards.asking with as much as can be in every field."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from audit.actor import ActorKind
from audit.asked import Actors, Asked, AskedOf, Listed, Unanswered
from audit.evidence import Action, Evidence, Missing
from cards.asked import asked_card
from cards.listed import listed_card
from cards.timeline import timeline_card
from cards.who import who_card
from tests.cards import asking
from tests.cards import material as m

_GROUP = (
    "user",
    "impersonated",
    "verb",
    "resource",
    "namespace",
    "reason",
    "user_agent",
    "uri",
    "identity",
    "client",
    "address",
    "cluster",
)


def question(text: str) -> Asked:
    """Return a question that is as long as it can be in every way."""
    return asking.asked(
        line=text,
        of=tuple(
            AskedOf(workspace=text, kql=f"{n}{text}\n" * 9, logs_url=m.LOGS_URL + "x" * 4300)
            for n in range(9)
        ),
        unanswered=(Unanswered(workspace=text, why=Missing.FORBIDDEN, detail=text),) * 20,
        partial=text,
        clusters=(text,) * 50,
    )


def evidence(text: str) -> Evidence:
    """Return evidence with the text in every field that an answer shows."""
    event = replace(m.RECONCILER.events[0], user=text, verb=text, uri=text, reason=text, audit_id=text)
    texts: dict[str, Any] = dict.fromkeys(_GROUP, text)
    group = replace(
        m.EDITED,
        **texts,
        actor=ActorKind.PERSON,
        code=403,
        source_ips=(text,) * 5,
        count=90,
        events=(event,) * 50,
        action=Action(done=text, base=text),
        first_seen=(text,) * 9,
        findings=(replace(m.DNS, title=text, threat=text, technique=text),) * 9,
        change=replace(m.COREFILE, lines=(text,) * 200, why_not=text),
    )
    return replace(
        m.evidence_of(*(replace(group, name=f"{n}{text}") for n in range(50))),
        detail=text,
        partial=True,
        unreadable=3,
        repeated=3,
        cut=3,
        judged=1,
        groups_left=9,
        reaches_back_to=m.FIRED,
        findings=(replace(m.BURST, title=text, threat=text, technique=text),) * 9,
        blind_spots=(text,) * 20,
    )


def cards(text: str) -> Iterator[dict[str, Any]]:
    """Yield each card of it, with the text in all fields."""
    asked, zone, found = question(text), m.BERLIN, evidence(text)
    for each in (asked, replace(asked, of=asked.of[:1])):
        yield asked_card(each, found, zone=zone)
        yield timeline_card(each, found, zone=zone)
    empty = replace(found, groups=(), findings=(), events=0, groups_left=0)
    for wider in (text, text[:120]):
        yield asked_card(asked, empty, zone=zone, wider=wider, reaches_back_to=m.FIRED)
        yield who_card(asked, Actors(), zone=zone, wider=wider, blind_spots=(text,) * 20)
    yield asked_card(asked, m.without(Missing.GARBAGE, detail=text), zone=zone)
    seen = asking.seen(
        text, impersonated=text, verb=text, resource=text, subresource=text, namespace=text, name=text
    )
    rows = (seen, replace(seen, failed=3), replace(seen, kind=ActorKind.PLATFORM)) * 50
    for line in (text, text[:100]):
        yield who_card(asked, Actors(rows=rows, users=10**9, events=10**12), zone=zone, lines={text: line})
    event = asking.event(username=text, impersonated=text, verb=text, uri=text, reason=text, code=500)
    for count in (1, 20, 100):
        listed = Listed(events=(event,) * count, page=3, before=60, total=10**12, is_last=False)
        yield listed_card(replace(asked, of=()), listed, zone=zone)
