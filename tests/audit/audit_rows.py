"""Audit events as rows of each table, made up at random: what counts are compared on."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

USERS = (
    *("alice@contoso.com", "masterclient", 'o"brien\\@contoso.com', "system:serviceaccount:shop:deployer"),
    *(
        "system:serviceaccount:kube-system:coredns",
        "aksService",
        "system:node:aks-1",
        "system:kube-scheduler",
    ),
    *("system:anonymous", ""),
)
_OBJECTS = (
    {"resource": "configmaps", "namespace": "kube-system", "name": "coredns", "apiVersion": "v1"},
    {"resource": "secrets", "namespace": "shop", "name": "db", "apiVersion": "v1"},
    {"resource": "pods", "namespace": "shop", "name": "web-1", "apiVersion": "v1", "subresource": "exec"},
    {"resource": "clusterrolebindings", "name": "x", "apiGroup": "rbac.authorization.k8s.io"},
    {"resource": "leases", "namespace": "kube-node-lease", "name": "n", "apiGroup": "coordination.k8s.io"},
    None,
)
_STATUS = (
    {"metadata": {}, "code": 200},
    {"metadata": {}, "status": "Failure", "reason": "AlreadyExists", "code": 409},
    {
        "metadata": {},
        "status": "Failure",
        "message": 'no "code": 999, for you',
        "reason": "Forbidden",
        "details": {"causes": [{"reason": "Other"}]},
        "code": 403,
    },
    None,
)
#: What a client may send to pass for somebody else in a row that was cut.
_BODY = {
    "kind": "Pod",
    "impersonatedUser": {"username": "mallory"},
    "objectRef": {"resource": "nodes", "name": "fake"},
    "spec": {"text": '"verb":"delete"', "n": list(range(30))},
}


def an_event(chance: random.Random, audit_id: str, received: datetime) -> dict[str, Any]:
    """Return an event with its fields in the API server's order."""
    target, status = chance.choice(_OBJECTS), chance.choice(_STATUS)
    event: dict[str, Any] = {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "RequestResponse",
        "auditID": audit_id,
        "stage": chance.choice(("ResponseComplete", "ResponseComplete", "ResponseStarted")),
        "requestURI": chance.choice(("/api/v1/namespaces/x?a=b&c=<d>", "/healthz?x=1", "/apis/é\u2028")),
        "verb": chance.choice(("get", "list", "create", "patch", "delete")),
        "user": {"username": chance.choice(USERS), "groups": ["system:authenticated"]},
    }
    if chance.random() < 0.2:
        event["impersonatedUser"] = {"username": chance.choice(USERS[:6])}
    event |= {"sourceIPs": ["203.0.113.9", "10.0.0.1"], "userAgent": "kubectl/v1.31.4 (linux/amd64)"}
    if target:
        event["objectRef"] = target
    if status:
        event["responseStatus"] = status
    if chance.random() < 0.5:
        event["requestObject"] = _BODY
        event["responseObject"] = _BODY
    event |= {
        "requestReceivedTimestamp": _z(received),
        "stageTimestamp": _z(received + timedelta(milliseconds=9)),
        "annotations": {"authorization.k8s.io/decision": chance.choice(("allow", "forbid")), "n": "}"},
    }
    return event


def log_row(event: Mapping[str, Any] | str, at: datetime, *, category: str = "kube-audit") -> dict[str, Any]:
    text = event if isinstance(event, str) else json.dumps(event, separators=(",", ":"))
    return {
        "TimeGenerated": at.isoformat(),
        "Type": "AzureDiagnostics",
        "Category": category,
        "_ResourceId": "/subscriptions/s/managedclusters/prod",
        "ResourceId": "/SUBSCRIPTIONS/S/MANAGEDCLUSTERS/PROD",
        "log_s": text,
    }


def typed_row(event: Mapping[str, Any], at: datetime, *, table: str = "AKSAudit") -> dict[str, Any]:
    return {
        "TimeGenerated": at.isoformat(),
        "Type": table,
        "_ResourceId": "/subscriptions/s/managedclusters/prod",
        "AuditId": event["auditID"],
        "Stage": event["stage"],
        "Level": event["level"],
        "Verb": event["verb"],
        "RequestUri": event["requestURI"],
        "User": event["user"],
        "SourceIps": event["sourceIPs"],
        "UserAgent": event["userAgent"],
        "ObjectRef": event.get("objectRef"),
        "ResponseStatus": event.get("responseStatus"),
        "RequestObject": event.get("requestObject"),
        "ResponseObject": event.get("responseObject"),
        "RequestReceivedTime": event["requestReceivedTimestamp"],
        "StageReceivedTime": event["stageTimestamp"],
        "Annotations": event["annotations"],
    }


def random_rows(
    chance: random.Random, start: datetime, end: datetime, count: int
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (table, row): in and around the window, in one or several tables, whole and cut, foreign ones among them."""
    tick = timedelta(microseconds=1)
    span = (end - start) / tick
    for n in range(count):
        at = chance.choice(
            (
                start,
                end,
                start - tick,
                end + tick,
                start + tick * chance.randrange(int(span)),
                start + tick * 9,
            )
        )
        audit_id = chance.choice((f"id-{n}", f"id-{n}", f"id-{n}", "chosen", ""))
        event = an_event(chance, audit_id, start - timedelta(milliseconds=n))
        ingested = (at + timedelta(minutes=chance.choice((1, 4, 20)))).astimezone(UTC).isoformat()
        for table, row in _copies(chance, event, at):
            yield table, row | {"Ingested": ingested}


def _copies(
    chance: random.Random, event: Mapping[str, Any], at: datetime
) -> Iterator[tuple[str, dict[str, Any]]]:
    text = json.dumps(event, separators=(",", ":"), ensure_ascii=chance.random() < 0.5)
    # Where the client chose the id, a copy that has lost its time of receipt could be of any of them.
    whole = event["auditID"] == "chosen" or chance.random() < 0.7
    body = text.find('"requestReceivedTimestamp"')
    cut = text if whole else text[: chance.randrange(1, body)]
    match chance.randrange(6):
        case 0:
            yield "AzureDiagnostics", log_row(cut, at)
            yield "AzureDiagnostics", log_row(cut, at, category="kube-audit-admin")
        case 1 if "impersonatedUser" not in event:
            yield "AzureDiagnostics", log_row(cut, at)
            yield "AKSAudit", typed_row(event, at)
            yield "AKSAuditAdmin", typed_row(event, at, table="AKSAuditAdmin")
        case 2 if "impersonatedUser" not in event:
            yield "AKSAudit", typed_row(event, at)
        case 3:
            foreign = chance.choice(("", "hello", '{"a":1}', "[1]", "{", '{"ki', "null", "{broken}"))
            yield "AzureDiagnostics", log_row(foreign, at)
        case _:
            yield "AzureDiagnostics", log_row(cut, at)


def _z(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
