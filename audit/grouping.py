"""From audit events to the groups that a card shows: alike events together, people first, nothing lost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from audit.event import ActorKind, AuditEvent
from audit.evidence import EventLine, Group
from audit.redact import redact_uri

#: Longest text of one field that is kept of an event: what a card could show of it at most.
FIELD_LENGTH = 512


#: Verbs that change nothing. https://kubernetes.io/docs/reference/access-authn-authz/authorization/
READING = frozenset({"get", "list", "watch", "head", "options"})


def distinct(events: Iterable[AuditEvent]) -> list[AuditEvent]:
    """Leave out repeats, the first one stays: with two categories or tables switched on, Azure writes an event twice.

    An audit id alone is not believed, for a client may choose it (the Audit-ID header); the rest must agree too.
    Events without an audit id are all kept: nothing tells them apart.
    https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/#audit-k8s-io-v1-Event
    """
    seen: set[tuple[object, ...]] = set()
    kept = []
    for event in events:
        mark = (event.audit_id, event.stage, event.time, event.uri, *_likeness(event))
        if event.audit_id and mark in seen:
            continue
        seen.add(mark)
        kept.append(event)
    return kept


def group(events: Iterable[AuditEvent]) -> tuple[Group, ...]:
    """Gather one actor's like requests to one object with one outcome, oldest first in a group and among groups.

    People come first, then workloads, then the platform; of each, what changes something before what only reads. Every text is at most FIELD_LENGTH long, and a URI has
    no secrets any more; redacting makes this slow for long URIs (1 ms for 2 KiB): not for an event loop.
    """
    gathered: dict[tuple[object, ...], list[AuditEvent]] = {}
    for event in sorted(events, key=lambda e: e.time):
        gathered.setdefault(_likeness(event), []).append(event)
    groups = [_group(alike) for alike in gathered.values()]
    return tuple(sorted(groups, key=lambda g: (g.actor, _only_reads(g), g.first)))


def _only_reads(group: Group) -> bool:
    """A `get` of a subresource is none of those: kubectl opens a shell by one."""
    return group.verb in READING and "/" not in group.resource


def count_by_actor(events: Iterable[AuditEvent], actor: ActorKind) -> int:
    """Count the events of this kind of actor."""
    return sum(event.actor is actor for event in events)


def shortened(text: str) -> str:
    """Return the text with at most FIELD_LENGTH characters; an ellipsis stands for what is left off."""
    return text if len(text) <= FIELD_LENGTH else text[: FIELD_LENGTH - 1] + "…"


def _likeness(event: AuditEvent) -> tuple[object, ...]:
    """Return what the events of a group have in common; the same name in another API group is another object."""
    return (
        event.username,
        event.impersonated,
        event.verb,
        event.api_group,
        event.resource,
        event.subresource,
        event.namespace,
        event.name,
        "" if event.resource else event.uri,
        event.code,
        event.reason,
        event.decision,
    )


def _group(alike: Sequence[AuditEvent]) -> Group:
    first = alike[0]
    return Group(
        user=shortened(first.username),
        impersonated=shortened(first.impersonated),
        actor=first.actor,
        verb=shortened(first.verb),
        resource=shortened(f"{first.resource}/{first.subresource}" if first.subresource else first.resource),
        namespace=shortened(first.namespace),
        name=shortened(first.name),
        uri="" if first.resource else shortened(redact_uri(first.uri)),
        code=first.code,
        reason=shortened(first.reason),
        decision=shortened(first.decision),
        source_ips=tuple(dict.fromkeys(shortened(ip) for event in alike for ip in event.source_ips))[:5],
        user_agent=shortened(first.user_agent),
        count=len(alike),
        first=first.time,
        last=alike[-1].time,
        events=tuple(_line(event) for event in alike),
    )


def _line(event: AuditEvent) -> EventLine:
    return EventLine(
        audit_id=shortened(event.audit_id),
        time=event.time,
        user=shortened(event.username),
        verb=shortened(event.verb),
        uri=shortened(redact_uri(event.uri)),
        code=event.code,
        reason=shortened(event.reason),
    )
