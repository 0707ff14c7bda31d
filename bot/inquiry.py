"""Asking the workspaces what really happened, within what may be asked."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar

from audit.alert import Alert
from audit.event import AuditEvent, Unreadable, parse_event
from audit.evidence import Evidence, Missing, Since
from audit.filter import EventFilter, Window
from audit.grouping import distinct
from audit.kql import (
    MAX_IDS,
    TOTAL,
    AlertQueries,
    InvalidTerm,
    events_behind,
    events_by_id,
    events_matching,
    literal,
)
from audit.kql_guard import RefusedQuery
from bot import summary
from bot.errors import OutsideError, Reason, Unavailable
from bot.ports import Answer, AuditLog, Clock, Query, Workspace
from bot.scope import LONGEST_WINDOW, clamped, why_not_asked, workspace_for

#: Rows read of one window; the true count is asked for separately.
READ_LIMIT = 200
#: The API's timespan is wider than the window by this much, so that only the query itself decides at the edges.
MARGIN = timedelta(minutes=1)
#: How long one question may take, its wait for a place included. A look asks up to two in turn, see LEASE.
DEADLINE = timedelta(seconds=30)

_MISSING = {
    Reason.TIMED_OUT: Missing.TIMED_OUT,
    Reason.THROTTLED: Missing.THROTTLED,
    Reason.FORBIDDEN: Missing.FORBIDDEN,
    Reason.NOT_FOUND: Missing.FORBIDDEN,
    Reason.BAD_REQUEST: Missing.BAD_QUERY,
    Reason.GARBAGE: Missing.GARBAGE,
    Reason.TOO_LARGE: Missing.TOO_LARGE,
}

Result = TypeVar("Result")


def missing_for(reason: Reason) -> Missing:
    """Say in the card's words why an outside failure left us without evidence."""
    return _MISSING.get(reason, Missing.UNAVAILABLE)


