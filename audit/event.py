"""One line of the Kubernetes audit log, whichever table it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import orjson

from audit.actor import ActorKind, classify
from audit.untyped import at, items, mapping, moment, number, text, texts

__all__ = ["ActorKind", "AuditEvent", "Unreadable", "parse_event"]

#: More addresses than a chain of proxies leaves behind; all but the last can be forged by the client.
MAX_SOURCE_IPS = 20
MAX_IP = 64

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
#: `code: 0` is how metav1.Status says that it has none.
_HTTP_STATUS = range(100, 600)
#: One of these is in every audit event; none of them is in anything else that a log holds.
_TELLING = ("auditID", "verb", "requestURI", "objectRef", "user")

#: Where an event says when it was, best first; the last two are audit.k8s.io/v1alpha1's and v1beta1's.
_TIMES = (
    ("requestReceivedTimestamp",),
    ("stageTimestamp",),
    ("timestamp",),
    ("metadata", "creationTimestamp"),
)


class TableShape(StrEnum):
    """How a table holds an audit event."""

    #: AzureDiagnostics: the whole event as JSON in `log_s`.
    LOG = "log"
    #: AKSAudit and AKSAuditAdmin: a column for each field but `impersonatedUser`.
    TYPED = "typed"


@dataclass(frozen=True, kw_only=True)
class AuditEvent:
    """One audit event. Every string in it is hostile text; "" means that the row does not say."""

    audit_id: str
    stage: str
    #: When the request reached the API server: requestReceivedTimestamp, else the stage's time, else TimeGenerated.
    time: datetime
    #: `TimeGenerated`: what windows are judged by.
    generated: datetime
    level: str
    verb: str
    uri: str
    username: str
    #: The user that was asked to be (impersonation); known from AzureDiagnostics only.
    impersonated: str
    actor: ActorKind
    group_count: int
    source_ips: tuple[str, ...]
    user_agent: str
    resource: str
    subresource: str
    namespace: str
    name: str
    api_group: str
    #: HTTP status, or None where the row has none.
    code: int | None
    #: `responseStatus.reason`, such as AlreadyExists.
    reason: str
    #: authorization.k8s.io/decision: "allow", "forbid" or "".
    decision: str
    #: Resource id of the cluster, as the row gives it.
    cluster_id: str
    pod: str
    #: The event in audit.k8s.io/v1's own words; leaves only through audit.redact.
    raw: Mapping[str, Any]
    shape: TableShape = TableShape.LOG
    #: "kube-audit" or "kube-audit-admin"; "" where the row does not say.
    category: str = ""
    #: Azure cut the row; what stood before the cut is here.
    is_cut: bool = False
    #: Fields of `raw` (dotted) that the cut went through or took away, as far as that is known.
    lost: frozenset[str] = frozenset()
    #: When the row reached the workspace: `ingestion_time()`, where it was asked for.
    ingested: datetime | None = None
    #: All groups of the user that asked.
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Unreadable:
    """A row that is not an audit event we can read: counted, never dropped in silence."""

    reason: str
    #: It is not even a damaged audit event, but something else.
    is_foreign: bool = False


def parse_event(row: Mapping[str, Any]) -> AuditEvent | Unreadable:
    """Read one row of AzureDiagnostics (`log_s`) or of AKSAudit/AKSAuditAdmin (typed columns).

    Dynamic columns may be JSON text, as the query API sends them, or parsed. A field that is missing or of
    a wrong type is "" (or None, or empty). Never raises: a row that is no audit event is Unreadable.
    """
    raw = _from_log(row["log_s"]) if row.get("log_s") else _from_columns(row)
    if isinstance(raw, Unreadable):
        return raw
    if not any(raw.get(key) for key in _TELLING):
        return Unreadable(reason="not an audit event", is_foreign=True)
    known = (moment(at(raw, *path)) for path in _TIMES)
    happened, generated = next(filter(None, known), None), moment(row.get("TimeGenerated"))
    time = happened or generated
    if time is None:
        return Unreadable(reason="no time")
    return _event(raw, row, time, generated or time)


def _from_log(log: object) -> Mapping[str, Any] | Unreadable:
    if isinstance(log, Mapping):
        return log
    try:
        found = orjson.loads(log) if isinstance(log, str) else None
    except ValueError:
        # AKS cuts an event at 16 KiB: https://github.com/Azure/AKS/issues/4635
        cut = isinstance(log, str) and log.lstrip().startswith("{") and not log.rstrip().endswith("}")
        return Unreadable(reason="cut" if cut else "not JSON")
    return found if isinstance(found, Mapping) else Unreadable(reason="not a JSON object")


def _from_columns(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Put the event together again from its columns, in audit.k8s.io/v1's own words."""
    raw: dict[str, Any] = {"kind": "Event", "apiVersion": "audit.k8s.io/v1"}
    for column, key in _COLUMNS.items():
        value = _parsed(row.get(column)) if column in _DYNAMIC else row.get(column)
        if value is not None and value != "":
            raw[key] = value
    return raw


def _parsed(value: object) -> object:
    """A dynamic column: JSON text, or a bare string such as "skipped-too-big-size-object"."""
    if not isinstance(value, str):
        return value
    try:
        return orjson.loads(value)
    except ValueError:
        return value


def _event(raw: Mapping[str, Any], row: Mapping[str, Any], time: datetime, generated: datetime) -> AuditEvent:
    username, impersonated = text(at(raw, "user", "username")), text(at(raw, "impersonatedUser", "username"))
    target = mapping(raw.get("objectRef"))
    decision = text(at(raw, "annotations", "authorization.k8s.io/decision"))
    return AuditEvent(
        audit_id=text(raw.get("auditID")),
        stage=text(raw.get("stage")),
        time=time,
        generated=generated,
        level=text(raw.get("level")),
        verb=text(raw.get("verb")),
        uri=text(raw.get("requestURI")),
        username=username,
        impersonated=impersonated,
        actor=classify(username, impersonated),
        group_count=len(items(at(raw, "user", "groups"))),
        source_ips=texts(raw.get("sourceIPs"), MAX_IP)[:MAX_SOURCE_IPS],
        user_agent=text(raw.get("userAgent")),
        resource=text(target.get("resource")),
        subresource=text(target.get("subresource")),
        namespace=text(target.get("namespace")),
        name=text(target.get("name")),
        api_group=text(target.get("apiGroup")),
        code=_code(at(raw, "responseStatus", "code")),
        reason=text(at(raw, "responseStatus", "reason")),
        decision=decision if decision in {"allow", "forbid"} else "",
        cluster_id=text(row.get("_ResourceId")) or text(row.get("ResourceId")),
        pod=text(row.get("pod_s")) or text(row.get("PodName")),
        raw=raw,
    )


def _code(value: object) -> int | None:
    found = number(value)
    return int(found) if found is not None and found.is_integer() and found in _HTTP_STATUS else None
