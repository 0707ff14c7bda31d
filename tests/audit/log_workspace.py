"""Tables of a workspace in DuckDB, to run our queries on rows: what the queries mean, not only how they read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import duckdb
import duckdb_kql

from sandbox.kusto import INGESTED, register
from sandbox.moments import put_back, taken_out

TYPED_COLUMNS = {
    "TimeGenerated": "TIMESTAMP",
    "RequestReceivedTime": "TIMESTAMP",
    "StageReceivedTime": "TIMESTAMP",
    "User": "JSON",
    "SourceIps": "JSON",
    "ObjectRef": "JSON",
    "ResponseStatus": "JSON",
    "RequestObject": "JSON",
    "ResponseObject": "JSON",
    "Annotations": "JSON",
} | dict.fromkeys(
    ("AuditId", "Stage", "Level", "Verb", "RequestUri", "UserAgent", "PodName", "_ResourceId", "Type"),
    "VARCHAR",
)
_BILLED = {"_BilledSize": "DOUBLE", "_IsBillable": "VARCHAR"}
COLUMNS: Mapping[str, Mapping[str, str]] = {
    "AzureDiagnostics": {"TimeGenerated": "TIMESTAMP"}
    | dict.fromkeys(
        ("log_s", "pod_s", "Category", "_ResourceId", "ResourceId", "Resource", "Type", "Level"), "VARCHAR"
    )
    | _BILLED,
    "AKSAudit": TYPED_COLUMNS | _BILLED,
    "AKSAuditAdmin": TYPED_COLUMNS | _BILLED,
    "AKSControlPlane": {"TimeGenerated": "TIMESTAMP"}
    | dict.fromkeys(("Category", "Message", "_ResourceId"), "VARCHAR")
    | _BILLED,
    "Usage": {
        "TimeGenerated": "TIMESTAMP",
        "DataType": "VARCHAR",
        "Quantity": "DOUBLE",
        "IsBillable": "BOOLEAN",
    },
}


class LogWorkspace:
    """The tables, empty at first. `run` answers a query as a list of rows by column name.

    A row's `Ingested` is what `ingestion_time()` says of it.
    """

    def __init__(self) -> None:
        register()
        self._db = duckdb.connect(":memory:")
        self._db.execute("SET TimeZone='UTC'")
        for table, columns in COLUMNS.items():
            kinds = {**columns, INGESTED: "TIMESTAMP"}
            declared = ", ".join(f'"{name}" {type_}' for name, type_ in kinds.items())
            self._db.execute(f'CREATE TABLE "{table}" ({declared})')

    def add(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert rows; columns that a row does not have are empty, those the table does not have are left out."""
        columns = COLUMNS[table]
        for row in rows:
            values = [_stored(row.get(name), type_) for name, type_ in columns.items()]
            values.append(_stored(row.get("Ingested"), "TIMESTAMP"))
            self._db.execute(f'INSERT INTO "{table}" VALUES ({", ".join("?" * len(values))})', values)

    def run(self, kql: str) -> list[dict[str, Any]]:
        answer = self._db.execute(_translated(kql))
        names = [column[0] for column in answer.description or ()]
        rows = [dict(zip(names, row, strict=True)) for row in answer.fetchall()]
        return [{name: row[name] for name in names if not name.startswith(INGESTED)} for row in rows]


def _translated(kql: str) -> str:
    """Translate a query once, also where it is asked of another window: that takes longer than running it."""
    plain, times = taken_out(kql)
    sql = put_back(_sql(plain), times)
    return _sql(kql) if sql is None else sql


@lru_cache(maxsize=256)
def _sql(kql: str) -> str:
    schema = {table: [*columns, INGESTED] for table, columns in COLUMNS.items()}
    return str(duckdb_kql.to_sql(kql, schema=schema, allow_write=False))


def _stored(value: object, type_: str) -> object:
    if type_ == "VARCHAR":
        return "" if value is None else value
    if type_ == "JSON":
        return json.dumps(value)
    return datetime.fromisoformat(value).replace(tzinfo=None) if isinstance(value, str) else value
