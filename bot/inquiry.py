"""Asking the workspaces what really happened, within what may be asked."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from audit.alert import Alert, Criterion
from audit.distinct import distinct
from audit.event import AuditEvent, Unreadable, parse_event
from audit.evidence import SETTLED_AFTER, Arriving, Evidence, Missing, Since
from audit.filter import Window
from audit.kql import (
    MAX_IDS,
    ContextQueries,
    EvidenceQueries,
    InvalidTerm,
    clusters,
    context,
    events_behind,
    events_by_id,
    evidence_queries,
    what_else,
)
from audit.kql_columns import Clusters
from audit.kql_guard import RefusedQuery
from audit.untyped import text
from bot import summary
from bot.asides import Asides, Beside, can_ask
from bot.errors import OutsideError, Reason
from bot.ports import AuditLog, Clock, Workspace
from bot.reading import READ_LIMIT, Build, Part, Reading, together
from bot.scope import LONGEST_WINDOW, clamped, why_not_asked, workspace_for
from bot.sources import Known, Sources

#: How long one question may take, its wait for a place included. A look asks up to three in turn, see LEASE.
DEADLINE = timedelta(seconds=30)

_MISSING = {
    Reason.TIMED_OUT: Missing.TIMED_OUT,
    Reason.THROTTLED: Missing.THROTTLED,
    Reason.FORBIDDEN: Missing.FORBIDDEN,
    Reason.NOT_FOUND: Missing.WRONG_WORKSPACE,
    Reason.BAD_REQUEST: Missing.BAD_QUERY,
    Reason.BASIC_PLAN: Missing.BASIC_PLAN,
    Reason.NO_TABLE: Missing.NO_TABLE,
    Reason.GARBAGE: Missing.GARBAGE,
    Reason.TOO_LARGE: Missing.TOO_LARGE,
}


def missing_for(reason: Reason) -> Missing:
    """Say in the card's words why an outside failure left us without evidence."""
    return _MISSING.get(reason, Missing.UNAVAILABLE)


@dataclass(frozen=True, kw_only=True)
class RawEvents:
    """Whole events, asked for again."""

    events: Sequence[AuditEvent] = ()
    #: Rows that could not be read.
    unreadable: int = 0
    #: The workspace said that its answer is incomplete.
    is_partial: bool = False


def raw_events(rows: Sequence[Mapping[str, Any]], ids: Sequence[str]) -> RawEvents:
    """Read rows of events_by_id, each event once, in the order of these ids. Slow: not for an event loop.

    Another event may share an id of a client's choosing; that comes last.
    """
    parsed = [parse_event(row) for row in rows]
    found = distinct(event for event in parsed if isinstance(event, AuditEvent))
    place = {audit_id: n for n, audit_id in enumerate(ids)}
    return RawEvents(
        events=sorted(found, key=lambda event: (place.get(event.audit_id, len(ids)), event.time)),
        unreadable=sum(isinstance(each, Unreadable) for each in parsed),
    )


