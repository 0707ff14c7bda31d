"""From rows of a workspace to what may be said of them: evidence, and what went on since. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from audit.event import ActorKind, AuditEvent, Unreadable
from audit.evidence import Evidence, Since
from audit.grouping import count_by_actor, distinct, group, shortened

#: New users that are named of what went on since.
MOST_NEW_USERS = 5


@dataclass(frozen=True, kw_only=True)
class Rows:
    """What was read and counted in one window of one workspace."""

    #: Repeats are among them.
    events: Sequence[AuditEvent]
    unreadable: Sequence[Unreadable]
    #: The workspace's own count.
    counted: int
    #: The service's words about why this is not all; "" when it is.
    partial: str

    @property
    def read(self) -> int:
        return len(self.events) + len(self.unreadable)

    @property
    def returned(self) -> int:
        """How many rows there are: rows may arrive between the two questions, so never below what was read."""
        return max(self.counted, self.read)


def with_repeats(rows: Rows) -> Rows:
    """Count rows where the workspace counted events, as events_matching does: the repeats that were read come on top."""
    repeats = len(rows.events) - len(distinct(rows.events))
    return replace(rows, counted=rows.counted + repeats)


def are_no_events(parts: Sequence[Rows]) -> bool:
    """Tell whether rows came and every one of them is something else than an audit event."""
    foreign = [row.is_foreign for part in parts for row in part.unreadable]
    return bool(foreign) and all(foreign) and not any(part.events for part in parts)


def filled(blank: Evidence, parts: Sequence[Rows]) -> Evidence:
    """Return the evidence with what was read and counted in all parts, which may overlap: an event counts once.

    Slow where URIs are long (see audit.grouping.group): not for an event loop.
    """
    events = distinct(event for part in parts for event in part.events)
    unreadable = sum(len(part.unreadable) for part in parts)
    return replace(
        blank,
        returned=sum(part.returned for part in parts),
        read=len(events) + unreadable,
        by_people=count_by_actor(events, ActorKind.PERSON),
        by_workloads=count_by_actor(events, ActorKind.WORKLOAD),
        by_platform=count_by_actor(events, ActorKind.PLATFORM),
        unreadable=unreadable,
        repeated=sum(part.read for part in parts) - unreadable - len(events),
        partial=any(part.partial for part in parts),
        detail=joined(blank.detail, next((part.partial for part in parts if part.partial), "")),
        groups=group(events),
    )


def since(parts: Sequence[Rows], until: datetime, known: Evidence) -> Since:
    """Say what the parts tell of the time after the window of `known`, up to `until`."""
    events = distinct(event for part in parts for event in part.events)
    people = [event for event in events if event.actor is ActorKind.PERSON]
    repeated = sum(len(part.events) for part in parts) - len(events)
    returned = sum(part.returned for part in parts) - repeated
    read = sum(part.read for part in parts) - repeated
    return Since(
        until=until,
        returned=returned,
        by_people=len(people),
        last=max((event.time for event in events), default=None),
        new_users=_new_users(people, known),
        read=read if read < returned else None,
    )


def _new_users(people: Sequence[AuditEvent], known: Evidence) -> tuple[str, ...]:
    """Name who was not in the window; nobody where not all of that window is known."""
    if known.partial or known.unreadable or known.read + known.repeated < known.returned:
        return ()
    before = {g.user for g in known.groups}
    names = dict.fromkeys(shortened(event.username) for event in people)
    return tuple(name for name in names if name not in before)[:MOST_NEW_USERS]


def joined(*sentences: str) -> str:
    """Return one text of those that are not empty."""
    return " ".join(filter(None, sentences))
