"""Workspaces that run the very queries that they are asked, on rows in DuckDB."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from audit.kql import DIAGNOSTICS
from bot.errors import OutsideError
from bot.ports import Answer, Query
from tests.audit.log_workspace import LogWorkspace
from tests.bot.workspace import Row

#: (table, row as JSON), of one workspace.
_Rows = tuple[tuple[str, str], ...]


@dataclass
class RealLog:
    """bot.ports.AuditLog over rows by workspace; `failing` raises for queries as it likes."""

    rows: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    asked: list[Query] = field(default_factory=list)
    failing: Callable[[Query], OutsideError | None] = lambda _query: None

    def add(self, workspace: str, *rows: Row, table: str = DIAGNOSTICS, **more: Any) -> None:
        """Put rows into a table of a workspace; `more` are columns of all of them."""
        columns: Mapping[str, Any] = {"Type": table, "Category": "kube-audit"} | more
        # As Azure writes it: in capitals.
        whole = [{"ResourceId": str(row["_ResourceId"]).upper(), **columns, **row} for row in rows]
        self.rows.setdefault(workspace, []).extend((table, json.dumps(row)) for row in whole)

    async def ask(self, query: Query) -> Answer:
        self.asked.append(query)
        if failure := self.failing(query):
            raise failure
        rows = tuple(self.rows.get(query.workspace.name, ()))
        return Answer(rows=[_wire(row) for row in _found(rows, query.kql)])


@lru_cache(maxsize=512)
def _found(rows: _Rows, kql: str) -> Sequence[Mapping[str, Any]]:
    """Run a query once: tests ask much the same of the same rows, and clocks stand still."""
    return tuple(_workspace(rows).run(kql))


@lru_cache(maxsize=16)
def _workspace(rows: _Rows) -> LogWorkspace:
    workspace = LogWorkspace()
    for table, row in rows:
        workspace.add(table, [json.loads(row)])
    return workspace


def _wire(row: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        name: f"{value.isoformat()}Z" if isinstance(value, datetime) else value for name, value in row.items()
    }


def of(queries: Sequence[Query], workspace: str) -> list[str]:
    """Return the texts of what one workspace was asked."""
    return [query.kql for query in queries if query.workspace.name == workspace]
