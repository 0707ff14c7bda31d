"""What kind of request a change came by, and what it makes of the state before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

import jsonpatch
from jsonpointer import JsonPointerException

from audit.changes_tree import (
    DELETE_FROM,
    MAX_DEPTH,
    MAX_FIELDS,
    ORDERS,
    PATCH,
    SETS,
    Items,
    Leaf,
    Merged,
    Named,
    Node,
    Path,
    TooMuch,
    leaf,
    leaves,
    tree,
)
from audit.event import AuditEvent
from audit.evidence import ChangeKind
from audit.untyped import items, mapping, text

MAX_QUERY = 4096
MAX_OPERATIONS = 1000
#: Each may double the object, so that some dozens of them would not fit into memory.
MAX_COPIES = 4
#: Where a JSON patch sets or removes all of it.
_OBJECT = ("(the object)",)
_DIRECTIVES = (PATCH, DELETE_FROM, *ORDERS)
#: Which patches kubectl's commands send; `kubectl patch` sends any.
#: https://github.com/kubernetes/kubernetes/tree/master/staging/src/k8s.io/kubectl/pkg/cmd
_MANAGERS = {
    "kubectl-client-side-apply": ChangeKind.STRATEGIC_PATCH,
    "kubectl-edit": ChangeKind.STRATEGIC_PATCH,
    "kubectl-set": ChangeKind.STRATEGIC_PATCH,
    "kubectl-rollout": ChangeKind.STRATEGIC_PATCH,
    "kubectl-label": ChangeKind.MERGE_PATCH,
    "kubectl-annotate": ChangeKind.MERGE_PATCH,
}
_BY_VERB = {
    "create": ChangeKind.CREATED,
    "update": ChangeKind.REPLACED,
    "delete": ChangeKind.DELETED,
    "deletecollection": ChangeKind.DELETED,
}
#: Lists that replace the one before, by the kind of patch.
#: https://kubernetes.io/docs/reference/using-api/api-concepts/#patch-and-apply
_REPLACED: Mapping[ChangeKind, tuple[type[Node], ...]] = {
    ChangeKind.MERGE_PATCH: (Merged, Named, Items),
    ChangeKind.STRATEGIC_PATCH: (Named, Items),
    ChangeKind.APPLY: (Items,),
}


def kind_of(event: AuditEvent, body: object) -> ChangeKind | None:
    """Tell how an object was changed, as far as the log shows; None where it does not.

    An audit event has no Content-Type, so a patch is judged by its form: a list is a JSON patch (RFC 6902);
    `force` is a parameter of server-side apply alone, which also wants a field manager, an `apiVersion` and a
    `kind`; directives ("$patch") are strategic; custom resources know no strategic merge patch.
    https://kubernetes.io/docs/reference/using-api/api-concepts/#patch-and-apply
    """
    if event.verb != "patch":
        return _BY_VERB.get(event.verb)
    if isinstance(body, list | tuple):
        return ChangeKind.JSON_PATCH
    if not isinstance(body, Mapping):
        return None
    query = parse_qs(event.uri[:MAX_QUERY].partition("?")[2])
    manager = "".join(query.get("fieldManager", ())[:1])
    if "force" in query or _is_applied(manager, body, event):
        return ChangeKind.APPLY
    if _has_directive(body):
        return ChangeKind.STRATEGIC_PATCH
    if _is_custom(event.api_group):
        return ChangeKind.MERGE_PATCH
    return _MANAGERS.get(manager)


def _is_applied(manager: str, body: Mapping[str, Any], event: AuditEvent) -> bool:
    if (
        not manager
        or manager.startswith("kubectl-")
        or not (text(body.get("kind")) and text(body.get("apiVersion")))
    ):
        return False
    response = mapping(event.raw.get("responseObject"))
    fields = [mapping(entry) for entry in items(mapping(response.get("metadata")).get("managedFields"))]
    how = {entry.get("operation") for entry in fields if entry.get("manager") == manager}
    return "Apply" in how if how else True


def _has_directive(body: object, depth: int = 0) -> bool:
    if depth > MAX_DEPTH:
        return False
    if isinstance(body, Mapping):
        return any(
            str(key).startswith(_DIRECTIVES) or _has_directive(child, depth + 1)
            for key, child in body.items()
        )
    return any(_has_directive(item, depth + 1) for item in items(body))


def _is_custom(api_group: str) -> bool:
    """Whether a group is none of Kubernetes' own: those have no dot, or end in k8s.io."""
    return "." in api_group and not api_group.endswith(".k8s.io")


def is_certain(kind: ChangeKind | None, patch: Node) -> bool:
    """Whether it can be told what a patch makes of the state before: of an unknown kind it cannot where lists are."""
    return kind in _REPLACED or not _has_list(patch)


