"""An object's fields as a tree that can be compared: without noise, lists by what their items are called."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit

import dictdiffer
import orjson

from audit.changes_render import endpoint, port, reference, rule, source, subject
from audit.untyped import mapping

#: An event is 32 KiB at most in one table and 1 MiB in the other; this is more than either needs of our own work.
MAX_FIELDS = 20_000
MAX_DEPTH = 32

Path = tuple[str, ...]
Node = dict[str, Any]


class TooMuch(ValueError):
    """The object has more fields than we compare."""


class Merged(Node):
    """A list whose items Kubernetes itself tells apart by a key: a strategic merge patch merges them."""


class Named(Node):
    """A list whose items all have a name, of which Kubernetes does not say that they are merged."""


class Items(Node):
    """A list as a set: what its items say is their key."""


@dataclass(frozen=True, kw_only=True)
class Leaf:
    """A value without fields of its own, or one that reads better as a whole. Equal is what is written alike."""

    written: str
    #: What is told of it, before redaction.
    value: Any = field(default=None, compare=False)
    #: It may be told that it is there and that it changed, never what it is.
    is_hidden: bool = False
    #: An item of a list: the last step of its path is itself.
    is_item: bool = False

    def __deepcopy__(self, _: dict[int, Any]) -> Self:
        return self


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A field before and after; None where it was not there."""

    path: Path
    old: Leaf | None
    new: Leaf | None


#: What an object is called, which never changes.
_CALLED = frozenset({"kind", "apiVersion"})
#: Of `metadata` that too, and what the API server writes itself or what repeats the object.
_METADATA_NOISE = frozenset(
    {
        *("name", "namespace", "generateName"),
        *("managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink"),
    }
)
_ANNOTATION_NOISE = frozenset(
    {"kubectl.kubernetes.io/last-applied-configuration", "deployment.kubernetes.io/revision"}
)
#: Lists that a strategic merge patch merges, with the key of their items.
#: https://github.com/kubernetes/kubernetes/blob/master/staging/src/k8s.io/api/core/v1/types.go (patchMergeKey)
_MERGE_KEYS: Mapping[str, Path] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "ephemeralContainers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "volumeMounts": ("mountPath",),
    "volumeDevices": ("devicePath",),
    "imagePullSecrets": ("name",),
    "secrets": ("name",),
    "hostAliases": ("ip",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
    "webhooks": ("name",),
    "conditions": ("type",),
    "resourceClaims": ("name",),
}
#: Lists whose items read as a whole: where they stand, "*" for any step; containers stand anywhere.
_AS_A_WHOLE: tuple[tuple[Path, Callable[[Mapping[str, Any]], str]], ...] = (
    (("rules",), rule),
    (("webhooks", "*", "rules"), rule),
    (("subjects",), subject),
    (("metadata", "ownerReferences"), reference),
    (("containers", "*", "ports"), port),
    (("initContainers", "*", "ports"), port),
    (("spec", "ports"), port),
    (("containers", "*", "envFrom"), source),
    (("initContainers", "*", "envFrom"), source),
)
#: What says nothing when it is empty.
_EMPTY = frozenset(
    {
        "metadata",
        "labels",
        "annotations",
        "spec",
        "status",
        "template",
        "resources",
        "securityContext",
        "strategy",
    }
)
_SECRET_MAPS = frozenset({"data", "stringData", "binaryData"})
#: What may hold anything: told that it is there, not what it says.
_UNTOLD = frozenset({"args", "command", "caBundle"})
#: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/object-meta/#ObjectMeta (merged as a set)
SETS = frozenset({"finalizers"})
#: https://github.com/kubernetes/community/blob/master/contributors/devel/sig-api-machinery/strategic-merge-patch.md
PATCH, DELETE_FROM = "$patch", "$deleteFromPrimitiveList/"
ORDERS = ("$setElementOrder/", "$retainKeys")


def tree(body: Mapping[str, Any], *, is_patch: bool = False, with_status: bool = False) -> Node:
    """Return an object's fields, or a patch's; in a patch a null deletes, elsewhere it says nothing.

    Raises TooMuch past MAX_FIELDS; nothing else, whatever the JSON.
    """
    noise = _CALLED if with_status else {*_CALLED, "status"}
    kept = {key: child for key, child in body.items() if key not in noise}
    return _Builder(is_patch=is_patch).mapping(kept, ())


def differences(old: Node, new: Node) -> list[Difference]:
    """Return the fields in which two trees differ, in the order of the trees.

    dictdiffer compares: pure Python, MIT, no dependency, linear in the fields of two trees of objects. (deepdiff
    looks for the best fit of lists, which hostile bodies make slow, and needs compiled code.)
    """
    found: list[Difference] = []
    for change, path, what in dictdiffer.diff(old, new, dot_notation=False):
        steps = tuple(path)
        if change == "change":
            found += _of(steps, what[0], is_old=True, other=what[1])
            continue
        for key, child in what:
            found += _of((*steps, str(key)), child, is_old=change == "remove")
    return found


def leaves(node: Any, path: Path = ()) -> Iterator[tuple[Path, Leaf]]:
    """Yield every leaf with its path; an empty object is a leaf as well."""
    if isinstance(node, Leaf):
        yield path, node
    elif not node:
        yield path, Leaf(written="{}", value={})
    else:
        for key, child in node.items():
            yield from leaves(child, (*path, key))


def _of(path: Path, child: Any, *, is_old: bool, other: Any = None) -> Iterator[Difference]:
    if isinstance(child, Leaf) and isinstance(other, Leaf):
        yield Difference(path=path, old=child, new=other)
        return
    for at, leaf in leaves(child, path):
        yield Difference(path=at, old=leaf if is_old else None, new=None if is_old else leaf)
    if other is not None:
        yield from _of(path, other, is_old=not is_old)


