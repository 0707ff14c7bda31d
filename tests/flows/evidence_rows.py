"""The record of tests.flows.evidence_model as the rows that Azure would write."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sandbox.tables import ARRIVES, AZURE_DIAGNOSTICS, Row, Rows
from tests.flows.evidence_model import LOGS, TYPED, Case, Copy, Cut, Foreign, Place, Request

#: Longer than any size at which a row is cut, in bytes of one or two each.
LONG = 40_000


def rows(case: Case) -> Rows:
    """Return every row of the case's workspace, arrived or not."""
    tables: dict[str, list[Row]] = defaultdict(list)
    for table, row in _rows(case):
        tables[table].append(row)
    return Rows(tables={table: tuple(found) for table, found in tables.items()})


def _rows(case: Case) -> Iterator[tuple[str, Row]]:
    for request in case.requests:
        for copy in request.copies:
            yield _table(copy.place), _row_of(request, copy)
    for foreign in case.foreign:
        yield _table(foreign.place), _foreign(foreign)


def _table(place: Place) -> str:
    return str(place) if place in TYPED else AZURE_DIAGNOSTICS


def _row_of(request: Request, copy: Copy) -> Row:
    frame = _frame(copy, request.cluster)
    return frame | ({"log_s": _log(request, copy)} if copy.place in LOGS else _columns(request))


def _foreign(row: Foreign) -> Row:
    frame = _frame(row, row.cluster)
    return frame if row.place in TYPED else frame | {"log_s": row.text}


def _frame(row: Copy | Foreign, cluster: str) -> dict[str, Any]:
    """Write what a row has whatever it holds; Azure writes the two ids in different cases."""
    frame: dict[str, Any] = {"TimeGenerated": row.at, ARRIVES: row.arrives, "_ResourceId": cluster}
    if row.place in TYPED:
        return frame | {"PodName": "kube-apiserver-1"}
    return frame | {"ResourceId": cluster.upper(), "Category": str(row.place), "pod_s": "kube-apiserver-1"}


def _log(request: Request, copy: Copy) -> str:
    text = json.dumps(_event(request, copy.cut), ensure_ascii=False, separators=(",", ":"))
    if request.is_escaped:
        text = text.replace("&", "\\u0026")
    if copy.cut is None:
        return text + "\n"
    whole = text.encode()
    assert len(whole) > copy.size
    # A column is text: of a character that the cut goes through nothing stays.
    return whole[: copy.size].decode(errors="ignore")


def _event(request: Request, cut: Cut | None) -> dict[str, Any]:
    """Write the event in the order in which the API server does; the part that is cut is as long as that takes."""
    actor, deed = request.actor, request.deed
    event: dict[str, Any] = {"kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Request"}
    if request.audit_id:
        event["auditID"] = request.audit_id
    event |= {"stage": request.stage, "requestURI": deed.uri, "verb": deed.verb}
    if cut is Cut.URI:
        event["requestURI"] += "&labelSelector=" + "x" * LONG
    groups = [f"group-{number:06}" for number in range(LONG // 10)] if cut is Cut.GROUPS else []
    event["user"] = {"username": actor.user, "groups": [*groups, "system:authenticated"]}
    if actor.impersonated:
        event["impersonatedUser"] = {"username": actor.impersonated, "groups": ["system:authenticated"]}
    event |= {"sourceIPs": ["10.224.0.4"], "userAgent": "kubectl/v1.31.1 (linux/amd64) kubernetes/948afe5"}
    if deed.resource:
        event["objectRef"] = _target(request)
    event["responseStatus"] = _status(request)
    if cut is Cut.REQUEST:
        event["requestObject"] = {
            "kind": "ConfigMap",
            "data": {"text": "\N{LATIN SMALL LETTER E WITH ACUTE}x" * LONG},
        }
    event["requestReceivedTimestamp"] = event["stageTimestamp"] = _time(request.received)
    event["annotations"] = {"authorization.k8s.io/decision": deed.decision}
    if cut is Cut.ANNOTATIONS:
        event["annotations"]["mutation.webhook.admission.k8s.io/round_0"] = "x" * LONG
    return event


def _columns(request: Request) -> dict[str, Any]:
    """Write the columns of AKSAudit, which has none for the user that somebody acts as."""
    return {
        "AuditId": request.audit_id,
        "Stage": request.stage,
        "Level": "Request",
        "RequestUri": request.deed.uri,
        "Verb": request.deed.verb,
        "User": {"username": request.actor.user, "groups": ["system:authenticated"]},
        "SourceIps": ["10.224.0.4"],
        "UserAgent": "kubectl/v1.31.1 (linux/amd64) kubernetes/948afe5",
        "ObjectRef": _target(request) if request.deed.resource else None,
        "ResponseStatus": _status(request),
        "RequestReceivedTime": request.received,
        "StageReceivedTime": request.received,
        "Annotations": {"authorization.k8s.io/decision": request.deed.decision},
    }


def _target(request: Request) -> dict[str, str]:
    deed = request.deed
    named = {"namespace": deed.namespace, "name": deed.name, "apiGroup": deed.api_group}
    found = {"resource": deed.resource, **{key: value for key, value in named.items() if value}}
    return {**found, "apiVersion": "v1", **({"subresource": deed.subresource} if deed.subresource else {})}


def _status(request: Request) -> dict[str, Any]:
    reason = {"status": "Failure", "reason": request.deed.reason} if request.deed.reason else {}
    return {"metadata": {}, **reason, "code": request.deed.code}


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
