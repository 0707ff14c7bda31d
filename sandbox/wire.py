"""The bodies that Log Analytics' query API answers with.

Shapes: https://learn.microsoft.com/azure/azure-monitor/logs/api/response-format and …/api/errors.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import orjson

from sandbox.engine import Column, Result

_TOO_LARGE: Final = "Query result set has exceeded the internal data size limit"


class Failure(Exception):
    """An answer that is an error. `inner` lists (code, message) from the outermost innererror inwards."""

    def __init__(self, status: int, code: str, message: str, inner: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.inner = tuple(inner)
        self.headers: dict[str, str] = {}

    def body(self) -> dict[str, Any]:
        """Write the body, with a fresh correlation id."""
        error: dict[str, Any] = {
            "message": str(self),
            "code": self.code,
            "correlationId": str(uuid.uuid4()),
        }
        level = error
        for code, message in self.inner:
            level["innererror"] = {"code": code, "message": message}
            level = level["innererror"]
        return {"error": error}


def bad_request(kind: str, message: str, *inner: tuple[str, str]) -> Failure:
    """Make the 400 of a request or query that cannot be run; `kind` is such as SemanticError."""
    outer = "The request had some invalid properties"
    return Failure(400, "BadArgumentError", outer, [(kind, message), *inner])


def not_found() -> Failure:
    """Make the answer for a path, or a workspace, that is not there."""
    return Failure(404, "PathNotFoundError", "The requested path does not exist")


def on_basic_plan() -> Failure:
    """Make the answer for a query of a table on a Basic plan; words as in https://github.com/grafana/grafana/issues/89818."""
    api = "https://api.loganalytics.io/v1/workspaces/{workspaceId}"
    words = (
        f"Query of Basic Logs table is not supported with the API '{api}/query'.\n"
        f"You can use '{api}/search' instead.\n"
        "To learn more on queries on Basic Logs table, read here: https://aka.ms/basicLogsQueryAPI."
    )
    return bad_request("UnsupportedApiQueryValidationError", words)


def timed_out() -> Failure:
    """Make the answer for a query that took longer than it may."""
    return Failure(504, "GatewayTimeout", "Gateway timeout", [("GatewayTimeout", "ADX query timed out")])


@dataclass(frozen=True, kw_only=True)
class Encoded:
    """A table as JSON. `why_cut` is the service's words on a limit that cut rows off, or ""."""

    columns: bytes
    rows: Sequence[bytes]
    why_cut: str

    @property
    def size(self) -> int:
        """How many bytes the rows are."""
        return sum(map(len, self.rows))

    def half(self) -> Encoded:
        """Cut the second half of the rows off, as a limit would."""
        return replace(self, rows=self.rows[: len(self.rows) // 2], why_cut=f"{_TOO_LARGE} {self.size // 2}")

    def body(self, more: Mapping[str, Any]) -> bytes:
        """Write the whole body with `more` keys beside the tables."""
        beside = dict(more)
        if self.why_cut:
            beside["error"] = _partial_error(self.why_cut)
        table = b'{"name":"PrimaryResult","columns":%b,"rows":[%b]}' % (self.columns, b",".join(self.rows))
        rest = b"".join(b",%b:%b" % (orjson.dumps(key), orjson.dumps(value)) for key, value in beside.items())
        return b'{"tables":[%b]%b}' % (table, rest)


def encode(result: Result, most_bytes: int) -> Encoded:
    """Encode up to `most_bytes` of rows; slow for many, so not for the event loop's thread."""
    rows: list[bytes] = []
    size = 0
    why = "Query result set has exceeded the internal record count limit" if result.cut else ""
    for row in result.rows:
        encoded = orjson.dumps(
            [_value(value, column) for value, column in zip(row, result.columns, strict=True)]
        )
        size += len(encoded) + 1
        if size > most_bytes:
            why = f"{_TOO_LARGE} {most_bytes}"
            break
        rows.append(encoded)
    columns = [{"name": column.name, "type": column.type} for column in result.columns]
    return Encoded(columns=orjson.dumps(columns), rows=rows, why_cut=why)


def statistics(seconds: float, rows: int, size: int) -> dict[str, Any]:
    """Write what `Prefer: include-statistics=true` asks for."""
    usage = {
        "cache": {},
        "cpu": {"totalCpu": _timespan(timedelta(seconds=seconds))},
        "memory": {},
        "network": {},
    }
    return {
        "query": {
            "executionTime": seconds,
            "resourceUsage": usage,
            "inputDatasetStatistics": {},
            "datasetStatistics": [{"tableRowCount": rows, "tableSize": size}],
        }
    }


def render(kql: str) -> dict[str, Any]:
    """Write what `Prefer: include-render=true` asks for. The stand-in draws nothing: a table, always."""
    asked = kql.rpartition("|")[2].split()
    named = asked[1] if asked[:1] == ["render"] and len(asked) > 1 else "table"
    return {"visualization": named, "title": None, "accumulate": False, "isQuerySorted": False, "kind": None}


def _partial_error(why: str) -> dict[str, Any]:
    detail = {
        "code": "EngineError",
        "message": "Something went wrong processing your query on the server.",
        "innererror": {
            "code": "-2133196797",
            "message": f"{why} (E_QUERY_RESULT_SET_TOO_LARGE; see https://aka.ms/kustoquerylimits)",
            "severity": 2,
            "severityName": "Error",
        },
    }
    return {
        "code": "PartialError",
        "message": "There were some errors when processing your query.",
        "details": [detail],
    }


def _value(value: Any, column: Column) -> Any:
    if value is None:
        return "" if column.type == "string" else None
    if column.type == "dynamic":
        return _json_text(value, column)
    match value:
        case bool() | int() | str():
            return value
        case float():
            return (
                value
                if math.isfinite(value)
                else {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, "NaN")
            )
        case datetime():
            return _datetime(value)
        case timedelta():
            return _timespan(value)
        case _:
            return str(value)


def _json_text(value: Any, column: Column) -> str:
    """Give a dynamic value as the service does: as JSON in a string. DuckDB has JSON columns as text already."""
    if isinstance(value, str):
        return value
    if column.json_items:
        return "[" + ",".join(value) + "]"
    return orjson.dumps(value, default=str).decode()


def _datetime(moment: datetime) -> str:
    whole = moment.strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")
    digits = f"{moment.microsecond:06}".rstrip("0")
    return f"{whole}.{digits}Z" if digits else f"{whole}Z"


def _timespan(span: timedelta) -> str:
    sign = "-" if span < timedelta(0) else ""
    span = abs(span)
    minutes, seconds = divmod(span.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days = f"{span.days}." if span.days else ""
    fraction = f".{span.microseconds:06}0" if span.microseconds else ""
    return f"{sign}{days}{hours:02}:{minutes:02}:{seconds:02}{fraction}"