def leaf(value: Any, *, is_hidden: bool = False, is_item: bool = False) -> Leaf:
    """Return a value as a leaf."""
    return Leaf(written=_written(value), value=value, is_hidden=is_hidden, is_item=is_item)


def _written(value: Any) -> str:
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    except TypeError:  # a number of more than 64 bits, a lone surrogate, nested too deeply
        return "…" if isinstance(value, dict | list | tuple) else repr(value)


class _Builder:
    """One pass over one body, with what it may still cost."""

    def __init__(self, *, is_patch: bool) -> None:
        self.is_patch = is_patch
        self.left = MAX_FIELDS

    def value(self, value: Any, path: Path) -> Node | Leaf:
        self.left -= 1
        if self.left < 0:
            raise TooMuch
        name = path[-1] if path else ""
        if name in _UNTOLD and value is not None:
            return leaf(value, is_hidden=True)
        if len(path) > MAX_DEPTH and isinstance(value, dict | list | tuple):
            return Leaf(written="…", value="…")
        if isinstance(value, Mapping):
            return self.whole(value, path) or self.mapping(value, path)
        if isinstance(value, list | tuple):
            return self.list(value, path)
        return leaf(value)

    def whole(self, value: Mapping[str, Any], path: Path) -> Leaf | None:
        """Return what an object reads as where it reads better as a whole."""
        if path == ("roleRef",):
            return leaf(reference(value))
        if path[-2:] == ("clientConfig", "service"):
            return leaf(endpoint(value))
        if path[-2:-1] == ("env",) and PATCH not in value:
            return leaf(value, is_hidden=True)
        return None

    def mapping(self, value: Mapping[str, Any], path: Path) -> Node:
        name = path[-1] if path else ""
        if name in _SECRET_MAPS:
            return {str(key): self.hidden(child) for key, child in value.items() if self.says(child)}
        noise = {"metadata": _METADATA_NOISE, "annotations": _ANNOTATION_NOISE}.get(name, frozenset())
        node: Node = {}
        for key, child in value.items():
            step = str(key)
            if step in noise or not self.says(child):
                continue
            kept = self.member(child, (*path, step))
            if kept or step not in _EMPTY:
                node[step] = kept
        return node

    def member(self, child: Any, path: Path) -> Node | Leaf:
        if path[-2:] == ("clientConfig", "url"):
            return Leaf(written=_written(child), value=_host(child))
        return self.value(child, path)

    def hidden(self, child: Any) -> Leaf:
        self.left -= 1
        if self.left < 0:
            raise TooMuch
        return leaf(child, is_hidden=child is not None)

    def says(self, child: Any) -> bool:
        return child is not None or self.is_patch

    def list(self, value: Sequence[Any], path: Path) -> Node:
        name = path[-1].removeprefix(DELETE_FROM) if path else ""
        orders = [item for item in value if isinstance(item, Mapping) and item.get(PATCH) == "replace"]
        plain = [item for item in value if not any(item is order for order in orders)]
        node = self.kept_apart(plain, name, path)
        if orders:
            node[PATCH] = leaf("replace")
        return node

    def kept_apart(self, value: Sequence[Any], name: str, path: Path) -> Node:
        whole = _whole(path)
        for node, keys in ((Merged(), _MERGE_KEYS.get(name)), (Named(), ("name",))):
            if keys and not whole and (names := _keys(value, keys)):
                for name_of, item in zip(names, value, strict=True):
                    rest = {key: child for key, child in item.items() if key not in keys}
                    node[name_of] = self.value(rest, (*path, name_of))
                return node
        return self.items(value, whole)

    def items(self, value: Sequence[Any], whole: Callable[[Mapping[str, Any]], str] | None) -> Node:
        node: Node = Items()
        for item in value:
            self.left -= 1
            if self.left < 0:
                raise TooMuch
            said = whole(item) if whole and isinstance(item, Mapping) else item
            # A rule may be longer than what is told of it; the others are told in full.
            key = _written(item if whole is rule else said)
            node[key] = Leaf(written=key, value=said, is_item=True)
        return node


def _whole(path: Path) -> Callable[[Mapping[str, Any]], str] | None:
    """Return what makes a whole of the items of the list that stands here, if anything does."""
    for place, whole in _AS_A_WHOLE:
        end = path[-len(place) :] if place[0].endswith("ontainers") else path
        if len(end) == len(place) and all(want in {"*", step} for want, step in zip(place, end, strict=True)):
            return whole
    return None


def _keys(value: Sequence[Any], keys: Path) -> list[str]:
    """Return what each item is called, or nothing where one has no name or two have the same."""
    found = []
    for item in value:
        parts = [mapping(item).get(key) for key in keys]
        if not all(isinstance(part, str) and part for part in parts):
            return []
        found.append(" ".join(map(str, parts)))
    return found if len(set(found)) == len(found) else []


def _host(url: Any) -> Any:
    """Return the host of a webhook's URL: what stands behind it may be secret."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2] if isinstance(url, str) else url
    except ValueError:
        return "(unreadable address)"


def reduced(body: Mapping[str, Any], subresource: str) -> Mapping[str, Any]:
    """Return the part of a body that a subresource is about: only `status`, only `spec.replicas`, else all."""
    if subresource == "status":
        return {"status": body["status"]} if "status" in body else {}
    if subresource == "scale":
        replicas = mapping(body.get("spec")).get("replicas")
        return {"spec": {"replicas": replicas}} if replicas is not None else {}
    return body
