"""Reading anyone's own audit data (`--events FILE`) into rows of the stand-in workspace.

A file is lines of JSON, or one JSON document. What each object is, its keys tell:

* an audit.k8s.io Event (or a list of them) becomes the AzureDiagnostics row that AKS writes for it;
* a row of AzureDiagnostics (`log_s`) or AKSAudit/AKSAuditAdmin (`AuditId`) stays what it is;
* a row of AKSControlPlane or KubeEvents, which alerts read as well, is known by its `Type`;
* the body of a Log Analytics answer, or of a Logic App connector's, is the rows in it.

Two keys of an object are ours: `$arrives` is a time before which no query sees the row, and `$cut` the number of
bytes of its `log_s` that Azure let through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import orjson

from sandbox.documents import UnreadableFile, documents
from sandbox.tables import (
    AKS_AUDIT,
    AKS_AUDIT_ADMIN,
    AKS_CONTROL_PLANE,
    ARRIVES,
    AZURE_DIAGNOSTICS,
    KUBE_EVENTS,
    TABLES,
    Row,
    Rows,
)

__all__ = ["NotAuditData", "UnreadableFile", "read_events", "rows_of"]

#: What the API server says of a request, of which an audit event has at least one.
_EVENT_KEYS: Final = frozenset(
    {"auditID", "stage", "requestURI", "verb", "objectRef", "responseStatus", "user"}
)
#: AKS leaves these out of kube-audit-admin: https://learn.microsoft.com/azure/aks/monitor-aks-reference.
_READING_VERBS: Final = frozenset({"get", "list"})
_MARKS: Final = frozenset({"$arrives", "$cut"})
_EVENT_TIMES: Final = ("stageTimestamp", "requestReceivedTimestamp", "timestamp")
_ROW_TIMES: Final = ("TimeGenerated", "StageReceivedTime", "RequestReceivedTime")


@dataclass(frozen=True, kw_only=True)
class _Origin:
    """What the rows are given where the data itself does not say."""

    cluster_id: str
    default_time: datetime


class NotAuditData(Exception):
    """The document is nothing that can be read as audit data. The text is the reason, without a full stop."""


def read_events(
    path: Path, *, cluster_id: str, default_time: datetime, changed: Callable[[str], str] | None = None
) -> Rows:
    """Read a file of audit data, in the order of the file, as the text that `changed` makes of it.

    `cluster_id` is the resource id of the cluster that raw events are ascribed to. TimeGenerated of a raw
    event is its stageTimestamp, else requestReceivedTimestamp, else `timestamp`, else
    metadata.creationTimestamp, else `default_time` (aware). Raises UnreadableFile.
    """
    origin = _Origin(cluster_id=cluster_id, default_time=default_time)
    found: list[tuple[str, Row]] = []
    for place, document in documents(path, changed):
        try:
            found.extend(_rows(document, origin))
        except NotAuditData as error:
            raise UnreadableFile(f"{path.name}{place}: {error}.") from None
    return _by_table(found)


def rows_of(document: Any, *, cluster_id: str, default_time: datetime) -> Rows:
    """Read one document that is decoded already, as read_events does. Raises NotAuditData."""
    return _by_table(_rows(document, _Origin(cluster_id=cluster_id, default_time=default_time)))


def _by_table(found: Iterable[tuple[str, Row]]) -> Rows:
    tables: dict[str, list[Row]] = {table: [] for table in TABLES}
    for table, row in found:
        tables[table].append(row)
    return Rows(tables={table: tuple(rows) for table, rows in tables.items()})


# --- what a document is ----------------------------------------------------------------------------


def _rows(document: Any, origin: _Origin) -> Iterator[tuple[str, Row]]:
    for place, item in _items(document):
        try:
            yield _row(item, origin)
        except NotAuditData as error:
            raise NotAuditData(f"{place}{error}") from None


def _items(document: Any) -> Iterator[tuple[str, Any]]:
    """Give each object with its place in the document ("" where there is only one)."""
    match document:
        case list() as items:
            yield from _numbered("item", items)
        case {"statusCode": _, "body": body}:
            yield from _items(body)
        case {"tables": [{"columns": list() as columns, "rows": list() as rows}, *_]}:
            yield from _numbered("row", _answered(columns, rows))
        case {"value": list() as rows}:
            yield from _numbered("row", rows)
        case {"kind": str() as kind, "items": list() as items} if kind.endswith("List"):
            yield from _numbered("item", items)
        case _:
            yield "", document


def _numbered(word: str, items: list[Any]) -> Iterator[tuple[str, Any]]:
    for number, item in enumerate(items, 1):
        yield f"{word} {number}: ", item


def _answered(columns: list[Any], rows: list[Any]) -> list[Any]:
    names = [str(column.get("name", "")) if isinstance(column, dict) else "" for column in columns]
    if any(not isinstance(row, list) or len(row) != len(names) for row in rows):
        raise NotAuditData("a table's rows do not fit its columns")
    return [dict(zip(names, row, strict=True)) for row in rows]


def _row(item: Any, origin: _Origin) -> tuple[str, Row]:
    if not isinstance(item, dict):
        raise NotAuditData("not an object")
    table, row = _unmarked({name: value for name, value in item.items() if name not in _MARKS}, origin)
    return table, {**row, **dict(_marked(item, row))}


def _marked(item: Mapping[str, Any], row: Row) -> Iterator[tuple[str, Any]]:
    """Give the columns that are otherwise because of our own marks."""
    if "$arrives" in item:
        if (arrives := _time(item["$arrives"])) is None:
            raise NotAuditData("$arrives is not a time of ISO 8601")
        yield ARRIVES, arrives
    if "$cut" in item:
        if type(size := item["$cut"]) is not int or "log_s" not in row:
            raise NotAuditData("$cut is a number of bytes of log_s")
        yield "log_s", row["log_s"].encode()[:size].decode(errors="ignore")


def _unmarked(item: Mapping[str, Any], origin: _Origin) -> tuple[str, Row]:
    if item.get("Type") in {AKS_CONTROL_PLANE, KUBE_EVENTS}:
        return item["Type"], _audit_row(item, item["Type"], origin)
    if "log_s" in item:
        return AZURE_DIAGNOSTICS, _diagnostics_row(item, origin)
    if "AuditId" in item and item.keys() & {"RequestUri", "Verb", "Stage"}:
        return _audit_table(item), _audit_row(item, _audit_table(item), origin)
    if _is_event(item):
        return AZURE_DIAGNOSTICS, _row_of_event(item, origin)
    raise NotAuditData(
        "neither an audit.k8s.io Event nor a row of AzureDiagnostics, AKSAudit or AKSAuditAdmin"
    )


def _is_event(item: Mapping[str, Any]) -> bool:
    # Some exports leave apiVersion out; a core/v1 Event, which is something else, always has it.
    version = item.get("apiVersion", "audit.k8s.io/v1")
    return (
        item.get("kind", "Event") == "Event"
        and isinstance(version, str)
        and version.startswith("audit.k8s.io/")
        and bool(item.keys() & _EVENT_KEYS)
    )


# --- rows ------------------------------------------------------------------------------------------


def _row_of_event(event: Mapping[str, Any], origin: _Origin) -> Row:
    reading = event.get("verb") in _READING_VERBS
    return _of_cluster(origin.cluster_id) | {
        "TimeGenerated": _time_of_event(event) or origin.default_time,
        "Category": "kube-audit" if reading else "kube-audit-admin",
        "log_s": _line(event),
        "OperationName": "Microsoft.ContainerService/managedClusters/diagnosticLogs/Read",
        "SourceSystem": "Azure",
        "stream_s": "stdout",
        # Which of the API server's pods wrote an event, the event does not say.
        "pod_s": "kube-apiserver-sandbox",
        "Cloud_s": "AzureCloud",
        "Type": AZURE_DIAGNOSTICS,
    }


def _diagnostics_row(item: Mapping[str, Any], origin: _Origin) -> Row:
    log = item["log_s"]
    row = _fitted(item, TABLES[AZURE_DIAGNOSTICS]) | {
        "log_s": _line(log) if isinstance(log, dict) else _string(log),
        "TimeGenerated": _time_of_row(item) or _time_of_log(log) or origin.default_time,
        "Type": AZURE_DIAGNOSTICS,
    }
    more = {name: value for name, value in item.items() if name not in row and value not in ("", None)}
    if more:
        there = row.get("AdditionalFields") or {}
        row["AdditionalFields"] = (there if isinstance(there, dict) else {"AdditionalFields": there}) | more
    return _ascribed(row, origin, ("ResourceId", "_ResourceId"))


def _audit_table(item: Mapping[str, Any]) -> str:
    if item.get("Type") in {AKS_AUDIT, AKS_AUDIT_ADMIN}:
        return str(item["Type"])
    return AKS_AUDIT if item.get("Verb") in _READING_VERBS else AKS_AUDIT_ADMIN


def _audit_row(item: Mapping[str, Any], table: str, origin: _Origin) -> Row:
    row = _fitted(item, TABLES[table]) | {
        "TimeGenerated": _time_of_row(item) or origin.default_time,
        "Type": table,
    }
    return _ascribed(row, origin, ("_ResourceId",))


def _ascribed(row: dict[str, Any], origin: _Origin, columns: tuple[str, ...]) -> Row:
    """Ascribe a row that names no cluster (a query may have projected it away) to the given one."""
    if any(row.get(column) for column in columns):
        return row
    return {
        **row,
        **{name: value for name, value in _of_cluster(origin.cluster_id).items() if name in columns},
    }


def _of_cluster(cluster_id: str) -> dict[str, Any]:
    """Give the columns that say which cluster, in the cases that the service writes them in."""
    parts = cluster_id.strip("/").split("/")
    named = {key.lower(): value for key, value in zip(parts[::2], parts[1::2], strict=False)}
    return {
        "ResourceId": cluster_id.upper(),
        "_ResourceId": cluster_id.lower(),
        "SubscriptionId": named.get("subscriptions", "").lower(),
        "_SubscriptionId": named.get("subscriptions", "").lower(),
        "ResourceGroup": named.get("resourcegroups", "").upper(),
        "ResourceProvider": named.get("providers", "").upper(),
        "ResourceType": "MANAGEDCLUSTERS",
        "Resource": parts[-1].upper(),
    }


def _fitted(item: Mapping[str, Any], columns: Mapping[str, str]) -> dict[str, Any]:
    return {name: _FITS[columns[name]](value) for name, value in item.items() if name in columns}


def _string(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _dynamic(value: Any) -> Any:
    """Answers carry dynamic values as JSON text; what is not JSON is a string already."""
    if not isinstance(value, str):
        return value
    if not value:
        return None
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return value


def _line(event: Any) -> str:
    return orjson.dumps(event).decode() + "\n"


# --- times -----------------------------------------------------------------------------------------


def _time(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None


def _first(values: Iterator[Any]) -> datetime | None:
    return next((moment for moment in map(_time, values) if moment), None)


def _time_of_event(event: Mapping[str, Any]) -> datetime | None:
    metadata = event.get("metadata")
    created = metadata.get("creationTimestamp") if isinstance(metadata, dict) else None
    return _first(event.get(name) for name in _EVENT_TIMES) or _time(created)


def _time_of_log(log: Any) -> datetime | None:
    if isinstance(log, str):
        try:
            log = orjson.loads(log)
        except orjson.JSONDecodeError:
            return None
    return _time_of_event(log) if isinstance(log, dict) else None


def _time_of_row(item: Mapping[str, Any]) -> datetime | None:
    stated = item.get("TimeGenerated")
    if stated and _time(stated) is None:
        raise NotAuditData("TimeGenerated is not a time of ISO 8601")
    return _first(item.get(name) for name in _ROW_TIMES)


_FITS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "string": _string,
    "datetime": _time,
    "real": _number,
    "dynamic": _dynamic,
}
