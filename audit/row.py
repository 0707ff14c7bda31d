"""What a row of a table of audit events holds: the event in audit.k8s.io/v1's own words, whole or cut."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, NamedTuple

import orjson

from audit.recover import recover, recover_value

#: Columns of AKSAudit and AKSAuditAdmin, in the order of an audit.k8s.io/v1 Event.
#: https://learn.microsoft.com/azure/azure-monitor/reference/tables/aksaudit
_COLUMNS = {
    "Level": "level",
    "AuditId": "auditID",
    "Stage": "stage",
    "RequestUri": "requestURI",
    "Verb": "verb",
    "User": "user",
    "SourceIps": "sourceIPs",
    "UserAgent": "userAgent",
    "ObjectRef": "objectRef",
    "ResponseStatus": "responseStatus",
    "RequestObject": "requestObject",
    "ResponseObject": "responseObject",
    "RequestReceivedTime": "requestReceivedTimestamp",
    "StageReceivedTime": "stageTimestamp",
    "Annotations": "annotations",
}
_DYNAMIC = frozenset(
    {"User", "SourceIps", "ObjectRef", "ResponseStatus", "RequestObject", "ResponseObject", "Annotations"}
)
_EACH_COLUMN = tuple((column, key, column in _DYNAMIC) for column, key in _COLUMNS.items())
#: The fields in the order in which the API server writes them, which tells what a cut took away.
#: https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/#audit-k8s-io-v1-Event
_ORDER = {
    key: place
    for place, key in enumerate(
        (
            *("kind", "apiVersion", "level", "auditID", "stage", "requestURI", "verb", "user"),
            *("impersonatedUser", "authenticationMetadata", "sourceIPs", "userAgent", "objectRef"),
            *("responseStatus", "requestObject", "responseObject"),
            *("requestReceivedTimestamp", "stageTimestamp", "annotations"),
        )
    )
}


class TableShape(StrEnum):
    """How a table holds an audit event."""

    #: AzureDiagnostics: the whole event as JSON in `log_s`.
    LOG = "log"
    #: AKSAudit and AKSAuditAdmin: a column for each field but `impersonatedUser`.
    TYPED = "typed"


@dataclass(frozen=True, kw_only=True)
class Unreadable:
    """A row that is not an audit event we can read: counted, never dropped in silence."""

    reason: str
    #: It is not even a damaged audit event, but something else.
    is_foreign: bool = False


#: Too little of it is left to be an audit event.
CUT: Final = Unreadable(reason="cut")


class Read(NamedTuple):
    """What a row holds, in audit.k8s.io/v1's own words."""

    raw: Mapping[str, Any]
    shape: TableShape
    is_cut: bool = False
    lost: frozenset[str] = frozenset()


def read_row(row: Mapping[str, Any]) -> Read | Unreadable:
    """Return the event that a row of either shape holds. Never raises; whether it is an audit event is not judged."""
    return _from_log(row["log_s"]) if row.get("log_s") else _from_columns(row)


def _from_log(log: object) -> Read | Unreadable:
    try:
        found = orjson.loads(log) if isinstance(log, str) else log
    except ValueError:
        return _from_cut_log(str(log))
    return (
        Read(found, TableShape.LOG) if isinstance(found, Mapping) else Unreadable(reason="not a JSON object")
    )


def _from_cut_log(log: str) -> Read | Unreadable:
    """AKS cuts an event at 16 KiB (https://github.com/Azure/AKS/issues/4635), the table at 32,766 bytes."""
    found = recover(log)
    if found is None:
        is_cut = log.lstrip().startswith("{") and not log.rstrip().endswith("}")
        return CUT if is_cut else Unreadable(reason="not JSON")
    return Read(found.value, TableShape.LOG, True, found.lost | _taken_away(found.value, found.lost))


def _taken_away(raw: Mapping[str, Any], lost: Collection[str]) -> frozenset[str]:
    """Return the fields that stood, or may have stood, behind the cut."""
    seen = [_ORDER[key] for key in raw if key in _ORDER]
    seen += [_ORDER[key] for key in lost if key in _ORDER and key not in raw]
    # Some exports order the keys by name: then any that is not there may have followed.
    is_in_order = next(iter(raw), None) == "kind" and seen == sorted(seen)
    last = max(seen, default=-1) if is_in_order else -1
    return frozenset(key for key, place in _ORDER.items() if place > last and key not in raw)


def _from_columns(row: Mapping[str, Any]) -> Read:
    """Put the event together again from its columns, in audit.k8s.io/v1's own words."""
    raw: dict[str, Any] = {"kind": "Event", "apiVersion": "audit.k8s.io/v1"}
    lost: set[str] = set()
    for column, key, is_dynamic in _EACH_COLUMN:
        value = row.get(column)
        if is_dynamic and isinstance(value, str) and value:
            try:
                value = orjson.loads(value)
            except ValueError:
                value = _not_json(value, key, lost)
        if value is not None and value != "":
            raw[key] = value
    return Read(raw, TableShape.TYPED, True, frozenset(lost)) if lost else Read(raw, TableShape.TYPED)


def _not_json(value: str, key: str, lost: set[str]) -> object:
    """A dynamic column that is JSON only up to a cut, or a bare string such as "skipped-too-big-size-object"."""
    found = recover_value(value)
    if found is None and value.startswith('"'):
        lost.add(key)
        return None
    if found is None:
        return value
    lost.update(f"{key}.{path}" if path else key for path in found.lost)
    return found.value
