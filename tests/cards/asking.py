"""Questions and answers to make cards of chat answers from, beside the material of incidents."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

from audit.actor import ActorKind
from audit.asked import Actors, ActorSeen, Asked, AskedOf, Listed, Unanswered
from audit.event import AuditEvent
from audit.evidence import Missing
from cards.asked import asked_card
from cards.listed import listed_card
from cards.timeline import timeline_card
from cards.who import who_card
from tests.cards import material as m

QUESTION = "ffeeddccbbaa99887766554433221100"
WINDOW = m.WANTED.window
ASKED_AT = WINDOW.end + timedelta(seconds=3)
OF = AskedOf(workspace="prod-law", kql=m.KQL, logs_url=m.LOGS_URL)


def asked(line: str = "audits coredns last 1h", **changes: object) -> Asked:
    fields: dict[str, object] = {
        "window": WINDOW,
        "asked_at": ASKED_AT,
        "of": (OF,),
        "clusters": ("prod-weu",),
        "key": QUESTION,
    }
    return Asked(line=line, **(fields | changes))  # type: ignore[arg-type]  # a table of fields for brevity


#: Three workspaces, of which two have the same tables, and one that did not answer.
SEVERAL = asked(
    of=(
        OF,
        replace(OF, workspace="test-law", logs_url=f"{m.LOGS_URL}y"),
        replace(OF, workspace="old-law", kql=m.OTHER_KQL),
    ),
    unanswered=(Unanswered(workspace="dev-law", why=Missing.TIMED_OUT, detail="Query timed out after 30 s"),),
    clusters=(),
)
NOBODY_ANSWERED = asked(
    of=(), unanswered=(Unanswered(workspace="prod-law", why=Missing.FORBIDDEN),), clusters=()
)
FOUND = replace(m.REWRITTEN, window=WINDOW)
NOTHING = m.evidence_of(window=WINDOW, events=0, blind_spots=m.REWRITTEN.blind_spots)


def seen(user: str = "alice@contoso.com", **changes: object) -> ActorSeen:
    fields: dict[str, object] = {
        "kind": ActorKind.PERSON,
        "count": 4,
        "failed": 0,
        "first": m.at("09:33:00"),
        "last": m.at("09:37:10"),
        "objects": 2,
        "verb": "delete",
        "resource": "deployments",
        "namespace": "shop",
        "name": "frontend",
    }
    given = fields | changes
    if cast("int", given["failed"]) < cast("int", given["count"]):
        given = {"done": given["last"]} | given
    return ActorSeen(user=user, **given)  # type: ignore[arg-type]  # a table of fields for brevity


ROWS = (
    seen(),
    seen("bob@contoso.com", count=1, failed=1, objects=1, last=m.at("09:34:02")),
    seen(
        "masterclient",
        count=3,
        failed=1,
        objects=1,
        verb="get",
        resource="pods",
        subresource="exec",
        name="web-1",
    ),
    seen(
        "system:serviceaccount:payments:deployer",
        kind=ActorKind.WORKLOAD,
        count=41,
        objects=7,
        verb="patch",
    ),
    seen("aksService", kind=ActorKind.PLATFORM, count=12, failed=12, objects=1, resource="configmaps"),
    seen("system:node:aks-nodepool1-12345678-vmss000000", kind=ActorKind.PLATFORM, count=300, verb="update"),
)
ACTORS = Actors(rows=ROWS, users=len(ROWS), events=sum(row.count for row in ROWS))
#: By a user's name the line that asks what the user did.
LINES = {
    "alice@contoso.com": "what did alice@contoso.com do last 1h",
    "masterclient": "what did masterclient do last 1h",
}


def event(n: int = 0, **changes: object) -> AuditEvent:
    moment = m.at("09:37:10") - timedelta(seconds=7 * n)
    fields: dict[str, object] = {
        "audit_id": f"id-{n}",
        "stage": "ResponseComplete",
        "time": moment,
        "generated": moment,
        "level": "RequestResponse",
        "verb": "patch",
        "uri": m.URI,
        "username": "alice@contoso.com",
        "impersonated": "",
        "actor": ActorKind.PERSON,
        "group_count": 1,
        "source_ips": ("20.1.2.3",),
        "user_agent": "kubectl/v1.31.0",
        "resource": "configmaps",
        "subresource": "",
        "namespace": "kube-system",
        "name": "coredns-custom",
        "api_group": "",
        "code": 200,
        "reason": "",
        "decision": "allow",
        "cluster_id": m.CLUSTER,
        "pod": "",
        "raw": {},
    }
    return AuditEvent(**(fields | changes))  # type: ignore[arg-type]  # a table of fields for brevity


EVENTS = tuple(
    event(
        n,
        **(
            {"username": "aksService", "verb": "create", "code": 409, "reason": "AlreadyExists"}
            if n % 3
            else {}
        ),
    )
    for n in range(20)
)
PAGE = Listed(events=EVENTS, page=1, before=20, total=1204, arrived_since=3, is_last=False)
#: More than a card shows of it.
MANY = m.evidence_of(
    m.BINDING, m.A_SHELL, m.EDITED, m.KNOWN_RECONCILER, returned=1204, events=1202, judged=500
)
#: One person's shift: two objects, one of them on two days' edge, and a shell.
SHIFT = m.evidence_of(
    m.EDITED,
    replace(m.A_SHELL, user="alice@contoso.com", identity="person"),
    m.by_alice(m.at("09:37:40"), verb="delete", code=403, reason="Forbidden", decision="forbid"),
    m.by_alice(
        *(m.at("09:34:00") + timedelta(seconds=n) for n in range(9)),
        verb="list",
        resource="secrets",
        namespace="shop",
        name="",
    ),
    window=WINDOW,
    events=13,
    judged=13,
    blind_spots=m.REWRITTEN.blind_spots,
)


def cards() -> dict[str, dict[str, Any]]:
    """Return the cards that are kept, by name."""
    zone = m.BERLIN
    reaches = m.FIRED - timedelta(days=3)
    who, shift = asked("who touched deploy/frontend last 1h"), asked("what did alice do last 1h")
    risky = replace(FOUND, judged=6)
    return {
        "answer": asked_card(asked(), FOUND, zone=zone),
        "answer-workspaces": asked_card(SEVERAL, FOUND, zone=zone),
        "answer-nothing": asked_card(
            asked(), NOTHING, zone=zone, wider="audits coredns last 6h", reaches_back_to=reaches
        ),
        "answer-none-answered": asked_card(NOBODY_ANSWERED, m.without(Missing.FORBIDDEN), zone=zone),
        "answer-top": asked_card(
            asked("audits last 1h top 1"), replace(MANY, window=WINDOW), zone=zone, top=1
        ),
        "answer-risky": asked_card(asked("risky last 1h"), risky, zone=zone),
        "who": who_card(who, ACTORS, zone=zone, lines=LINES),
        "who-nobody": who_card(who, Actors(), zone=zone, wider="who touched deploy/frontend last 6h"),
        "timeline": timeline_card(shift, SHIFT, zone=zone),
        "listed": listed_card(asked(), PAGE, zone=zone),
    }
