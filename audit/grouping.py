"""From audit events to the groups that a card shows: alike events together, the riskiest first, nothing lost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from audit.alert import resource_name
from audit.client import client_of, trusted_address
from audit.deeds import describe
from audit.event import ActorKind, AuditEvent
from audit.evidence import Action, Change, EventLine, Finding, Group
from audit.identity import identify
from audit.redact import redact_uri

#: Longest text of one field that is kept of an event: what a card could show of it at most.
FIELD_LENGTH = 512
#: The same, of one event among many of its group.
LINE_LENGTH = 160
#: Longest sentence that is kept of what was done.
ACTION_LENGTH = 1024
#: Lines that are kept of what a group changed.
MOST_LINES = 40
#: Single events that are kept of one group; its count stays exact.
MOST_EVENTS = 50

#: Verbs that change nothing. https://kubernetes.io/docs/reference/access-authn-authz/authorization/
READING = frozenset({"get", "list", "watch", "head", "options"})


def group(
    events: Sequence[AuditEvent],
    findings: Sequence[tuple[Finding, ...]] = (),
    changes: Sequence[Change | None] = (),
) -> tuple[Group, ...]:
    """Gather one actor's like requests to one object with one outcome, oldest first in a group.

    `findings` and `changes` are parallel to `events`. Groups come as `ordered` says. Every text is at most
    FIELD_LENGTH long, and a URI has no secrets any more; redacting makes this slow for long URIs (1 ms for 2 KiB): not
    for an event loop.
    """
    found = findings or [()] * len(events)
    changed = changes or [None] * len(events)
    several = len({event.cluster_id.lower() for event in events}) > 1
    gathered: dict[tuple[object, ...], list[_Told]] = {}
    told = map(_Told, events, map(describe, events), found, changed)
    for each in sorted(told, key=lambda each: each.event.time):
        gathered.setdefault((*likeness(each.event), each.action.done), []).append(each)
    return ordered(_group(alike, with_cluster=several) for alike in gathered.values())


class _Told(NamedTuple):
    """An event with what is known of it."""

    event: AuditEvent
    action: Action
    findings: tuple[Finding, ...]
    change: Change | None


def ordered(groups: Iterable[Group]) -> tuple[Group, ...]:
    """Order as a card does: by risk, people before workloads before the platform, changes before reads, then by time."""
    return tuple(sorted(groups, key=lambda g: (-g.severity, g.actor, _only_reads(g), g.first)))


def _only_reads(group: Group) -> bool:
    """A `get` of a subresource is none of those: kubectl opens a shell by one."""
    return group.verb in READING and "/" not in group.resource


def count_by_actor(events: Iterable[AuditEvent], actor: ActorKind) -> int:
    """Count the events of this kind of actor."""
    return sum(event.actor is actor for event in events)


def shortened(text: str, limit: int = FIELD_LENGTH) -> str:
    """Return the text with at most `limit` characters; an ellipsis stands for what is left off."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def likeness(event: AuditEvent) -> tuple[object, ...]:
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
        event.cluster_id.lower(),
        *_origin(event),
    )


def _origin(event: AuditEvent) -> tuple[str, ...]:
    """One name from two places, or by two programs, may be two people; the platform's own parts run everywhere."""
    if event.actor is ActorKind.PLATFORM:
        return ()
    return (_address(event), client_of(event.user_agent))


def _address(event: AuditEvent) -> str:
    """Return the address that cannot be forged; of a list that was cut nobody knows which came last."""
    return "" if "sourceIPs" in event.lost else trusted_address(event.source_ips)


def _most(findings: Iterable[tuple[Finding, ...]]) -> tuple[Finding, ...]:
    """Return each rule that fired on any of the events once, the riskiest first."""
    once = {finding.rule: finding for risks in findings for finding in risks}
    return tuple(sorted(once.values(), key=lambda finding: -finding.severity))


def _group(told: Sequence[_Told], *, with_cluster: bool) -> Group:
    alike, action = [each.event for each in told], told[0].action
    first = alike[0]
    return Group(
        user=shortened(first.username),
        impersonated=shortened(first.impersonated),
        actor=first.actor,
        verb=shortened(first.verb),
        resource=shortened(f"{first.resource}/{first.subresource}" if first.subresource else first.resource),
        namespace=shortened(first.namespace),
        name=shortened(first.name),
        api_group=shortened(first.api_group),
        uri="" if first.resource else shortened(redact_uri(first.uri)),
        code=first.code,
        reason=shortened(first.reason),
        decision=shortened(first.decision),
        source_ips=tuple(dict.fromkeys(shortened(ip) for event in alike for ip in event.source_ips))[:5],
        user_agent=shortened(first.user_agent),
        count=len(alike),
        first=first.time,
        last=alike[-1].time,
        events=tuple(_line(event) for event in alike[:MOST_EVENTS]),
        action=Action(done=shortened(action.done, ACTION_LENGTH), base=shortened(action.base, ACTION_LENGTH)),
        identity=str(identify(first).kind),
        client=shortened(client_of(first.user_agent)),
        address=shortened(_address(first)),
        findings=_most(each.findings for each in told),
        change=_change([each.change for each in told]),
        cut=sum(event.is_cut for event in alike),
        cluster=shortened(resource_name(first.cluster_id)) if with_cluster else "",
    )


def _change(changes: Sequence[Change | None]) -> Change | None:
    """Return what they changed one after the other, and where that is not known why the last one's is not."""
    known = [change for change in changes if change is not None]
    told = [change for change in known if change.lines]
    if len(told) < 2:  # noqa: PLR2004
        return told[0] if told else (known[-1] if known else None)
    lines = [line for change in told for line in change.lines]
    kinds = {change.kind for change in told}
    return Change(
        kind=told[0].kind if len(kinds) == 1 else None,
        lines=tuple(lines[:MOST_LINES]),
        added=sum(change.added for change in told),
        removed=sum(change.removed for change in told),
        more=sum(change.more for change in told) + max(0, len(lines) - MOST_LINES),
        why_not=next((change.why_not for change in reversed(known) if change.why_not), ""),
        compared=all(change.compared for change in told),
    )


def _line(event: AuditEvent) -> EventLine:
    return EventLine(
        audit_id=shortened(event.audit_id),
        time=event.time,
        user=shortened(event.username, LINE_LENGTH),
        verb=shortened(event.verb, LINE_LENGTH),
        uri=shortened(redact_uri(event.uri)),
        code=event.code,
        reason=shortened(event.reason, LINE_LENGTH),
    )
