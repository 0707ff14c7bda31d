"""Leases by the database's own clock: the one clock that all replicas share, whatever their machines think."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Double, FromClause, literal, or_
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from bot.store.tables import UtcTime

#: How long a claimed row stays its claimer's without being renewed; another one takes it over after that.
#: Somebody is sought for what a dead replica held once a second, so it is taken over well within 30 s.
LEASE = timedelta(seconds=25)


class DatabaseTime(FunctionElement[datetime]):
    """The database's present, `ahead` seconds later."""

    type = UtcTime()
    inherit_cache = True

    def __init__(self, ahead: float = 0.0) -> None:
        super().__init__(literal(ahead, Double))


@compiles(DatabaseTime, "postgresql")
def _on_postgresql(element: DatabaseTime, compiler: SQLCompiler, **options: Any) -> str:
    # Not now(): that is when the transaction began, which may have waited for a lock since.
    return f"(clock_timestamp() + make_interval(secs => {compiler.process(element.clauses, **options)}))"


@compiles(DatabaseTime, "sqlite")
def _on_sqlite(element: DatabaseTime, compiler: SQLCompiler, **options: Any) -> str:
    ahead = compiler.process(element.clauses, **options)
    return f"strftime('%Y-%m-%d %H:%M:%f', 'now', {ahead} || ' seconds')"


def lease_end(lease: timedelta) -> ColumnElement[datetime]:
    """Return when a lease that begins now ends."""
    return DatabaseTime(lease.total_seconds())


def nobody_holds(table: FromClause) -> ColumnElement[bool]:
    """Tell whether the row is free, or was held by somebody whose lease has ended."""
    return or_(table.c.owner.is_(None), table.c.lease_until <= DatabaseTime())
