"""One line of the Kubernetes audit log, whichever table it came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from audit.actor import ActorKind, classify
from audit.row import CUT, Read, TableShape, Unreadable, read_row
from audit.untyped import are_plain, at, items, mapping, moment, number, text, texts

__all__ = ["ActorKind", "AuditEvent", "TableShape", "Unreadable", "parse_event"]

#: More addresses than a chain of proxies leaves behind; all but the last can be forged, so the last ones are kept.
MAX_SOURCE_IPS = 20
MAX_IP = 64
#: Entra puts up to 200 groups into a token; what the API server says of them stands in `group_count`.
MAX_GROUPS = 50
MAX_GROUP = 256

#: What a typed table holds, in the words of the category that fills it.
_CATEGORIES = {"AKSAudit": "kube-audit", "AKSAuditAdmin": "kube-audit-admin"}
_DECISIONS = ("allow", "forbid")
#: `code: 0` is how metav1.Status says that it has none.
_HTTP_STATUS = range(100, 600)
#: One of these is in every audit event; none of them is in anything else that a log holds.
_TELLING = ("auditID", "verb", "requestURI", "objectRef", "user")

#: Where an event says when it was, best first, where it has no requestReceivedTimestamp; the last two are
#: audit.k8s.io/v1alpha1's and v1beta1's.
_OTHER_TIMES = (
    ("stageTimestamp",),
    ("timestamp",),
    ("metadata", "creationTimestamp"),
)


@dataclass(kw_only=True, frozen=True)
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
    #: The event in audit.k8s.io/v1's own words; it leaves only through audit.redact.
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


def parse_event(row: Mapping[str, Any]) -> AuditEvent | Unreadable:
    """Read one row of AzureDiagnostics (`log_s`) or of AKSAudit/AKSAuditAdmin (typed columns).

    Dynamic columns may be JSON text, as the query API sends them, or parsed. A field that is missing or of
    a wrong type is "" (or None, or empty). What Azure cut is read as far as it is whole, and `lost` names the
    rest. Never raises: a row that is no audit event is Unreadable.
    """
    read = read_row(row)
    if isinstance(read, Unreadable):
        return read
    raw = read.raw
    if not (raw.get("auditID") or any(raw.get(key) for key in _TELLING)):
        return CUT if read.is_cut else Unreadable(reason="not an audit event", is_foreign=True)
    generated = moment(row.get("TimeGenerated"))
    time = moment(raw.get("requestReceivedTimestamp")) or _other_time(raw) or generated
    if time is None:
        return CUT if read.is_cut else Unreadable(reason="no time")
    return _event(read, row, time, generated or time)


def _other_time(raw: Mapping[str, Any]) -> datetime | None:
    for path in _OTHER_TIMES:
        if found := moment(at(raw, *path)):
            return found
    return None


def _event(read: Read, row: Mapping[str, Any], time: datetime, generated: datetime) -> AuditEvent:
    raw = read.raw
    user, status = mapping(raw.get("user")), mapping(raw.get("responseStatus"))
    groups = items(user.get("groups"))
    fields = _strings(row, raw, user, status)
    fields |= {
        "time": time,
        "generated": generated,
        "actor": classify(fields["username"], fields["impersonated"]),
        "group_count": len(groups),
        "source_ips": texts(raw.get("sourceIPs"), MAX_IP)[-MAX_SOURCE_IPS:],
        "code": _code(status.get("code")),
        "raw": raw,
        "shape": read.shape,
        "is_cut": read.is_cut,
        "lost": read.lost,
        "ingested": moment(row.get("Ingested") or row.get("ingestion_time")),
        "groups": _groups(groups),
    }
    event = object.__new__(AuditEvent)
    # The __init__ of a frozen class sets field by field, which takes as long as reading all of them.
    object.__setattr__(event, "__dict__", fields)
    return event


def _strings(
    row: Mapping[str, Any], raw: Mapping[str, Any], user: Mapping[str, Any], status: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the fields of an AuditEvent that are strings, by name."""
    target, notes = mapping(raw.get("objectRef")), mapping(raw.get("annotations"))
    found = {
        "audit_id": raw.get("auditID", ""),
        "stage": raw.get("stage", ""),
        "level": raw.get("level", ""),
        "verb": raw.get("verb", ""),
        "uri": raw.get("requestURI", ""),
        "username": user.get("username", ""),
        "impersonated": at(raw, "impersonatedUser", "username") if "impersonatedUser" in raw else "",
        "user_agent": raw.get("userAgent", ""),
        "resource": target.get("resource", ""),
        "subresource": target.get("subresource", ""),
        "namespace": target.get("namespace", ""),
        "name": target.get("name", ""),
        "api_group": target.get("apiGroup", ""),
        "reason": status.get("reason", ""),
        "decision": notes.get("authorization.k8s.io/decision", ""),
        "cluster_id": _either(row, "_ResourceId", "ResourceId"),
        "pod": _either(row, "pod_s", "PodName"),
        "category": _category(row),
    }
    if not are_plain(found.values()):
        found = {key: text(value) for key, value in found.items()}
    if found["decision"] not in _DECISIONS:
        found["decision"] = ""
    return found


def _either(row: Mapping[str, Any], column: str, other: str) -> object:
    found = row.get(column)
    return found if found and isinstance(found, str) else row.get(other, "")


def _category(row: Mapping[str, Any]) -> str:
    found = row.get("Category")
    return found if found and isinstance(found, str) else _CATEGORIES.get(text(row.get("Type")), "")


def _groups(groups: Sequence[Any]) -> tuple[str, ...]:
    """Of more than MAX_GROUPS those that Kubernetes itself gives come first: `system:masters` may stand last."""
    if len(groups) > MAX_GROUPS:
        groups = sorted(groups, key=lambda group: not str(group).startswith("system:"))[:MAX_GROUPS]
    return texts(groups, MAX_GROUP)


def _code(value: object) -> int | None:
    if type(value) is int and value in _HTTP_STATUS:
        return value
    found = number(value)
    return int(found) if found is not None and found.is_integer() and found in _HTTP_STATUS else None
