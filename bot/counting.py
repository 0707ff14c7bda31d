"""How many events a question has in one workspace: what a watch asks every few minutes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from audit.counted import NotCounted, totals_of
from audit.filter import EventFilter, Window
from audit.kql import InvalidTerm
from audit.kql_chat import alert_query, events_asked
from bot.errors import Reason, Rejected, Unavailable
from bot.ports import AuditLog, Clock, Query, Workspace
from bot.reading import MARGIN
from bot.sources import Sources

#: How long one count may take, its wait for a place included.
DEADLINE = timedelta(seconds=30)


@dataclass(frozen=True, kw_only=True)
class Count:
    """What a workspace has of a question."""

    events: int
    #: The service's own words about why there may be more; "" where there is not.
    partial: str = ""


class Counting:
    """Counts events, and writes questions as alert rules do."""

    def __init__(
        self,
        *,
        log: AuditLog,
        workspaces: Sequence[Workspace],
        clock: Clock,
        deadline: timedelta = DEADLINE,
        sources: Sources | None = None,
    ) -> None:
        """`sources`: shared with others that ask the same workspaces."""
        self.workspaces = tuple(workspaces)
        self._log = log
        self._deadline = deadline
        self._sources = sources or Sources(log, clock)

    async def events(self, workspace: Workspace, wanted: EventFilter, *, is_aside: bool = False) -> Count:
        """Count the events, each once. `is_aside`: not while the workspace is busy with what somebody waits for.

        Raises OutsideError; Rejected(BAD_REQUEST) for words that cannot stand in a query.
        """
        tables = (await self._sources.of(workspace)).tables
        try:
            kql = events_asked(wanted, limit=1, tables=tables).totals
        except InvalidTerm as error:
            raise Rejected(Reason.BAD_REQUEST, str(error)) from error
        window = Window(start=wanted.window.start - MARGIN, end=wanted.window.end + MARGIN)
        answer = await self._log.ask(
            Query(
                workspace=workspace,
                kql=kql,
                window=window,
                deadline=self._deadline,
                is_aside=is_aside,
            )
        )
        try:
            return Count(events=totals_of(answer.rows).events, partial=answer.partial)
        except NotCounted as error:
            raise Unavailable(Reason.GARBAGE, f"the count cannot be read: {error}") from error

    async def rule(self, workspace: Workspace, wanted: EventFilter) -> str:
        """Return the question as an alert rule of that workspace has it. Raises Rejected(BAD_REQUEST) as above."""
        tables = (await self._sources.of(workspace)).tables
        try:
            return alert_query(wanted, tables=tables)
        except InvalidTerm as error:
            raise Rejected(Reason.BAD_REQUEST, str(error)) from error
