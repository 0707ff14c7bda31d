"""What a request did, in plain words with its object: "scaled deployment shop/web to 0".

Foreign text in it stands as it came, each part cut to 253 characters: who shows it cleans it.
"""

from __future__ import annotations

from typing import Any

from audit.commands import command_of, deed_of, exec_command
from audit.deed_bodies import said_by_body
from audit.deed_table import (
    CREATED_PART,
    DISCOVERED,
    DISCOVERY,
    PARTS,
    PATHS,
    REVIEWS,
    SUBRESOURCES,
    VERBS,
    deed,
)
from audit.dry_run import is_dry_request, is_dry_run, is_lost
from audit.event import AuditEvent
from audit.evidence import Action
from audit.redact import redact_uri
from audit.resources import is_of_the_cluster, plural, singular

__all__ = ["describe", "describe_request", "exec_command", "singular"]

MAX_PART = 253
MAX_URI = 4096
_COLLECTIVE = frozenset({"list", "watch", "deletecollection"})
_READS = frozenset({"get", "head", "list", "watch", "options"})
_NOTHING_KNOWN = deed("made a request of which neither verb nor object is known", "make an unknown request")


def describe(event: AuditEvent) -> Action:
    """Say what an event did, or tried to do, in plain words; see the module for what is foreign in them.

    A body that was cut says nothing here: what stood behind the cut may turn its meaning.
    """
    uri = event.raw.get("requestURI")
    action = _described(
        verb=event.verb,
        resource=event.resource,
        subresource=event.subresource,
        namespace=event.namespace,
        name=event.name,
        # The event's own is shortened, and a command line may be long.
        uri=uri if isinstance(uri, str) else event.uri,
        api_group=event.api_group,
        body=None if is_lost(event, "requestObject") else event.raw.get("requestObject"),
    )
    return _tried_out(action) if is_dry_run(event) else action


def describe_request(
    *,
    verb: str,
    resource: str,
    subresource: str = "",
    namespace: str = "",
    name: str = "",
    uri: str = "",
    api_group: str = "",
    body: Any = None,
) -> Action:
    """Say the same from parts. Only what they say is said; `body` is any JSON. Never raises.

    `api_group` tells Kubernetes' own resources from others of the same name; "" also where it is not known.
    """
    action = _described(
        verb=verb,
        resource=resource,
        subresource=subresource,
        namespace=namespace,
        name=name,
        uri=uri,
        api_group=api_group,
        body=body,
    )
    is_dry = is_dry_request(verb=verb, resource=resource, subresource=subresource, uri=uri, body=body)
    return _tried_out(action) if is_dry else action


def _tried_out(action: Action) -> Action:
    return Action(done=f"{action.done} (dry run)", base=f"{action.base} (dry run)")


def _described(
    *,
    verb: str,
    resource: str,
    subresource: str,
    namespace: str,
    name: str,
    uri: str,
    api_group: str,
    body: Any,
) -> Action:
    if not resource:
        return _of_path(verb, uri)
    is_own = not api_group or "." not in api_group or api_group.endswith(".k8s.io")
    thing = _object(verb, resource, namespace, name, uri, is_own=is_own, is_part=bool(subresource))
    if subresource == "exec":
        return _filled(deed_of(command_of(uri, body)), thing)
    if is_own and (said := said_by_body(verb, resource, subresource, body, thing)):
        return said
    if verb == "create" and not subresource and resource in REVIEWS and is_own:
        return REVIEWS[resource]
    return _filled(_template(verb, subresource), thing)


def _filled(action: Action, thing: str) -> Action:
    return Action(done=action.done.replace("{object}", thing), base=action.base.replace("{object}", thing))


def _template(verb: str, subresource: str) -> Action:
    known = SUBRESOURCES.get((subresource, verb)) or SUBRESOURCES.get((subresource, "*"))
    if known:
        return known
    words = VERBS.get(verb) or _unknown(verb)
    if not subresource:
        return words
    part = PARTS.get(subresource) or f"the {_cut(subresource)} of {{object}}"
    if verb == "create":
        return Action(
            done=CREATED_PART.done.replace("{part}", part), base=CREATED_PART.base.replace("{part}", part)
        )
    return Action(done=words.done.replace("{object}", part), base=words.base.replace("{object}", part))


def _unknown(verb: str) -> Action:
    word = _cut(verb)
    return deed(f"did {word} on {{object}}", f"do {word} on {{object}}") if word else _NO_VERB


_NO_VERB = deed("did something to {object}", "do something to {object}")


# --- the object ------------------------------------------------------------------------------------


def _object(
    verb: str, resource: str, namespace: str, name: str, uri: str, *, is_own: bool, is_part: bool
) -> str:
    """Return the object: "pod shop/web-1", "all pods in shop", "secrets in all namespaces", "a pod in shop"."""
    one, many = (singular(resource), plural(resource)) if is_own else (_one(resource), _cut(resource))
    where = _cut(namespace) if resource != "namespaces" else ""
    if name:
        return f"{one} {where}/{_cut(name)}" if where else f"{one} {_cut(name)}"
    if verb in _COLLECTIVE and not is_part:
        every = "all " if verb == "deletecollection" else ""
        return f"{every}{many}{_place(resource, where, is_own=is_own)}{_selected(verb, uri)}"
    article = "an" if one[:1].casefold() in set("aeio") else "a"
    article = "" if one == many else f"{article} "
    return f"{article}{one}{f' in {where}' if where else ''}"


def _one(resource: str) -> str:
    """Return one of a resource that is not Kubernetes' own, though it may be called as one of those."""
    return singular(resource).replace(" ", "")


def _place(resource: str, namespace: str, *, is_own: bool) -> str:
    if namespace:
        return f" in {namespace}"
    in_no_namespace = is_of_the_cluster(resource) if is_own else None
    return {True: "", False: " in all namespaces", None: " cluster-wide"}[in_no_namespace]


def _selected(verb: str, uri: str) -> str:
    """Say where a deletion was not of all: which selector it was, only the URI has."""
    query = uri[:MAX_URI].partition("?")[2]
    is_selected = verb == "deletecollection" and ("labelSelector=" in query or "fieldSelector=" in query)
    return " that a selector picks" if is_selected else ""


def _cut(foreign: str) -> str:
    return foreign if len(foreign) <= MAX_PART else f"{foreign[: MAX_PART - 1]}…"


# --- requests that name no object ------------------------------------------------------------------


def _of_path(verb: str, uri: str) -> Action:
    path = uri[:MAX_URI].partition("?")[0]
    if verb in _READS:
        if path in DISCOVERY or _is_group(path):
            return DISCOVERED
        for place, action in PATHS:
            if path == place or path.startswith(f"{place}/"):
                return action
    if not path:
        return _filled(_template(verb, ""), "an object that is not named") if verb else _NOTHING_KNOWN
    return _filled(_template(verb, ""), _cut(redact_uri(path)))


def _is_group(path: str) -> bool:
    """Whether a path is that of an API group or of a version of one: what lies below is objects."""
    steps = path.strip("/").split("/")
    return steps[0] == "apis" and len(steps) in {2, 3}
