"""Reading request bodies for the rules: whole objects, and patches of every kind as the object that they touch.

Every body is hostile: a wrong type is an absent value, and nothing here raises.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from audit.untyped import at, items, mapping

#: Deeper paths than any field of Kubernetes has.
_MAX_DEPTH = 32
_TEMPLATE = ("spec", "template", "spec")
#: Where the pod lies in a body; https://kubernetes.io/docs/concepts/workloads/pods/#pod-templates
_POD_PATHS: Mapping[str, tuple[str, ...]] = {
    "pods": ("spec",),
    "podtemplates": ("template", "spec"),
    "cronjobs": ("spec", "jobTemplate", "spec", "template", "spec"),
}
_CONTAINERS = ("containers", "initContainers", "ephemeralContainers")


def as_object(body: object) -> Mapping[str, Any]:
    """Return a body as (part of) an object: a JSON patch becomes what its operations set; {} for what is none.

    An array that a patch reaches into becomes an object of its positions, which `elements` reads like an array.
    """
    return _patched(body) if isinstance(body, list | tuple) else mapping(body)


def _patched(operations: Sequence[Any]) -> Mapping[str, Any]:
    """Put together what a JSON patch adds or replaces; https://www.rfc-editor.org/rfc/rfc6902."""
    result: dict[str, Any] = {}
    for position, operation in enumerate(operations):
        path = at(operation, "path")
        if at(operation, "op") in ("add", "replace") and isinstance(path, str):
            _put(result, path, mapping(operation).get("value"), position)
    return result


def _put(result: dict[str, Any], path: str, value: object, position: int) -> None:
    # "-" is the end of an array: every operation that says so adds another element.
    parts = [
        f"-{position}" if part == "-" else _unescaped(part) for part in path.split("/", _MAX_DEPTH + 1)[1:]
    ]
    if len(parts) > _MAX_DEPTH:
        return
    if parts in ([], [""]):
        result.update(mapping(value))
        return
    for part in parts[:-1]:
        below = result.get(part)
        if not isinstance(below, dict):
            below = _positions(below)
            result[part] = below
        result = below
    # Copied where it can be written into later: the event itself stays as it is.
    result[parts[-1]] = dict(value) if isinstance(value, Mapping) else value


def _positions(value: object) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    return {str(position): item for position, item in enumerate(items(value))}


def _unescaped(part: str) -> str:
    return part.replace("~1", "/").replace("~0", "~")


def elements(value: object) -> Iterator[Mapping[str, Any]]:
    """Yield the objects of an array, or of an object of positions as `as_object` makes it of a patch."""
    found = value.values() if isinstance(value, Mapping) else items(value)
    return (item for item in found if isinstance(item, Mapping))


def words(value: object) -> frozenset[str]:
    """Return the strings of an array (or of an object of positions), in lower case."""
    found = value.values() if isinstance(value, Mapping) else items(value)
    return frozenset(item.casefold() for item in found if isinstance(item, str))


def pod_specs(body: Mapping[str, Any], resource: str) -> tuple[Mapping[str, Any], ...]:
    """Return the pod specifications in the body of a pod or of anything that has a template of pods."""
    found = mapping(at(body, *_POD_PATHS.get(resource, _TEMPLATE)))
    # A pod's ephemeral containers were once written as an object of their own.
    old = {"ephemeralContainers": body.get("ephemeralContainers")} if "ephemeralContainers" in body else {}
    return tuple(spec for spec in (found, old) if spec)


def containers(specs: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    """Return all containers of pods: the ordinary ones, init containers and ephemeral ones."""
    return tuple(found for spec in specs for kind in _CONTAINERS for found in elements(spec.get(kind)))
