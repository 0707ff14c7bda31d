"""The seven questions that an audit log answers, of one event, each answer marked with how far it goes.

https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from audit.client import client_of, is_public, trusted_address
from audit.event import AuditEvent, TableShape
from audit.identity import Identity, identify
from audit.redact import redact_uri
from audit.untyped import at, mapping, shorten, text

#: Longest line, and most lines of one answer; the rest of them is counted.
MAX_LINE = 400
MAX_LINES = 12
#: Webhooks that are named of those that changed or let pass a request.
_MOST_WEBHOOKS = 5
#: What the log has instead of a body that was too large.
SKIPPED = "skipped-too-big-size-object"


class Mark(StrEnum):
    """How far an answer goes."""

    KNOWN = "known"
    #: The audit policy keeps less of such requests.
    NOT_LOGGED = "not logged at this level"
    #: Azure cut the row.
    CUT_OFF = "cut off"
    #: The other shape of table may have it.
    NOT_IN_TABLE = "not in this table"


@dataclass(frozen=True, kw_only=True)
class Answered:
    """A question, what the event says to it, and the mark of what it does not say. The lines are hostile text."""

    question: str
    lines: tuple[str, ...]
    mark: Mark


@dataclass(frozen=True, kw_only=True)
class _Line:
    """A line that could be there: its text ("" if the event does not have it) and the field that it stands in."""

    text: str
    field: str = ""
    #: Without it the answer lacks something.
    is_owed: bool = False


def answers(event: AuditEvent) -> tuple[Answered, ...]:
    """Answer all seven in their order. Total; texts are plain, bounded, and a URI comes redacted.

    The mark is the worst of what the question's fields are: cut off, not in this table, not logged, known.
    """
    who = identify(event)
    return tuple(
        _answered(question, event, list(lines(event, who))) for question, lines in _QUESTIONS.items()
    )


def _answered(question: str, event: AuditEvent, lines: list[_Line]) -> Answered:
    marks = {_mark(event, line) for line in lines}
    texts = [shorten(line.text, MAX_LINE) for line in lines if line.text]
    if len(texts) > MAX_LINES:
        texts = [*texts[: MAX_LINES - 1], f"and {len(texts) - MAX_LINES + 1} more"]
    mark = next((mark for mark in _WORST_FIRST if mark in marks), Mark.KNOWN)
    return Answered(question=question, lines=tuple(texts), mark=mark)


_WORST_FIRST = (Mark.CUT_OFF, Mark.NOT_IN_TABLE, Mark.NOT_LOGGED)


def _mark(event: AuditEvent, line: _Line) -> Mark:
    root = line.field.partition(".")[0]
    if line.field in event.lost or (root in event.lost and not line.text):
        return Mark.CUT_OFF
    if line.text or not line.is_owed:
        return Mark.KNOWN
    if root == "impersonatedUser" and event.shape is TableShape.TYPED:
        return Mark.NOT_IN_TABLE
    return Mark.NOT_LOGGED


# --- the questions -----------------------------------------------------------------------------------


def _what(event: AuditEvent, _: Identity) -> Iterator[_Line]:
    yield _Line(text=event.verb, field="verb", is_owed=True)
    code = f"HTTP {event.code}" if event.code is not None else ""
    # An event of the stage RequestReceived cannot have an outcome yet.
    yield _Line(
        text=" ".join(filter(None, (code, event.reason))),
        field="responseStatus",
        is_owed=event.stage != "RequestReceived",
    )
    reason = text(at(event.raw, "annotations", "authorization.k8s.io/reason"))
    decision = {"allow": "allowed", "forbid": "refused"}.get(event.decision, "")
    yield _Line(text=": ".join(filter(None, (decision, reason))), field="annotations")
    for field, name in (("requestObject", "request"), ("responseObject", "response")):
        yield _Line(text=_body(event.raw.get(field), name), field=field, is_owed=_owes(event, field))


def _body(body: object, name: str) -> str:
    if body is None:
        return ""
    return f"{name} body left out: too large" if body == SKIPPED else f"{name} body logged"


#: Requests that carry no body of an object, so that none is missing.
_WITHOUT_BODY = frozenset(
    {"get", "list", "watch", "delete", "deletecollection", "head", "options", "connect", ""}
)


def _owes(event: AuditEvent, field: str) -> bool:
    """Whether the request had such a body, which the log's level (the audit policy) left out."""
    if field == "requestObject":
        return event.level == "Metadata" and event.verb not in _WITHOUT_BODY
    return False


def _when(event: AuditEvent, _: Identity) -> Iterator[_Line]:
    received = text(event.raw.get("requestReceivedTimestamp"))
    said = f"{event.time.isoformat()} received by the API server" if received else ""
    yield _Line(text=said, field="requestReceivedTimestamp", is_owed=True)
    stage = text(event.raw.get("stageTimestamp"))
    yield _Line(text=f"{stage} {event.stage}".strip() if stage else "", field="stageTimestamp")
    yield _Line(text=f"{event.generated.isoformat()} by the workspace's TimeGenerated")


