"""Which tables of a workspace hold audit events: found out, not configured."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

from audit.evidence import Source
from audit.filter import Window
from audit.kql import sources
from audit.kql_columns import Sources as Column
from audit.kql_shapes import TABLES
from audit.untyped import text
from bot.errors import OutsideError
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

    async def _ask(self, workspace: Workspace, now: datetime) -> Known:
        window = Window(start=now - SPAN, end=now)
        query = Query(workspace=workspace, kql=sources(window), window=window, deadline=DEADLINE)
        try:
            answer = await self._log.ask(query)
        except OutsideError:
            return Known(at=now)
        found = tuple(
            Source(table=text(row.get(Column.TABLE)), category=text(row.get(Column.CATEGORY)))
            for row in answer.rows
        )
        tables = tuple(
            table for table in TABLES if any(is_audit(one) and one.table == table for one in found)
        )
        return Known(at=now, sources=found, tables=tables or TABLES)


def is_audit(source: Source) -> bool:
    """Tell whether it holds audit events. Of AzureDiagnostics only two categories do."""
    return source.category.startswith("kube-audit") or (source.table in TABLES and not source.category)