class Inquiry:
    """Questions to the workspaces, and their answers as evidence."""

    def __init__(
        self,
        *,
        log: AuditLog,
        workspaces: Sequence[Workspace],
        clock: Clock,
        deadline: timedelta = DEADLINE,
        sources: Sources | None = None,
    ) -> None:
        """`sources` may be shared with those who ask the same workspaces."""
        self._log = log
        self._workspaces = workspaces
        self._clock = clock
        self._deadline = deadline
        self._sources = sources or Sources(log, clock)

    async def behind(self, alert: Alert, cluster: str = "") -> Evidence:
        """Return the evidence of exactly the alert's window, or why there is none. Outside failures never raise.

        `cluster` (a resource id) narrows it to one of the workspace's clusters; a rule that is about one cluster is
        narrowed to that, as Azure runs it in the cluster's own scope. Of a window longer than LONGEST_WINDOW the end is
        asked, which `window` and `detail` then say.
        """
        cluster = cluster or _scope(alert)
        now = self._clock.now()
        workspace = workspace_for(alert, self._workspaces)
        missing = why_not_asked(alert, now) or (None if workspace else Missing.NO_WORKSPACE)
        if missing or workspace is None or alert.window is None:
            return Evidence(asked_at=now, window=alert.window, missing=missing)
        window, note = clamped(alert.window, alert.origin)
        blank = Evidence(
            asked_at=now,
            window=window,
            workspace=workspace.name,
            detail=note,
            counted=alert.counted,
            arriving=_arriving(window, now),
        )
        criteria = alert.criteria
        try:
            for each in criteria:
                evidence_queries(each, window, limit=READ_LIMIT, cluster=cluster)
            around = context(criteria[0], window, cluster=cluster)
            # Known before it is asked: where the answer does not come, people can ask the same in the portal.
            asked = events_behind(criteria[0], window, limit=READ_LIMIT, cluster=cluster)
            blank = replace(blank, kql=asked.rows)
        except (RefusedQuery, InvalidTerm) as refused:
            return _without(blank, Missing.REFUSED_QUERY, str(refused))
        known = await self._sources.of(workspace)
        builds = [_build(each, window, alert.fired_at, cluster) for each in criteria]
        reading = self._reading(workspace, window)
        try:
            parts = await together([reading.part(build) for build in builds])
        except OutsideError as failure:
            return _without(blank, missing_for(failure.reason), failure.detail)
        beside = Beside(
            log=self._log, workspace=workspace, tables=known.tables, window=window, cluster=cluster
        )
        return await _evidence(blank, parts, known, beside, around)

    async def clusters(self, alert: Alert) -> tuple[str, ...]:
        """Return whose rows the alert's window has (resource ids, lower case); empty where that cannot be said."""
        workspace = workspace_for(alert, self._workspaces)
        if workspace is None or alert.window is None or why_not_asked(alert, self._clock.now()):
            return ()
        window, _ = clamped(alert.window, alert.origin)
        reading = self._reading(workspace, window)
        try:
            queries = [kql for each in alert.criteria if (kql := clusters(each, window))]
            answers = await together([reading.ask(kql) for kql in queries])
        except (OutsideError, RefusedQuery, InvalidTerm):
            return ()
        found = (text(row.get(Clusters.CLUSTER)) for answer in answers for row in answer.rows)
        return tuple(dict.fromkeys(cluster for cluster in found if cluster))

    async def since(self, alert: Alert, known: Evidence, cluster: str = "") -> Since | None:
        """Return what went on after the window of `known`, up to now or LONGEST_WINDOW at most.

        None where that cannot be said: nothing is known, the window is not over, the workspace did not answer, or
        not with all it has.
        """
        cluster = cluster or _scope(alert)
        now = self._clock.now()
        workspace = workspace_for(alert, self._workspaces)
        if known.missing or known.window is None or workspace is None or now <= known.window.end:
            return None
        # The window's own end belongs to the window: what comes after begins a microsecond later.
        start = known.window.end + timedelta(microseconds=1)
        later = Window(start=start, end=min(now, start + LONGEST_WINDOW))
        reading = self._reading(workspace, later)
        builds = [_build(each, later, None, cluster) for each in alert.criteria]
        try:
            parts = await together([reading.part(build, with_rest=False) for build in builds])
        except (OutsideError, RefusedQuery, InvalidTerm):
            return None
        return None if any(part.partial for part in parts) else summary.since(parts, later.end, known)

    async def what_else(self, alert: Alert, user: str, window: Window) -> Evidence:
        """Return all that one user did in the window, in every cluster of the alert's workspace.

        Raises OutsideError and InvalidTerm.
        """
        workspace = workspace_for(alert, self._workspaces)
        blank = Evidence(asked_at=self._clock.now(), window=window)
        if workspace is None:
            return replace(blank, missing=Missing.NO_WORKSPACE)
        known = await self._sources.of(workspace)

        def build(limit: int) -> EvidenceQueries:
            made = what_else(user, window, tables=known.tables, limit=limit)
            return EvidenceQueries(is_events=True, rows=made.rows, totals=made.totals, groups=made.groups)

        part = await self._reading(workspace, window).part(build)
        return await _evidence(
            replace(blank, workspace=workspace.name, kql=build(READ_LIMIT).rows), [part], known
        )

    async def raw(self, alert: Alert, evidence: Evidence) -> RawEvents:
        """Ask again for the very events that the evidence shows, in the card's order, MAX_IDS of them at most.

        An id is the client's own text where it sent an Audit-ID header: what cannot stand in a query is left out.
        Raises Unavailable or Rejected.
        """
        shown = dict.fromkeys(e.audit_id for g in evidence.groups for e in g.events if can_ask(e.audit_id))
        ids = list(shown)[:MAX_IDS]
        workspace = workspace_for(alert, self._workspaces)
        if not ids or workspace is None or evidence.window is None:
            return RawEvents()
        kql = events_by_id(ids, evidence.window, tables=self._sources.last(workspace).askable)
        answer = await self._reading(workspace, evidence.window).ask(kql)
        found = await asyncio.to_thread(raw_events, answer.rows, ids)
        return replace(found, is_partial=bool(answer.partial))

    def _reading(self, workspace: Workspace, window: Window) -> Reading:
        return Reading(log=self._log, workspace=workspace, window=window, deadline=self._deadline)


async def _evidence(
    blank: Evidence,
    parts: Sequence[Part],
    known: Known | None = None,
    beside: Beside | None = None,
    around: ContextQueries | None = None,
) -> Evidence:
    found = await asyncio.to_thread(summary.gathered, parts)
    asides = await beside.of(found.events, around) if beside else Asides()
    return await asyncio.to_thread(summary.filled, blank, parts, found, asides, known)


def _build(criterion: Criterion, window: Window, fired_at: datetime | None, cluster: str) -> Build:
    """Return what makes the queries for a number of rows; it raises RefusedQuery and InvalidTerm.

    The tables are those of the alert's own query, whether or not the workspace has rows of them lately.
    """

    def build(limit: int) -> EvidenceQueries:
        return evidence_queries(criterion, window, limit=limit, late_after=fired_at, cluster=cluster)

    return build


def _scope(alert: Alert) -> str:
    """Return the one cluster that the alert names; "" where it names none or several."""
    clusters = {target.lower() for target in alert.targets if "/managedclusters/" in target.lower()}
    return clusters.pop() if len(clusters) == 1 else ""


def _arriving(window: Window, now: datetime) -> Arriving:
    return Arriving.STILL if now < window.end + SETTLED_AFTER else Arriving.SETTLED


def _without(blank: Evidence, missing: Missing, detail: str) -> Evidence:
    return replace(blank, missing=missing, detail=summary.joined(blank.detail, detail))