def _has_list(node: Any) -> bool:
    if isinstance(node, Merged | Named | Items):
        return True
    return isinstance(node, dict) and any(map(_has_list, node.values()))


def patched(before: Node, patch: Node, kind: ChangeKind | None) -> Node:
    """Return the state after a merge patch, a strategic one or server-side apply; the arguments stay as they are.

    What server-side apply takes away because its configuration no longer has it, only the answer shows.
    """
    return _merged(before, patch, _REPLACED.get(kind, ()) if kind else ())


def _merged(before: Node, patch: Node, replaced: tuple[type[Node], ...]) -> Node:
    after = before.copy() if type(before) is dict else type(before)(before)
    for key, child in patch.items():
        if key == PATCH or key.startswith(ORDERS):
            continue
        if key.startswith(DELETE_FROM):
            _take_out(after, key.removeprefix(DELETE_FROM), child)
        elif isinstance(child, Leaf):
            _set(after, key, child)
        elif _order(child) == "delete":
            after.pop(key, None)
        else:
            after[key] = _child(after.get(key), key, child, replaced)
    return after


def _child(old: Any, key: str, child: Node, replaced: tuple[type[Node], ...]) -> Node:
    is_whole = _order(child) == "replace" or (isinstance(child, replaced) and key not in SETS)
    if is_whole or not isinstance(old, dict):
        return _merged(type(child)(), child, replaced)
    return _merged(old, child, replaced)


def _order(child: Any) -> str:
    order = child.get(PATCH) if isinstance(child, dict) else None
    return text(order.value) if isinstance(order, Leaf) else ""


def _set(after: Node, key: str, child: Leaf) -> None:
    if child.value is None and not child.is_hidden:
        after.pop(key, None)
    else:
        after[key] = child


def _take_out(after: Node, key: str, gone: Any) -> None:
    if isinstance(after.get(key), dict) and isinstance(gone, dict):
        after[key] = type(after[key])({name: kept for name, kept in after[key].items() if name not in gone})


def operated(before: Mapping[str, Any], operations: Sequence[Any]) -> Mapping[str, Any] | None:
    """Return the state after a JSON patch; None where it does not fit the state before.

    jsonpatch applies it: the one that is kept up (BSD-3-Clause; it needs jsonpointer).
    """
    copies = [operation for operation in operations if mapping(operation).get("op") == "copy"]
    if len(operations) > MAX_OPERATIONS or len(copies) > MAX_COPIES:
        return None
    try:
        after = jsonpatch.apply_patch(before, operations)
    except (
        jsonpatch.JsonPatchException,
        JsonPointerException,
        ArithmeticError,
        AttributeError,
        LookupError,
        RecursionError,
        TypeError,
        ValueError,
    ):
        return None
    return after if isinstance(after, Mapping) else None


@dataclass(frozen=True, kw_only=True)
class Told:
    """What an operation of a JSON patch says by itself: its sign, the field, the value where it has one."""

    sign: str
    path: Path
    leaf: Leaf | None


def told_by_operations(operations: Sequence[Any]) -> Iterator[Told]:
    """Yield what a JSON patch says without the state before: `test` changes nothing; raises TooMuch."""
    for operation in operations[:MAX_OPERATIONS]:
        op, pointer = mapping(operation).get("op"), mapping(operation).get("path")
        if not isinstance(pointer, str):
            continue
        path = _steps(pointer) or _OBJECT
        if op == "remove":
            yield Told(sign="-", path=path, leaf=None)
        elif op in {"add", "replace"}:
            sign = "+" if op == "add" and path[-1] == "-" else "~"
            yield from _set_at(sign, path, operation.get("value"))
        elif op in {"move", "copy"}:
            origin = ".".join(_steps(text(operation.get("from"))))
            yield Told(
                sign="~", path=path, leaf=leaf(f"{'moved' if op == 'move' else 'copied'} from {origin}")
            )
    if len(operations) > MAX_OPERATIONS:
        raise TooMuch


def _steps(pointer: str) -> Path:
    steps = pointer.split("/")[1 : MAX_FIELDS + 1]
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in steps)


def _set_at(sign: str, path: Path, value: Any) -> Iterator[Told]:
    """Tell what is set at a path: its leaves, found by the same rules as in an object."""
    is_item = bool(path) and (path[-1] == "-" or path[-1].isdecimal()) and isinstance(value, Mapping)
    at, body = (path[:-1], [value]) if is_item else (path, value)
    if len(at) > MAX_DEPTH:
        at, body = _OBJECT, None
    nested: Any = body
    for step in reversed(at):
        nested = {step: nested}
    for steps, said in leaves(tree(nested, is_patch=True, with_status=True)):
        yield Told(sign=sign, path=steps, leaf=said)
