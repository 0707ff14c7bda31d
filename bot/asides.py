"""What is nice to know beside an alert's events: the state before, what is new for a person, what lies just outside.

Each has its own deadline and is left out without noise: the evidence stands without it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from audit.event import ActorKind, AuditEvent, parse_event
from audit.filter import Window
from audit.first_seen import SPAN, Seen, seen_of
from audit.history import wanted
from audit.kql import (
    MAX_FACETS,
    MAX_OBJECTS,
    MAX_PEOPLE,
    TOTAL,
    ContextQueries,
    InvalidTerm,
    ObjectKey,
    first_seen,
    literal,
    previous_states,
)
from audit.untyped import count
from bot.errors import OutsideError
from bot.ports import AuditLog, Query, Workspace

#: How long each may take.
DEADLINE = timedelta(seconds=8)


@dataclass(frozen=True, kw_only=True)
class Asides:
    """What was found; None or empty where it was not."""

    #: Earlier writes of the objects that the events changed.
    earlier: tuple[AuditEvent, ...] = ()
    seen: Seen | None = None
    before: int | None = None
    after: int | None = None


class Beside:
    """Asks one workspace, unless it is busy."""

    def __init__(
        self, *, log: AuditLog, workspace: Workspace, tables: Sequence[str], window: Window, cluster: str = ""
    ) -> None:
        self._log = log
        self._workspace = workspace
        self._tables = tables
        self._window = window
        self._cluster = cluster

    async def of(self, events: Sequence[AuditEvent], context: ContextQueries | None) -> Asides:
        """Ask for all that these events of the window make one want to know."""
        before, after = (context.before, context.after) if context else ("", "")
        states, seen, *counts = await asyncio.gather(
            self._states(events),
            self._seen(events),
            self._count(before),
            self._count(after),
        )
        return Asides(earlier=states, seen=seen, before=counts[0], after=counts[1])

    async def states(self, events: Sequence[AuditEvent]) -> Asides:
        """Ask only for the state before of what these events changed."""
        return Asides(earlier=await self._states(events))

    async def _states(self, events: Sequence[AuditEvent]) -> tuple[AuditEvent, ...]:
        objects = [each for each in wanted(events, 2 * MAX_OBJECTS) if can_ask(*_names(each))][:MAX_OBJECTS]
        if not objects:
            return ()
        since = self._window.start - SPAN
        kql = previous_states(objects, before=self._window.start, since=since, tables=self._tables)
        rows = await self._rows(kql, Window(start=since, end=self._window.start))
        parsed = await asyncio.to_thread(lambda: [parse_event(row) for row in rows or ()])
        return tuple(event for event in parsed if isinstance(event, AuditEvent))

    async def _seen(self, events: Sequence[AuditEvent]) -> Seen | None:
        people = dict.fromkeys(event.username for event in events if event.actor is ActorKind.PERSON)
        names = [name for name in people if can_ask(name)][:MAX_PEOPLE]
        if not names:
            return None
        since = self._window.start - SPAN
        kql = first_seen(
            names, since=since, before=self._window.start, tables=self._tables, cluster_id=self._cluster
        )
        rows = await self._rows(kql, Window(start=since, end=self._window.start))
        return seen_of(rows, MAX_FACETS, names) if rows is not None else None

    async def _count(self, kql: str) -> int | None:
        margin = timedelta(minutes=10)
        wide = Window(start=self._window.start - margin, end=self._window.end + margin)
        rows = await self._rows(kql, wide) if kql else None
        return count(rows[0].get(TOTAL)) if rows else None

    async def _rows(self, kql: str, window: Window) -> Sequence[Mapping[str, Any]] | None:
        query = Query(workspace=self._workspace, kql=kql, window=window, deadline=DEADLINE, is_aside=True)
        try:
            answer = await self._log.ask(query)
        except OutsideError:
            return None
        # What is not all of it would make things look new, or unchanged, that are not.
        return None if answer.partial else answer.rows


def _names(key: ObjectKey) -> Iterator[str]:
    return (name for name in (key.cluster, key.api_group, key.resource, key.namespace, key.name) if name)


def can_ask(*names: str) -> bool:
    """Tell whether all of them can stand in a query: one that cannot must not keep the others from being asked."""
    try:
        return all(literal(name) for name in names) and bool(names)
    except InvalidTerm:
        return False
