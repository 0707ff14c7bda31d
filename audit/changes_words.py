"""What changed, in the field's own terms: one line for each field, redacted, the telling ones first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from audit.changes_corefile import corefile_lines, is_corefile
from audit.changes_patch import Told
from audit.changes_tree import Difference, Leaf, Path
from audit.event import AuditEvent
from audit.redact import redact
from audit.secrets import MARKS, Tally, without_tokens
from audit.untyped import mapping, shorten, written

MAX_LINES = 40
MAX_SPELLED = 100
MAX_LINE = 200
#: Of a value alone in its line, and of one of two.
MAX_ALONE, MAX_VALUE = 180, 80
MAX_STEP = 120
MAX_LABEL = 150
_ANY, _REST = "*", "**"
_CONTAINERS = "containers|initContainers|ephemeralContainers"
_DATA = "data|stringData|binaryData"


@dataclass(frozen=True, kw_only=True)
class _Wording:
    """How a field is called. `{0}` is the first step that the pattern leaves open."""

    path: Path
    label: str
    between: str = ": "


def _wording(path: str, label: str, between: str = ": ") -> _Wording:
    return _Wording(path=tuple(path.split(" ")), label=label, between=between)


#: The first that fits counts, and tells the order of the lines too. The pod's own part of a workload's path is left
#: out: `spec.template.spec.containers` is `containers`.
_WORDINGS = (
    _wording("rules", "", ""),
    _wording("subjects", "subject", " "),
    _wording("roleRef", "role"),
    _wording(f"{_CONTAINERS} * image", "image of {0}"),
    _wording("replicas", "replicas"),
    _wording("webhooks * clientConfig service", "webhook {0} calls", " "),
    _wording("webhooks * clientConfig url", "webhook {0} calls", " "),
    _wording("webhooks * clientConfig caBundle", "CA bundle of webhook {0}"),
    _wording("webhooks * rules", "webhook {0} is asked about", " "),
    _wording("webhooks * **", "{1} of webhook {0}"),
    _wording("webhooks *", "webhook {0}"),
    _wording("hostNetwork", "host network"),
    _wording("hostPID", "host PID"),
    _wording("hostIPC", "host IPC"),
    _wording("serviceAccountName", "service account"),
    _wording(f"{_CONTAINERS} * securityContext **", "{1} of {0}"),
    _wording(f"{_CONTAINERS} * ports", "port of {0}"),
    _wording(f"{_CONTAINERS} * command", "command of {0}"),
    _wording(f"{_CONTAINERS} * args", "arguments of {0}"),
    _wording(f"{_CONTAINERS} * env *", "env {1} of {0}"),
    _wording(f"{_CONTAINERS} * env * **", "env {1} of {0}"),
    _wording(f"{_CONTAINERS} * envFrom", "env of {0} from", " "),
    _wording(f"{_CONTAINERS} *", "container {0}"),
    _wording("volumes * hostPath path", "host path of volume {0}"),
    _wording(f"{_DATA} *", "key {0}"),
    _wording(f"{_DATA} * **", "key {0}"),
    _wording("ports", "port", " "),
    _wording("type", "type"),
    _wording(f"{_CONTAINERS} * volumeMounts * name", "mount {1} of {0}", ": volume "),
    _wording(f"{_CONTAINERS} * volumeMounts * **", "{2} of mount {1} of {0}"),
    _wording(f"{_CONTAINERS} * **", "{1} of {0}"),
    _wording("volumes * **", "{1} of volume {0}"),
    _wording("volumes *", "volume {0}"),
)
#: After what only has a path of its own.
_LAST_WORDINGS = (
    _wording("metadata finalizers", "finalizer", " "),
    _wording("metadata ownerReferences", "owner", " "),
    _wording("metadata labels *", "label {0}"),
    _wording("metadata annotations *", "annotation {0}"),
    _wording("template metadata labels *", "pod label {0}"),
    _wording("template metadata annotations *", "pod annotation {0}"),
    _wording("template metadata **", "pod {0}"),
)
_RANKED = (*enumerate(_WORDINGS), *enumerate(_LAST_WORDINGS, len(_WORDINGS) + 1))
#: What they begin with stands at the top of an object: `spec.rules` of an ingress is no rule of a role.
_AT_THE_TOP = frozenset({"rules", "subjects", "roleRef", "webhooks", "metadata", _DATA})
_POD = (("spec", "jobTemplate", "spec", "template"), ("spec", "template"))


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a change; without text it is only counted."""

    sign: str
    text: str


def lines_of(found: Iterable[Difference], event: AuditEvent) -> list[Line]:
    """Return a line for each field that differs, at most MAX_LINE characters each; several for CoreDNS.

    The first MAX_SPELLED fields are spelled out; of the others the lines only say how many they are.
    """
    named = [(_name(one.path, one.new or one.old), one) for one in found]
    named.sort(key=lambda pair: pair[0].rank)
    spelled = (line for name, one in named[:MAX_SPELLED] for line in _compared(name, one, event))
    return [*spelled, *(Line(sign=_sign(one), text="") for _, one in named[MAX_SPELLED:])]


def lines_told(found: Iterable[Told], event: AuditEvent) -> list[Line]:
    """Return a line for each field that a request sets or removes, without knowing what was there before."""
    named = [(_name(one.path, one.leaf), one) for one in found]
    named.sort(key=lambda pair: pair[0].rank)
    spelled = (line for name, one in named[:MAX_SPELLED] for line in _told(name, one, event))
    return [*spelled, *(Line(sign=one.sign, text="") for _, one in named[MAX_SPELLED:])]


def _sign(difference: Difference) -> str:
    if difference.old is None:
        return "+"
    return "-" if difference.new is None else "~"