class Inquiry:
    """Questions to the workspaces, and their answers as evidence."""

    def __init__(
        self, *, log: AuditLog, workspaces: Sequence[Workspace], clock: Clock, deadline: timedelta = DEADLINE
    ) -> None:
        self._log = log
        self._workspaces = workspaces
        self._clock = clock
        self._deadline = deadline

    async def behind(self, alert: Alert) -> Evidence:
        """Return the evidence of exactly the alert's window, or why there is none. Outside failures never raise.

        Of a window longer than LONGEST_WINDOW the end is asked, which `window` and `detail` then say.
        """
        now = self._clock.now()
        workspace = workspace_for(alert, self._workspaces)
        missing = why_not_asked(alert, now) or (None if workspace else Missing.NO_WORKSPACE)
        if missing or workspace is None or alert.window is None:
            return Evidence(asked_at=now, window=alert.window, missing=missing)
        window, note = clamped(alert.window)
        blank = Evidence(asked_at=now, window=window, workspace=workspace.name, detail=note)
        try:
            queries = _alert_queries(alert, window)
        except (RefusedQuery, InvalidTerm) as refused:
            return _without(blank, Missing.REFUSED_QUERY, str(refused))
        # Known before it is asked: where the answer does not come, people can ask the same in the portal.
        blank = replace(blank, kql=queries[0].rows)
        try:
            parts = await _together([self._read(workspace, each, window) for each in queries])
        except OutsideError as failure:
            return _without(blank, missing_for(failure.reason), failure.detail)
        if summary.are_no_events(parts):
            return _without(blank, Missing.NOT_EVENTS, "")
        return await asyncio.to_thread(summary.filled, blank, parts)

    async def since(self, alert: Alert, known: Evidence) -> Since | None:
        """Return what went on after the window of `known`, up to now or LONGEST_WINDOW at most.

        None where that cannot be said: nothing is known, the window is not over, the workspace did not answer, or
        not with all it has.
        """
        now = self._clock.now()
        workspace = workspace_for(alert, self._workspaces)
        if known.missing or known.window is None or workspace is None or now <= known.window.end:
            return None
        # The window's own end belongs to the window: what comes after begins a microsecond later.
        start = known.window.end + timedelta(microseconds=1)
        later = Window(start=start, end=min(now, start + LONGEST_WINDOW))
        try:
            queries = _alert_queries(alert, later)
            parts = await _together([self._read(workspace, each, later) for each in queries])
        except (OutsideError, RefusedQuery, InvalidTerm):
            return None
        return None if any(part.partial for part in parts) else summary.since(parts, later.end, known)

    async def matching(self, wanted: EventFilter) -> Evidence:
        """Answer a chat question from every workspace; one that fails is named beside the others' answers.

        Raises OutsideError when none answered, and InvalidTerm.
        """
        queries = events_matching(wanted, limit=READ_LIMIT)
        asked = [self._read(w, queries, wanted.window) for w in self._workspaces]
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
        parts, failures, answered = [], [], []
        for workspace, outcome in zip(self._workspaces, outcomes, strict=True):
            if isinstance(outcome, summary.Rows):
                parts.append(summary.with_repeats(outcome))
                answered.append(workspace.name)
            elif isinstance(outcome, OutsideError):
                failures.append((workspace.name, outcome))
            else:
                raise outcome
        if failures and not parts:
            raise failures[0][1]
        blank = Evidence(
            asked_at=self._clock.now(),
            window=wanted.window,
            workspace=", ".join(answered),
            kql=queries.rows,
        )
        evidence = await asyncio.to_thread(summary.filled, blank, parts)
        if not failures:
            return evidence
        names = ", ".join(f"{name} ({failure.reason})" for name, failure in failures)
        return replace(
            evidence, partial=True, detail=summary.joined(f"Not answered: {names}.", evidence.detail)
        )

    async def raw(self, alert: Alert, evidence: Evidence) -> Sequence[AuditEvent]:
        """Ask again for the very events that the evidence shows, in the card's order, MAX_IDS of them at most.

        An id is the client's own text where it sent an Audit-ID header: what cannot stand in a query is left out.
        Raises Unavailable or Rejected.
        """
        shown = dict.fromkeys(e.audit_id for g in evidence.groups for e in g.events if _can_ask(e.audit_id))
        ids = list(shown)[:MAX_IDS]
        workspace = workspace_for(alert, self._workspaces)
        if not ids or workspace is None or evidence.window is None:
            return ()
        kql = events_by_id(ids, evidence.window)
        answer = await self._log.ask(self._query(workspace, kql, evidence.window))
        parsed = (parse_event(row) for row in answer.rows)
        found = distinct(e for e in parsed if isinstance(e, AuditEvent))
        # Another event may share an id of a client's choosing; it comes last.
        place = {audit_id: n for n, audit_id in enumerate(ids)}
        return sorted(found, key=lambda e: (place.get(e.audit_id, len(ids)), e.time))

    def _query(self, workspace: Workspace, kql: str, window: Window) -> Query:
        wide = Window(start=window.start - MARGIN, end=window.end + MARGIN)
        return Query(workspace=workspace, kql=kql, window=wide, deadline=self._deadline)

    async def _read(self, workspace: Workspace, queries: AlertQueries, window: Window) -> summary.Rows:
        """Ask for the rows and for their true count side by side."""
        rows, count = await _together(
            [self._log.ask(self._query(workspace, kql, window)) for kql in (queries.rows, queries.count)]
        )
        parsed = [parse_event(row) for row in rows.rows]
        return summary.Rows(
            events=[event for event in parsed if isinstance(event, AuditEvent)],
            unreadable=[event for event in parsed if isinstance(event, Unreadable)],
            counted=_total(count),
            partial=rows.partial or count.partial,
        )


async def _together(work: Sequence[Coroutine[Any, Any, Result]]) -> list[Result]:
    """Do all at once, as asyncio.gather does; but a failure ends the others, which hold places at the workspace."""
    try:
        async with asyncio.TaskGroup() as together:
            tasks = [together.create_task(each) for each in work]
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return [task.result() for task in tasks]


def _alert_queries(alert: Alert, window: Window) -> list[AlertQueries]:
    return [events_behind(criterion, window, limit=READ_LIMIT) for criterion in alert.criteria]


def _total(count: Answer) -> int:
    """Return the workspace's own count; no rows at all is how a workspace without data answers.

    Raises Unavailable for anything else than a number: what stood in its place would pass for an exact one.
    """
    total = count.rows[0].get(TOTAL) if count.rows else 0
    if not isinstance(total, int) or isinstance(total, bool) or total < 0:
        raise Unavailable(Reason.GARBAGE, "the count is not a number")
    return total


def _without(blank: Evidence, missing: Missing, detail: str) -> Evidence:
    return replace(blank, missing=missing, detail=summary.joined(blank.detail, detail))


def _can_ask(audit_id: str) -> bool:
    with suppress(InvalidTerm):
        return bool(literal(audit_id))
    return False
