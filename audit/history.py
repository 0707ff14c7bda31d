"""What each event changed: against the object's state before it, where the log has that. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from audit.changes import previous_body, wants_previous, what_changed
from audit.event import AuditEvent
from audit.evidence import Change
from audit.grouping import READING
from audit.kql_answers import ObjectKey
from audit.untyped import at

#: Events of one card whose changes are worked out; comparing large objects costs milliseconds.
MOST_CHANGES = 100

State = Mapping[str, Any]
#: Of what is past MOST_CHANGES.
TOO_MANY = Change(why_not=f"more than {MOST_CHANGES} changes in this window: this one was not worked out")


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
    """Return the objects whose earlier state would help, each once, at most so many; people's changes come first."""
    asking = (event for event in events if _changes(event) and _succeeded(event) and wants_previous(event))
    return list(dict.fromkeys(object_of(event) for event in sorted(asking, key=lambda e: e.actor)))[:most]


def changes_of(events: Sequence[AuditEvent], before: Iterable[AuditEvent]) -> list[Change | None]:
    """Return what each of the events changed, None for those that change nothing.

    `before` are earlier writes of their objects, outside of `events`. Slow where objects are large: not for an event
    loop.
    """
    states: dict[ObjectKey, State] = {}
    for event in sorted(before, key=lambda e: e.time):
        _remember(states, event)
    changing = [place for place, event in enumerate(events) if _changes(event)]
    told = set(sorted(changing, key=lambda place: events[place].actor)[:MOST_CHANGES])
    found: list[Change | None] = [None] * len(events)
    for place in sorted(changing, key=lambda place: events[place].time):
        event = events[place]
        found[place] = what_changed(event, _state(states, event)) if place in told else TOO_MANY
        _remember(states, event)
    return found


def _state(states: Mapping[ObjectKey, State], event: AuditEvent) -> State | None:
    """Return the state before, unless the request itself is based on another one, which nobody logged."""
    state = states.get(object_of(event))
    based_on = at(event.raw, "requestObject", "metadata", "resourceVersion")
    known = at(state, "metadata", "resourceVersion")
    return None if based_on and known and based_on != known else state


def _changes(event: AuditEvent) -> bool:
    return bool(event.resource and event.name) and event.verb not in READING and not event.subresource


def _succeeded(event: AuditEvent) -> bool:
    return event.code is not None and event.code < 300  # noqa: PLR2004


def _remember(states: dict[ObjectKey, State], event: AuditEvent) -> None:
    if _succeeded(event) and not event.subresource and (body := previous_body(event)) is not None:
        states[object_of(event)] = body
    elif _succeeded(event):
        # It is another one now, and nobody knows which.
        states.pop(object_of(event), None)