def _who(event: AuditEvent, who: Identity) -> Iterator[_Line]:
    yield _Line(text=_named(who) if event.username else "", field="user", is_owed=True)
    if who.entra and who.entra != event.username:
        yield _Line(text=f"Entra: {who.entra}", field="user")
    yield _Line(text=_in_groups(who), field="user.groups")
    acted = who.acted_as
    yield _Line(
        text=f"acted as {_named(acted)}" if acted else "",
        field="impersonatedUser",
        is_owed=event.shape is TableShape.TYPED,
    )
    if acted:
        yield _Line(text=_in_groups(acted), field="impersonatedUser.groups")


def _named(who: Identity) -> str:
    name = f"{who.namespace}/{who.name}" if who.namespace else who.name
    return f"{name} ({who.kind})"


def _in_groups(who: Identity) -> str:
    return f"groups: {', '.join(who.groups)}" if who.groups else ""


def _on_what(event: AuditEvent, _: Identity) -> Iterator[_Line]:
    resource = "/".join(filter(None, (event.resource, event.subresource)))
    kind = f"{resource}.{event.api_group}" if resource and event.api_group else resource
    name = "/".join(filter(None, (event.namespace, event.name)))
    yield _Line(text=f"{kind} {name}".strip(), field="objectRef", is_owed=_names_object(event))
    if not _names_object(event):
        yield _Line(text=_path(event), field="requestURI")


def _names_object(event: AuditEvent) -> bool:
    """Requests to other paths than these name no object: https://kubernetes.io/docs/reference/using-api/api-concepts/"""
    return bool(event.resource) or event.uri.startswith(("/api/v1/", "/apis/"))


def _where_observed(event: AuditEvent, _: Identity) -> Iterator[_Line]:
    cluster = event.cluster_id.rstrip("/").rsplit("/", 1)[-1]
    yield _Line(text=f"cluster {cluster}" if cluster else "")
    yield _Line(text=f"API server pod {event.pod}" if event.pod else "")
    yield _Line(text=f"category {event.category}" if event.category else "")
    told = ", ".join(filter(None, (f"level {event.level}" if event.level else "", event.stage)))
    yield _Line(text=told, field="level")
    yield _Line(text=f"audit id {event.audit_id}" if event.audit_id else "", field="auditID")


def _from_where(event: AuditEvent, _: Identity) -> Iterator[_Line]:
    seen = trusted_address(event.source_ips)
    # The last address is known as such only where the list is whole.
    if seen and "sourceIPs" not in event.lost:
        width = "public" if is_public(seen) else "private"
        yield _Line(text=f"{seen} ({width}, seen by the API server)", field="sourceIPs")
        claimed = event.source_ips[:-1]
    else:
        yield _Line(text="", field="sourceIPs", is_owed=True)
        claimed = event.source_ips
    for address in claimed:
        yield _Line(text=f"{address} (said by the client, can be forged)", field="sourceIPs")
    client = client_of(event.user_agent)
    agent = f"{client}: {event.user_agent}" if client else event.user_agent
    yield _Line(text=agent, field="userAgent")


#: Where a request goes on to: kind of object, subresource, and what stands behind it.
_BEHIND = {
    ("pods", "exec"): "a process in pod {}",
    ("pods", "attach"): "a process in pod {}",
    ("pods", "portforward"): "a port of pod {}",
    ("pods", "proxy"): "a server in pod {}",
    ("pods", "log"): "the log of pod {}",
    ("services", "proxy"): "a server behind service {}",
    ("nodes", "proxy"): "the kubelet of node {}",
    ("nodes", "log"): "the logs of node {}",
    ("pods", "binding"): "the node that pod {} is bound to",
}
#: Annotations that name an admission webhook: mutation.webhook…, patch.webhook…, failed-open….
#: https://kubernetes.io/docs/reference/labels-annotations-taints/audit-annotations/
_WEBHOOK = re.compile(
    r"(?:(?:mutation|patch|failed-open\.mutating|failed-open\.validating)\.webhook|failed-open)\."
)


def _to_where(event: AuditEvent, _: Identity) -> Iterator[_Line]:
    yield _Line(text=_path(event), field="requestURI", is_owed=True)
    behind = _BEHIND.get((event.resource, event.subresource))
    name = "/".join(filter(None, (event.namespace, event.name)))
    if behind and name:
        yield _Line(text=behind.format(name), field="objectRef")
    # A pod's name in a proxied path may have a scheme and a port with it, which the name has too.
    target = text(at(event.raw, "requestObject", "target", "name"))
    if event.subresource == "binding" and target:
        yield _Line(text=f"node {target}", field="requestObject")
    yield from _webhooks(mapping(event.raw.get("annotations")))


def _webhooks(annotations: Mapping[str, Any]) -> Iterator[_Line]:
    found = [text(value) for key, value in annotations.items() if _WEBHOOK.match(str(key)) and text(value)]
    for value in found[:_MOST_WEBHOOKS]:
        yield _Line(text=f"by way of an admission webhook: {redact_uri(value)}", field="annotations")


def _path(event: AuditEvent) -> str:
    return redact_uri(event.uri) if event.uri else ""


_QUESTIONS: Mapping[str, Callable[[AuditEvent, Identity], Iterator[_Line]]] = {
    "What happened": _what,
    "When": _when,
    "Who": _who,
    "On what": _on_what,
    "Where it was observed": _where_observed,
    "From where": _from_where,
    "To where": _to_where,
}
