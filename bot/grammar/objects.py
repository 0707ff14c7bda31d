"""An object written with slashes: kube-system/coredns, deploy/frontend, pods/exec."""

from __future__ import annotations

from collections.abc import Mapping

from audit.kinds import KINDS, resource_of

#: Parts of an object that are no objects' names: "pods/exec" is what people exec into, not a pod called "exec".
SUBRESOURCES = frozenset(
    {"exec", "attach", "portforward", "ephemeralcontainers", "log", "eviction", "token", "scale", "binding"}
)
_NOTHING: Mapping[str, str] = {"resource": "", "subresource": "", "namespace": "", "name": ""}


def object_of(text: str) -> Mapping[str, str] | None:
    """Read a word with slashes into resource, subresource, namespace and name; None where it is none of the forms.

    A kind before a slash wins: "deploy/x" is a deployment, and "deploy" no namespace. Total over hostile text.
    """
    parts = text.strip("/").split("/", 3)
    if not all(parts):
        return None
    kinds = [resource_of(part) for part in parts[:2]]
    if len(parts) == 1:
        return {**_NOTHING, "resource": kinds[0]} if kinds[0] else None
    if len(parts) == 2:  # noqa: PLR2004 - kind and name
        return _of_two(parts[0], parts[1], kinds)
    if len(parts) == 3 and any(kinds):  # noqa: PLR2004 - kind, namespace and name
        namespace = parts[1] if kinds[0] else parts[0]
        return {**_NOTHING, "resource": kinds[0] or kinds[1], "namespace": namespace, "name": parts[2]}
    return None


def _of_two(one: str, other: str, kinds: list[str]) -> Mapping[str, str]:
    if kinds[0] and KINDS.get(one.lower()) == one.lower() and other.lower() in SUBRESOURCES:
        return {**_NOTHING, "resource": kinds[0], "subresource": other.lower()}
    if kinds[0]:
        return {**_NOTHING, "resource": kinds[0], "name": other}
    if kinds[1]:
        return {**_NOTHING, "resource": kinds[1], "namespace": one}
    return {**_NOTHING, "namespace": one, "name": other}
