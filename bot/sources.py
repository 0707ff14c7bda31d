"""Which tables of a workspace hold audit events: found out, not configured."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from audit.evidence import Source
from audit.filter import Window
from audit.kql import LOG_TABLES, sources
from audit.kql_columns import Sources as Column
from audit.kql_shapes import TABLES
from audit.untyped import text
from bot.errors import OutsideError, Reason
from bot.ports import AuditLog, Clock, Query, Workspace

#: How long an answer serves. A table that is switched on is seen after that at the latest.
FRESH = timedelta(minutes=10)
#: A workspace that did not answer is asked again after that.
RETRY = timedelta(minutes=1)
#: What has no rows for that long is not logged any more.
SPAN = timedelta(hours=24)
DEADLINE = timedelta(seconds=6)


@dataclass(frozen=True, kw_only=True)
class Known:
    """What a workspace has rows of; `sources` is empty where it did not say."""

    at: datetime
    sources: tuple[Source, ...] = ()
    #: The tables to ask for audit events: those with rows, or all that there may be.
    tables: tuple[str, ...] = TABLES
    #: The tables that can be asked at all, whether or not they have had rows lately.
    askable: tuple[str, ...] = TABLES
    #: Tables on a Basic plan.
    basic: tuple[str, ...] = ()


class Sources:
    """Asks each workspace once in a while."""

    def __init__(self, log: AuditLog, clock: Clock) -> None:
        self._log = log
        self._clock = clock
        self._known: dict[str, Known] = {}
        self._asking: dict[str, asyncio.Lock] = {}

    async def of(self, workspace: Workspace) -> Known:
        """Return what the workspace has rows of. Never raises what is outside: then all tables are asked."""
        async with self._asking.setdefault(workspace.id, asyncio.Lock()):
            now = self._clock.now()
            known = self._known.get(workspace.id)
            if known is None or not timedelta(0) <= now - known.at < (FRESH if known.sources else RETRY):
                known = self._known[workspace.id] = await self._ask(workspace, now)
            return known

    def last(self, workspace: Workspace) -> Known:
        """Return what was last known, without asking: for those who cannot wait."""
        return self._known.get(workspace.id) or Known(at=self._clock.now())

    async def _ask(self, workspace: Workspace, now: datetime) -> Known:
        window = Window(start=now - SPAN, end=now)
        basic: tuple[str, ...] = ()
        try:
            found = await self._found(workspace, window, LOG_TABLES)
        except OutsideError as failure:
            if failure.reason is not Reason.BASIC_PLAN:
                return Known(at=now)
            found, basic = await self._one_by_one(workspace, window)
        tables = tuple(
            table for table in TABLES if any(is_audit(one) and one.table == table for one in found)
        )
        askable = tuple(table for table in TABLES if table not in basic)
        return Known(at=now, sources=found, tables=tables or askable, askable=askable, basic=basic)

    async def _found(self, workspace: Workspace, window: Window, tables: Sequence[str]) -> tuple[Source, ...]:
        kql = sources(window, tables=tables)
        answer = await self._log.ask(Query(workspace=workspace, kql=kql, window=window, deadline=DEADLINE))
        return tuple(
            Source(table=text(row.get(Column.TABLE)), category=text(row.get(Column.CATEGORY)))
            for row in answer.rows
        )

    async def _one_by_one(
        self, workspace: Workspace, window: Window
    ) -> tuple[tuple[Source, ...], tuple[str, ...]]:
        """Find out which tables are on a Basic plan: together with such a one no table can be asked."""
        found: list[Source] = []
        basic = []
        for table in LOG_TABLES:
            try:
                found += await self._found(workspace, window, [table])
            except OutsideError as failure:
                if failure.reason is Reason.BASIC_PLAN:
                    basic.append(table)
        return tuple(found), tuple(basic)


def is_audit(source: Source) -> bool:
    """Tell whether it holds audit events. Of AzureDiagnostics only two categories do."""
    return source.category.startswith("kube-audit") or (source.table in TABLES and not source.category)
