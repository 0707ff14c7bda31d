"""Where the engine's rows lie, and what of them a query may see: DuckDB's tables, and the views before them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import duckdb
import orjson

from audit.filter import Window
from sandbox.kusto import INGESTED
from sandbox.tables import ARRIVES, COMPUTED, DUCKDB_TYPES, TABLES, USAGE, Row

#: How long a row is on its way that does not say so: it is there when Azure, some 30 s after a window's end, evaluates.
ON_ITS_WAY: Final = timedelta(seconds=30)
_BATCH: Final = 1000
#: What is not a column of `_hours` already, as SQL.
_USAGE_COLUMNS: Final = {
    "TenantId": "''",
    "TimeGenerated": "StartTime",
    "EndTime": "StartTime + INTERVAL 1 HOUR",
    "Solution": "'LogManagement'",
    "QuantityUnit": "'MBytes'",
    "ResourceUri": "''",
    "SourceSystem": "'OMS'",
    "Type": f"'{USAGE}'",
}


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What a query sees: rows within `window` (None: all), of `resource` and what lies below it ("": of all)."""

    now: datetime
    window: Window | None = None
    resource: str = ""
    #: Tables that the workspace does not have.
    without: Collection[str] = ()
    #: It asks for ingestion_time(); else the column is not there, as Kusto's is not in anybody's `*`.
    ingestion_time: bool = False

    @property
    def schema(self) -> dict[str, list[str]]:
        """Table -> the columns that are there."""
        more = [INGESTED] if self.ingestion_time else []
        known = {**TABLES, **COMPUTED}
        return {table: [*columns, *more] for table, columns in known.items() if table not in self.without}


def create(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the empty tables, under names that no query has."""
    for table, columns in TABLES.items():
        kinds = {**columns, ARRIVES: "datetime"}
        declared = ", ".join(f'"{name}" {DUCKDB_TYPES[kind]}' for name, kind in kinds.items())
        connection.execute(f'CREATE TABLE "{_stored(table)}" ({declared})')


def views(scope: Scope, of: Collection[str]) -> Iterator[str]:
    """Write the views that a query reads instead of the tables `of`: in a transaction of its own, for it alone."""
    for table in scope.schema:
        if table not in of:
            continue
        if table == USAGE:
            yield _usage(scope)
            continue
        columns = ", ".join(f'"{name}"' for name in TABLES[table])
        seen = f"{columns}, {_ingestion_time(scope.now)}" if scope.ingestion_time else columns
        where = " AND ".join(_conditions(scope))
        yield f'CREATE TEMP VIEW "{table}" AS SELECT {seen} FROM memory.main."{_stored(table)}" WHERE {where}'  # noqa: S608  (our names and typed times)


def insert(cursor: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Row], now: datetime) -> None:
    """Add rows to a table; what a row lacks is filled."""
    # In time order, a time filter skips whole blocks.
    ordered = sorted((_arrived(row, now) for row in rows), key=lambda row: row["TimeGenerated"])
    for start in range(0, len(ordered), _BATCH):
        _insert(cursor, table, ordered[start : start + _BATCH])


def naive(moment: datetime) -> datetime:
    """Return the time as DuckDB keeps it: UTC without saying so."""
    return moment.astimezone(UTC).replace(tzinfo=None)


def _usage(scope: Scope) -> str:
    """Write the view of Usage: megabytes (10^6 bytes) by table and hour, of the rows that have arrived.

    The hour that is not over has a row already, which Azure writes when it is: a demo is over by then.
    """
    hours = " UNION ALL ".join(_hours(table, scope) for table in TABLES if table not in scope.without)
    columns = ", ".join(f'{_USAGE_COLUMNS.get(name, name)} AS "{name}"' for name in COMPUTED[USAGE])
    more = f', {_USAGE_COLUMNS["EndTime"]} AS "{INGESTED}"' if scope.ingestion_time else ""
    within = " AND ".join(_in_window(scope, "StartTime")) or "TRUE"
    return f'CREATE TEMP VIEW "{USAGE}" AS SELECT {columns}{more} FROM ({hours}) WHERE {within}'  # noqa: S608  (as above)


def _hours(table: str, scope: Scope) -> str:
    """Write what the rows of a table come to by the hour."""
    return (
        f'SELECT \'{table}\' AS "DataType", date_trunc(\'hour\', "TimeGenerated") AS "StartTime",'  # noqa: S608  (as above)
        ' lower("_IsBillable") = \'true\' AS "IsBillable", sum("_BilledSize") / 1e6 AS "Quantity"'
        f' FROM memory.main."{_stored(table)}" WHERE {" AND ".join(_visible(scope))} GROUP BY ALL'
    )


def _stored(table: str) -> str:
    return f"rows of {table}"


def _conditions(scope: Scope) -> Iterator[str]:
    yield from _visible(scope)
    yield from _in_window(scope, "TimeGenerated")


def _in_window(scope: Scope, column: str) -> Iterator[str]:
    if scope.window is not None:
        yield f'"{column}" BETWEEN {_literal(scope.window.start)} AND {_literal(scope.window.end)}'


def _visible(scope: Scope) -> Iterator[str]:
    yield f'("{ARRIVES}" IS NULL OR "{ARRIVES}" <= {_literal(scope.now)})'
    if scope.resource:
        resource = scope.resource.strip("/").lower().replace("'", "''")
        yield f"starts_with(lower(\"_ResourceId\") || '/', '/{resource}/')"


def _arrived(row: Row, now: datetime) -> Row:
    """Return the row; one that would be on its way still is seen at once, so it arrived now, whenever it is asked for."""
    on_its_way = row["TimeGenerated"] <= now < row["TimeGenerated"] + ON_ITS_WAY
    return {ARRIVES: now, **row} if on_its_way else row


def _ingestion_time(now: datetime) -> str:
    """Write the hidden column; a row that a query sees was ingested by then, however young it is."""
    usual = f'"TimeGenerated" + INTERVAL {ON_ITS_WAY.seconds} SECOND'
    usual = f'greatest("TimeGenerated", least({usual}, {_literal(now)}))'
    return f'coalesce("{ARRIVES}", {usual}) AS "{INGESTED}"'


def _literal(moment: datetime) -> str:
    return f"TIMESTAMP '{naive(moment).isoformat(' ')}'"


def _insert(cursor: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Row]) -> None:
    columns = {**TABLES[table], ARRIVES: "datetime"}
    empty = {name: "" if kind == "string" else None for name, kind in columns.items()}
    filled = [empty | _filled(table, row, columns) for row in rows]
    shape = [{name: DUCKDB_TYPES[kind] for name, kind in columns.items()}]
    cursor.execute(
        f'INSERT INTO "{_stored(table)}" BY NAME SELECT unnest(from_json(?, ?), recursive := true)',
        [orjson.dumps(filled).decode(), orjson.dumps(shape).decode()],
    )


def _filled(table: str, row: Row, columns: Collection[str]) -> dict[str, Any]:
    known = {name: _plain(value) for name, value in row.items() if name in columns and value is not None}
    size = sum(len(value) if isinstance(value, str) else len(orjson.dumps(value)) for value in known.values())
    return {"Type": table, "_BilledSize": float(size), "_IsBillable": "True"} | known


def _plain(value: Any) -> Any:
    return naive(value) if isinstance(value, datetime) else value
