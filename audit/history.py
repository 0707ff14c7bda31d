"""What each event changed: against the object's state before it, where the log has that. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from audit.changes import previous_body, wants_previous, what_changed
from audit.event import AuditEvent
from audit.evidence import Change
from audit.grouping import READING
from audit.kql_answers import ObjectKey

#: Events of one card whose changes are worked out; comparing large objects costs milliseconds.
MOST_CHANGES = 100

State = Mapping[str, Any]


def object_of(event: AuditEvent) -> ObjectKey:
    """Return the object that an event is about, as the workspace is asked for it."""
    return ObjectKey(
        cluster=event.cluster_id.lower(),
        api_group=event.api_group,
        resource=event.resource,
        namespace=event.namespace,
        name=event.name,
    )


def wanted(events: Iterable[AuditEvent], most: int) -> list[ObjectKey]:
    """Return the objects whose earlier state would help, each once, at most so many."""
    return list(
        dict.fromkeys(object_of(event) for event in events if _changes(event) and wants_previous(event))
    )[:most]


def changes_of(events: Sequence[AuditEvent], before: Iterable[AuditEvent]) -> dict[str, Change]:
    """Return by audit id what the events changed. `before` are earlier writes of their objects, outside of `events`.

    Slow where objects are large: not for an event loop.
    """
    states: dict[ObjectKey, State] = {}
    for event in sorted(before, key=lambda e: e.time):
        _remember(states, event)
    found: dict[str, Change] = {}
    for event in sorted(events, key=lambda e: e.time):
        if not _changes(event):
            continue
        if len(found) < MOST_CHANGES:
            found[event.audit_id] = what_changed(event, states.get(object_of(event)))
        _remember(states, event)
    return found


def _changes(event: AuditEvent) -> bool:
    return (
        bool(event.audit_id and event.resource and event.name)
        and event.verb not in READING
        and not event.subresource
    )


def _remember(states: dict[ObjectKey, State], event: AuditEvent) -> None:
    succeeded = event.code is not None and event.code < 300  # noqa: PLR2004
    if succeeded and not event.subresource and (body := previous_body(event)) is not None:
        states[object_of(event)] = body
