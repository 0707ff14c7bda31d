"""What of KQL may reach the engine: our tables only, and nothing that grows beyond bounds."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterator
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, Final

from duckdb_kql import KqlError, ir
from duckdb_kql.lower import lower

#: Kusto's own bound: https://learn.microsoft.com/kusto/query/strrep-function.
_MOST_REPEATS: Final = 1024


class Refused(Exception):
    """The query is not run. `table` is the name that is unknown, or "" for another reason."""

    def __init__(self, reason: str, table: str = "") -> None:
        super().__init__(reason)
        self.table = table


def check(kql: str, tables: Collection[str], check_range: Callable[[ir.RangeSource], None]) -> None:
    """Refuse what would reach beyond `tables`; `check_range` judges each `range` and raises Refused.

    Names are compared as Kusto does, by case, where DuckDB would fold it. Raises Refused, and what
    duckdb_kql raises for a query that it cannot read (which every dot-command is here).
    """
    parts = _parts(kql)
    known = {*tables, *(name for part in parts if isinstance(part, ir.Query) for name, _ in part.lets)}
    tolerated = {id(source) for part in parts if isinstance(part, ir.Query) for source in _fuzzy(part)}
    for part in parts:
        match part:
            case ir.TableRef():
                _check_table(part, known, missing_is_fine=id(part) in tolerated)
            case ir.WildcardTableRef() if part.database is not None:
                raise Refused("database() is not supported in Azure Monitor")
            case ir.RangeSource():
                _check_bounds(part)
                check_range(part)
            case ir.FunctionCall():
                _check_call(part)


def calls(kql: str, name: str) -> bool:
    """Whether the query calls the function anywhere. Raises what duckdb_kql raises for a query it cannot read."""
    return name in kql and any(
        isinstance(part, ir.FunctionCall) and part.name == name for part in _parts(kql)
    )


def tables_read(kql: str, tables: Collection[str]) -> frozenset[str]:
    """Return which of the tables the query reads; none where it cannot be read."""
    try:
        parts = _parts(kql)
    except (KqlError, RecursionError):
        return frozenset()
    named = {part.name for part in parts if isinstance(part, ir.TableRef)}
    patterns = [part.pattern for part in parts if isinstance(part, ir.WildcardTableRef)]
    return frozenset(t for t in tables if t in named or any(fnmatchcase(t, p) for p in patterns))


@lru_cache(maxsize=256)
def parsed(kql: str) -> ir.Query:
    """Read a query once, however often it is looked at: reading takes longer than running it on few rows."""
    return lower(kql)


@lru_cache(maxsize=256)
def _parts(kql: str) -> tuple[Any, ...]:
    """Return all that a query is made of, outer before inner; what a `let` put in many places once."""
    return tuple({id(part): part for part in _walk(parsed(kql))}.values())


def _walk(part: Any) -> Iterator[Any]:
    """Go through all that a query is made of, outer before inner."""
    if isinstance(part, list | tuple):
        for item in part:
            yield from _walk(item)
    elif dataclasses.is_dataclass(part):
        yield part
        for field in dataclasses.fields(part):
            yield from _walk(getattr(part, field.name))


def _fuzzy(query: ir.Query) -> Iterator[ir.Source]:
    """Give the sources that `union isfuzzy=true` allows to be missing: the translator leaves those out."""
    first = next((stage for stage in query.operators if isinstance(stage, ir.Union)), None)
    if first is not None and first.isfuzzy:
        yield query.source
        yield from (branch.source for branch in first.branches)


def _check_table(table: ir.TableRef, known: Collection[str], *, missing_is_fine: bool) -> None:
    if table.database is not None or table.cluster is not None:
        raise Refused("cluster() and database() are not supported in Azure Monitor")
    if table.name not in known and not missing_is_fine:
        raise Refused(f"Failed to resolve table or column expression named '{table.name}'", table.name)


def _check_bounds(source: ir.RangeSource) -> None:
    for part in _walk((source.start, source.stop, source.step)):
        if isinstance(part, ir.Query | ir.ToScalar | ir.ColumnRef):
            raise Refused("range: the bounds must be constants")


def _check_call(call: ir.FunctionCall) -> None:
    if call.name.lower() != "strrep":
        return
    times = call.args[1] if len(call.args) > 1 else None
    if not isinstance(times, ir.Literal) or not isinstance(times.value, int) or times.value > _MOST_REPEATS:
        raise Refused(f"strrep(): the multiplier must be a constant up to {_MOST_REPEATS}")