def _compared(name: _Name, difference: Difference, event: AuditEvent) -> Iterator[Line]:
    old, new, path = difference.old, difference.new, difference.path
    if is_corefile(event, path):
        yield from _corefile(path, old, new)
        return
    sign, before, after = _sign(difference), _shown(path, old, event), _shown(path, new, event)
    if sign != "~":
        yield _line(sign, name.label(), name.between, after or before)
    elif before and after and before != after:
        both = f"{shorten(before, MAX_VALUE)} → {shorten(after, MAX_VALUE)}"
        yield _line("~", name.label(), name.between, both)
    else:
        yield _line("~", name.label(), ": ", "changed")


def _told(name: _Name, told: Told, event: AuditEvent) -> Iterator[Line]:
    path, leaf = told.path, told.leaf
    if leaf is not None and leaf.value is not None and is_corefile(event, path):
        yield from (Line(sign="~", text=f"~ {line.text[2:]}") for line in _corefile(path, None, leaf))
        return
    if leaf is None or (leaf.value is None and not leaf.is_hidden):
        yield _line("-", name.label(), "", "")
        return
    between, value = name.between, _shown(path, leaf, event)
    if told.sign == "~" and not leaf.is_item:
        between, value = ": ", f"now {value}" if value else "set"
    yield _line(told.sign, name.label(), between, value)


def _corefile(path: Path, old: Leaf | None, new: Leaf | None) -> Iterator[Line]:
    texts = (side.value if side and isinstance(side.value, str) else "" for side in (old, new))
    for sign, said in corefile_lines(path[-1], *texts):
        yield Line(sign=sign, text=shorten(f"{sign} {said}", MAX_LINE))


def _line(sign: str, label: str, between: str, value: str) -> Line:
    said = f"{label}{between if value and label else ''}{value}"
    return Line(sign=sign, text=shorten(f"{sign} {said or '(nothing)'}", MAX_LINE))


# --- what a field is called ------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Name:
    """What a field is called, not yet spelled out: that costs more than to sort."""

    rank: int
    words: str
    between: str
    steps: list[str]

    def label(self) -> str:
        steps = [shorten(without_tokens(step, Tally()), MAX_STEP) for step in self.steps]
        return shorten(self.words.format(*steps), MAX_LABEL)


def _name(path: Path, leaf: Leaf | None) -> _Name:
    full = path[:-1] if leaf is not None and leaf.is_item else path
    short = _without_pod(full)
    for rank, wording in _RANKED:
        steps = _matched(wording.path, full if wording.path[0] in _AT_THE_TOP else short)
        if steps is not None:
            steps = _counted(wording, steps)
            return _Name(rank=rank, words=wording.label, between=wording.between, steps=steps)
    return _Name(rank=len(_WORDINGS), words="{0}", between=": ", steps=[".".join(full)])


def _counted(wording: _Wording, steps: list[str]) -> list[str]:
    """Say "container 0": a JSON patch counts what a pod has by number."""
    if wording.path[0] == _CONTAINERS and steps[0].isdecimal() and "container" not in wording.label:
        return [f"container {steps[0]}", *steps[1:]]
    return steps


def _without_pod(path: Path) -> Path:
    for prefix in _POD:
        if path[: len(prefix)] == prefix and path[len(prefix) :]:
            rest = path[len(prefix) :]
            return rest[1:] if rest[0] == "spec" and rest[1:] else ("template", *rest)
    return path[1:] if path[:1] == ("spec",) and path[1:] else path


def _matched(pattern: Path, path: Path) -> list[str] | None:
    """Return the steps that a pattern leaves open, or None where it does not fit."""
    has_rest = pattern[-1] == _REST
    fixed = pattern[:-1] if has_rest else pattern
    if len(path) < len(fixed) + has_rest or (len(path) > len(fixed) and not has_rest):
        return None
    found = []
    for want, step in zip(fixed, path, strict=False):
        if want == _ANY:
            found.append(step)
        elif step not in want.split("|"):
            return None
    return [*found, ".".join(path[len(fixed) :])] if has_rest else found


# --- what its value is, as far as that may be told -------------------------------------------------


def _shown(path: Path, leaf: Leaf | None, event: AuditEvent) -> str:
    """Return a value as it may leave: through audit.redact, in the place where it stands; "" where it may not."""
    if leaf is None or leaf.is_hidden or leaf.value == {}:
        return ""
    steps = path[:-1] if leaf.is_item else path
    if len(steps) > 1 and steps[-1] == "value" and (steps[-2].isdecimal() or steps[-2] == "-"):
        # What it is the value of, a patch by places does not say: it may be a header with a token.
        return ""
    nested: Any = [leaf.value] if leaf.is_item else leaf.value
    for at in range(len(steps) - 1, -1, -1):
        nested = {steps[at]: nested}
        if steps[at] == "value" and at:
            nested["name"] = steps[at - 1]
    reference = {"resource": event.resource, "subresource": event.subresource}
    # The URI decides as the reference does, where there is none.
    raw = {"objectRef": reference, "requestURI": event.uri, "requestObject": nested}
    cleaned: Any = redact(raw).event.get("requestObject")
    for step in steps:
        cleaned = mapping(cleaned).get(step)
    if leaf.is_item:
        cleaned = cleaned[0] if isinstance(cleaned, list) and cleaned else None
    return _value(cleaned)


def _value(value: Any) -> str:
    if isinstance(value, str) and (value in MARKS or "\n" in value.strip()):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        value = ", ".join(f"{key} {written(child, MAX_VALUE)}" for key, child in value.items())
    return written(value, MAX_ALONE).strip()
