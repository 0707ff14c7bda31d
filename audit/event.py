"""One line of the Kubernetes audit log, whichever table it came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from audit.actor import ActorKind, classify
from audit.row import CUT, Read, TableShape, Unreadable, read_row
from audit.untyped import at, items, mapping, moment, number, text, texts

__all__ = ["ActorKind", "AuditEvent", "TableShape", "Unreadable", "parse_event"]

#: More addresses than a chain of proxies leaves behind; all but the last can be forged by the client.
MAX_SOURCE_IPS = 20
MAX_IP = 64
#: Entra puts up to 200 groups into a token; what the API server says of them stands in `group_count`.
MAX_GROUPS = 50
MAX_GROUP = 256

#: What a typed table holds, in the words of the category that fills it.
_CATEGORIES = {"AKSAudit": "kube-audit", "AKSAuditAdmin": "kube-audit-admin"}
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
    if not any(raw.get(key) for key in _TELLING):
        return CUT if read.is_cut else Unreadable(reason="not an audit event", is_foreign=True)
    happened, generated = _happened(raw), moment(row.get("TimeGenerated"))
    time = happened or generated
    if time is None:
        return CUT if read.is_cut else Unreadable(reason="no time")
    return _event(read, row, time, generated or time)


def _happened(raw: Mapping[str, Any]) -> datetime | None:
    for path in _TIMES:
        if found := moment(at(raw, *path)):
            return found
    return None


def _event(read: Read, row: Mapping[str, Any], time: datetime, generated: datetime) -> AuditEvent:
    raw = read.raw
    user, target, status = (mapping(raw.get(key)) for key in ("user", "objectRef", "responseStatus"))
    username, impersonated = text(user.get("username")), text(at(raw, "impersonatedUser", "username"))
    decision = mapping(raw.get("annotations")).get("authorization.k8s.io/decision")
    groups = items(user.get("groups"))
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
        group_count=len(groups),
        source_ips=texts(raw.get("sourceIPs"), MAX_IP)[:MAX_SOURCE_IPS],
        user_agent=text(raw.get("userAgent")),
        resource=text(target.get("resource")),
        subresource=text(target.get("subresource")),
        namespace=text(target.get("namespace")),
        name=text(target.get("name")),
        api_group=text(target.get("apiGroup")),
        code=_code(status.get("code")),
        reason=text(status.get("reason")),
        decision=decision if decision in ("allow", "forbid") else "",
        cluster_id=text(row.get("_ResourceId")) or text(row.get("ResourceId")),
        pod=text(row.get("pod_s")) or text(row.get("PodName")),
        raw=raw,
        shape=read.shape,
        category=text(row.get("Category")) or _CATEGORIES.get(text(row.get("Type")), ""),
        is_cut=read.is_cut,
        lost=read.lost,
        ingested=moment(row.get("Ingested") or row.get("ingestion_time")),
        groups=_groups(groups),
    )


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
