"""Whether a request only tried out what it would do: a dry run changes nothing."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from audit.event import AuditEvent
from audit.untyped import at, items, mapping

MAX_QUERY = 16_384
_ALL = "All"
_WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})
_DELETES = frozenset({"delete", "deletecollection"})
#: Streams and tokens: what is asked for is done, whatever the query says.
_ALWAYS_DONE = frozenset({"exec", "attach", "portforward", "proxy", "token"})


def is_dry_run(event: AuditEvent) -> bool:
    """Whether an event's request was a dry run, as far as the log shows; see `is_dry_request`."""
    # At level Metadata a deletion's body, which decides, is not in the log; and a cut may have taken it.
    is_known = event.level != "Metadata" and not is_lost(event, "requestObject")
    if event.verb in _DELETES and not is_known:
        return False
    uri = event.raw.get("requestURI")
    return is_dry_request(
        verb=event.verb,
        resource=event.resource,
        subresource=event.subresource,
        uri=uri if isinstance(uri, str) else event.uri,
        body=event.raw.get("requestObject"),
    )


def is_dry_request(*, verb: str, resource: str, subresource: str, uri: str, body: Any = None) -> bool:
    """Tell it from parts: by `dryRun=All` in the query; of a deletion by its body's `dryRun`, if it has a body.

    A deletion's query counts for nothing beside a body, and reads, streams and reviews are done all the same. What
    is not surely a dry run is none. https://kubernetes.io/docs/reference/using-api/api-concepts/#dry-run
    """
    if verb not in _WRITES or not resource or subresource in _ALWAYS_DONE or resource.endswith("reviews"):
        return False
    if verb in _DELETES and body:
        return _ALL in items(mapping(body).get("dryRun"))
    if subresource == "eviction" and _ALL in items(at(mapping(body), "deleteOptions", "dryRun")):
        return True
    return _asks(uri)


def _asks(uri: str) -> bool:
    query = uri[:MAX_QUERY].partition("?")[2]
    if "=" not in query:
        return False
    try:
        pairs = parse_qsl(query, errors="replace")
    except ValueError:
        return False
    return ("dryRun", _ALL) in pairs


def is_lost(event: AuditEvent, field: str) -> bool:
    """Whether a cut went through a field of the event, such as "requestObject", or took it away."""
    return any(lost == field or lost.startswith((f"{field}.", f"{field}[")) for lost in event.lost)
