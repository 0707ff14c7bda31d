"""Deeds that only a request's body tells: to how many it was scaled, who was bound to what, what a patch is about."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from audit.changes_patch import told_by_operations
from audit.changes_tree import DELETE_FROM, ORDERS, Path, TooMuch, leaves, tree
from audit.deed_table import deed
from audit.evidence import Action
from audit.untyped import at, items, mapping, text

MAX_PART = 253
MAX_SUBJECTS = 3
_WRITES = frozenset({"create", "update", "patch"})
_BINDINGS = frozenset({"rolebindings", "clusterrolebindings"})
#: Whose `replicas` say how many there shall be.
_SCALABLE = frozenset({"deployments", "replicasets", "statefulsets", "replicationcontrollers"})
_RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
_CONTAINERS = frozenset({"containers", "initContainers"})


def said_by_body(verb: str, resource: str, subresource: str, body: Any, thing: str) -> Action | None:
    """Say what a request did where its body tells more than its verb does; None where it does not. Never raises.

    `thing` is the object in words. `body` is any JSON; what is taken from it is foreign text.
    """
    if verb not in _WRITES or not isinstance(body, Mapping | list):
        return None
    try:
        if resource in _BINDINGS and not subresource:
            return _bound(mapping(body), thing, is_patch=verb == "patch")
        if (find := _BY_SUBRESOURCE.get(subresource)) is not None:
            return find(body, thing)
        return _patched(resource, body, thing) if verb == "patch" and not subresource else None
    except TooMuch:
        return None


# --- roles -----------------------------------------------------------------------------------------


def _bound(body: Mapping[str, Any], thing: str, *, is_patch: bool) -> Action | None:
    role, subjects = text(at(body, "roleRef", "name"), MAX_PART), items(body.get("subjects"))
    if not role or (is_patch and not subjects):
        return deed(f"changed whom {thing} binds", f"change whom {thing} binds") if subjects else None
    who = [_subject(mapping(one)) for one in subjects[:MAX_SUBJECTS]]
    more = len(subjects) - MAX_SUBJECTS
    whom = f"{', '.join(who) or 'nobody'}{f' and {more:,} more' if more > 0 else ''}"
    return deed(f"bound {role} to {whom} by {thing}", f"bind {role} to {whom} by {thing}")


def _subject(value: Mapping[str, Any]) -> str:
    name, namespace = text(value.get("name"), MAX_PART), text(value.get("namespace"), MAX_PART)
    name = name or "(no name)"
    match value.get("kind"):
        case "Group":
            return f"group {name}"
        case "ServiceAccount":
            return f"service account {namespace}/{name}" if namespace else f"service account {name}"
    return name


# --- subresources ----------------------------------------------------------------------------------


def _scaled(body: Any, thing: str) -> Action | None:
    found = list(_fields(body))
    replicas = next((value for path, value in found if path == ("spec", "replicas")), None)
    return _scaled_to(replicas, thing)


def _scaled_to(replicas: Any, thing: str) -> Action | None:
    if not isinstance(replicas, int) or isinstance(replicas, bool) or abs(replicas) >= 2**31:
        return None
    return deed(f"scaled {thing} to {replicas}", f"scale {thing} to {replicas}")


def _decided(body: Any, thing: str) -> Action | None:
    conditions = [mapping(one) for one in items(at(mapping(body), "status", "conditions"))]
    types = {one.get("type") for one in conditions if isinstance(one.get("type"), str)}
    if "Denied" in types:
        return deed(f"denied {thing}", f"deny {thing}")
    return deed(f"approved {thing}", f"approve {thing}") if "Approved" in types else None


def _assigned(body: Any, thing: str) -> Action | None:
    node = text(at(mapping(body), "target", "name"), MAX_PART)
    return deed(f"assigned {thing} to node {node}", f"assign {thing} to node {node}") if node else None


_BY_SUBRESOURCE: Mapping[str, Callable[[Any, str], Action | None]] = {
    "scale": _scaled,
    "approval": _decided,
    "binding": _assigned,
}


# --- patches that are about one thing --------------------------------------------------------------


def _patched(resource: str, body: Any, thing: str) -> Action | None:
    """Say what a patch is about where it is about one thing; a whole configuration (server-side apply) is not."""
    if isinstance(body, Mapping) and body.get("kind") and body.get("apiVersion"):
        return None
    found = list(_fields(body))
    topics = {_topic(path) for path, _ in found}
    if len(topics) != 1:
        return None
    topic, value = topics.pop(), found[0][1]
    if topic == "replicas" and resource in _SCALABLE:
        return _scaled_to(value, thing)
    if topic in _SWITCHES and (resource, topic) in _SWITCHED:
        on, off = _SWITCHES[topic]
        done, base = on if value is True else off
        return deed(f"{done} {thing}", f"{base} {thing}")
    return _ABOUT[topic](thing) if topic in _ABOUT else None


def _fields(body: Any) -> Iterator[tuple[Path, Any]]:
    """Yield each field of a patch of whichever kind, with its value; raises TooMuch."""
    if isinstance(body, list):
        for told in told_by_operations(body):
            yield told.path, told.leaf.value if told.leaf else None
        return
    for path, leaf in leaves(tree(mapping(body), is_patch=True)):
        if path and not any(step.startswith(ORDERS) for step in path):
            yield tuple(step.removeprefix(DELETE_FROM) for step in path), leaf.value


def _topic(path: Path) -> str:
    if path[:4] == ("spec", "template", "metadata", "annotations") and path[4:5] == (_RESTARTED_AT,):
        return "restart"
    for at_container, step in enumerate(path[:-2]):
        if step in _CONTAINERS:
            return path[at_container + 2]
    is_inside = len(path) > 1 and path[0] in {"metadata", "spec"}
    return path[1] if is_inside else path[0]


def _about(words: str) -> Callable[[str], Action]:
    return lambda thing: deed(f"changed the {words} of {thing}", f"change the {words} of {thing}")


_SWITCHES = {
    "unschedulable": (("cordoned", "cordon"), ("uncordoned", "uncordon")),
    "suspend": (("suspended", "suspend"), ("resumed", "resume")),
    "paused": (("paused", "pause"), ("resumed", "resume")),
}
_SWITCHED = frozenset(
    {("nodes", "unschedulable"), ("cronjobs", "suspend"), ("jobs", "suspend"), ("deployments", "paused")}
)
_ABOUT: Mapping[str, Callable[[str], Action]] = {
    "restart": lambda thing: deed(f"restarted {thing}", f"restart {thing}"),
    "image": _about("image"),
    "env": _about("environment"),
    "envFrom": _about("environment"),
    "resources": _about("resources"),
    "labels": _about("labels"),
    "annotations": _about("annotations"),
    "finalizers": _about("finalizers"),
    "ownerReferences": _about("owners"),
    "taints": _about("taints"),
    "data": _about("data"),
    "stringData": _about("data"),
    "binaryData": _about("data"),
    "rules": _about("rules"),
    "webhooks": _about("webhooks"),
    "secrets": _about("secrets"),
    "imagePullSecrets": _about("image pull secrets"),
}
