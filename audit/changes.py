"""What an event changed: the state before against the state after, or what the request says by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audit.changes_corefile import is_coredns
from audit.changes_patch import Told, is_certain, kind_of, operated, patched, told_by_operations
from audit.changes_tree import (
    DELETE_FROM,
    ORDERS,
    PATCH,
    Leaf,
    Node,
    Path,
    TooMuch,
    differences,
    leaves,
    reduced,
    tree,
)
from audit.changes_words import MAX_LINES, Line, lines_of, lines_told
from audit.dry_run import is_dry_run, is_lost
from audit.event import AuditEvent
from audit.evidence import Change, ChangeKind
from audit.untyped import items, mapping, text

#: What stands in the place of a body that was too large. Seen on real clusters; in the tables' reference too.
#: https://learn.microsoft.com/azure/azure-monitor/reference/tables/aksaudit
TOO_BIG = "skipped-too-big-size-object"
NO_BODY = "level Metadata has no body"
NOT_THERE = "the row has no body"
LEFT_OUT = "too big: Azure left the body out"
CUT = "the body was cut"
CUT_BEHIND = "the body was cut: what stood behind the cut is not known"
DELETION = "a deletion has no new state"
REFUSED = "refused: nothing changed"
FAILED = "failed: whether anything changed is not known"
NOT_LOGGED = "the outcome is not logged: this was asked for"
DRY_RUN = "a dry run: nothing changed"
A_READ = "a read changes nothing"
NO_CHANGE = "this request changes no field of an object"
NO_PREVIOUS = "replaced as a whole, and the state before is not known"
SAME = "nothing differs from the state before"
SAYS_NOTHING = "the request names no field"
TOO_MUCH = "too many fields to compare"

_READS = frozenset({"get", "list", "watch", "head", "options"})
_WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})
#: Subresources that are a part of the object; the others (exec, token, eviction…) change none of its fields.
_STATEFUL = frozenset({"", "status", "scale", "ephemeralcontainers", "resize", "approval", "finalize"})


def what_changed(event: AuditEvent, before: Mapping[str, Any] | None) -> Change:
    """Tell what a request changed, redacted: at most 40 lines of 200 characters, the telling ones first.

    `before` is the object as `previous_body` of an earlier event gave it, or None. A request that the API server
    refused changed nothing: the lines then tell what was asked for, and `why_not` says so; the same holds for dry
    runs and for requests whose outcome is not logged. What was created is compared with nothing, which counts as
    compared. Never raises.
    """
    if why := _no_change(event):
        return Change(why_not=why)
    body = event.raw.get("requestObject")
    kind = kind_of(event, body)
    if kind is ChangeKind.DELETED:
        return _deleted(event, before)
    if why := _no_body(event, body):
        return Change(kind=kind, why_not=why)
    try:
        return _changed(event, body, kind, _alike(before, body, event))
    except TooMuch:
        return Change(kind=kind, why_not=TOO_MUCH)


def wants_previous(event: AuditEvent) -> bool:
    """Whether the object's state before would tell more of what an event changed: a named object, bodies logged."""
    is_change = event.verb in {"update", "patch", "delete"} and not _no_change(event)
    if not is_change or not event.name or event.level == "Metadata" or _hides_all(event):
        return False
    return event.verb == "delete" or not _no_body(event, event.raw.get("requestObject"))


def previous_body(event: AuditEvent) -> Mapping[str, Any] | None:
    """Return the state that an event shows of its object when it was done; None where it shows none.

    That is the answer's body, at level RequestResponse, else the request's where it was a creation or an update.
    """
    is_done = event.code is not None and 200 <= event.code < 300  # noqa: PLR2004
    if not is_done or event.verb not in {"create", "update", "patch", "get"} or is_dry_run(event):
        return None
    if event.subresource not in _STATEFUL or _is_asked(event.resource):
        return None
    answer = _answer(event)
    if answer is not None:
        return answer
    body = event.raw.get("requestObject")
    is_whole = (
        event.verb in {"create", "update"} and not event.subresource and not is_lost(event, "requestObject")
    )
    return body if is_whole and isinstance(body, Mapping) else None


# --- why there is nothing to tell ------------------------------------------------------------------


def _no_change(event: AuditEvent) -> str:
    if event.verb in _READS:
        return A_READ
    is_state = event.subresource in _STATEFUL and event.resource and not _is_asked(event.resource)
    return "" if event.verb in _WRITES and is_state else NO_CHANGE


def _is_asked(resource: str) -> bool:
    """Whether a resource is asked and answered, and never kept."""
    return resource.endswith("reviews") or resource == "bindings"


def _no_body(event: AuditEvent, body: object) -> str:
    if body == TOO_BIG:
        return LEFT_OUT
    if body and isinstance(body, (Mapping, list) if event.verb == "patch" else Mapping):
        return ""
    if event.level == "Metadata":
        return NO_BODY
    return CUT if event.is_cut else NOT_THERE


def _hides_all(event: AuditEvent) -> bool:
    """Whether neither body nor state before would tell more than names: AKS logs no bodies of these at all."""
    return event.resource in {"secrets", "leases", "events"} or (
        event.resource == "configmaps" and not is_coredns(event)
    )


def _outcome(event: AuditEvent) -> str:
    """Say why what was asked for did not happen, or may not have."""
    if is_dry_run(event):
        return DRY_RUN
    if event.code is None:
        return REFUSED if event.decision == "forbid" else NOT_LOGGED
    if event.code < 400:  # noqa: PLR2004
        return ""
    return REFUSED if event.code < 500 else FAILED  # noqa: PLR2004


# --- the state before and the state after ----------------------------------------------------------


def _answer(event: AuditEvent) -> Mapping[str, Any] | None:
    """Return the object as the API server answered with it."""
    answer = event.raw.get("responseObject")
    is_object = isinstance(answer, Mapping) and answer.get("kind") != "Status" and "metadata" in answer
    return (
        answer if is_object and isinstance(answer, Mapping) and not is_lost(event, "responseObject") else None
    )


def _alike(before: object, body: object, event: AuditEvent) -> Mapping[str, Any] | None:
    """Return the state before where it is one of the same kind of object, or of the object that a scale is of."""
    if not isinstance(before, Mapping):
        return None
    kinds = {text(mapping(side).get("kind")) for side in (before, body)} - {""}
    return before if len(kinds) <= 1 or event.subresource == "scale" else None


def _deleted(event: AuditEvent, before: object) -> Change:
    gone = before if isinstance(before, Mapping) and event.verb == "delete" else None
    if gone is None:
        return Change(kind=ChangeKind.DELETED, why_not=_outcome(event) or DELETION)
    try:
        lines = lines_of(differences(tree(gone), {}), event)
    except TooMuch:
        return Change(kind=ChangeKind.DELETED, why_not=TOO_MUCH)
    return _change(ChangeKind.DELETED, lines, _outcome(event), compared=True, otherwise=DELETION)


def _changed(
    event: AuditEvent, body: Any, kind: ChangeKind | None, before: Mapping[str, Any] | None
) -> Change:
    why = _outcome(event)
    if not why and is_lost(event, "requestObject"):
        why = CUT_BEHIND
    if kind is ChangeKind.CREATED:
        lines = lines_of(differences({}, _tree(event, body)), event)
        return _change(kind, lines, why, compared=True, otherwise=SAYS_NOTHING)
    if before is not None:
        old = _tree(event, before)
        if (after := _after(event, body, kind, before, old)) is not None:
            found = differences(old, after)
            if why == CUT_BEHIND:
                found = [one for one in found if one.new is not None]
            return _change(kind, lines_of(found, event), why, compared=True, otherwise=SAME)
    if kind is ChangeKind.REPLACED:
        return Change(kind=kind, why_not=NO_PREVIOUS)
    lines = lines_told(_told(event, body, kind), event)
    return _change(kind, lines, why, compared=False, otherwise=SAYS_NOTHING)


def _tree(event: AuditEvent, body: Mapping[str, Any], *, is_patch: bool = False) -> Node:
    with_status = event.subresource in {"status", "approval"}
    return tree(reduced(body, event.subresource), is_patch=is_patch, with_status=with_status)


def _after(
    event: AuditEvent, body: Any, kind: ChangeKind | None, before: Mapping[str, Any], old: Node
) -> Node | None:
    """Return the state after, or None where the log does not show it.

    What a patch makes of the state before is this request's work alone; the answer shows that of others too,
    which came between. It counts where a patch cannot be applied: what server-side apply takes away is nowhere else.
    """
    answer = None if _outcome(event) else _answer(event)
    if kind is ChangeKind.REPLACED:
        return _tree(event, answer or body)
    if kind is ChangeKind.JSON_PATCH:
        after = operated(before, items(body))
        return _tree(event, after) if after is not None else _of_answer(event, answer)
    patch = _tree(event, mapping(body), is_patch=True)
    if (kind is ChangeKind.APPLY and answer is not None) or not is_certain(kind, patch):
        return _of_answer(event, answer)
    return patched(old, patch, kind)


def _of_answer(event: AuditEvent, answer: Mapping[str, Any] | None) -> Node | None:
    return None if answer is None else _tree(event, answer)


def _told(event: AuditEvent, body: Any, kind: ChangeKind | None) -> list[Told]:
    if kind is ChangeKind.JSON_PATCH:
        return list(told_by_operations(items(body)))
    found = leaves(_tree(event, mapping(body), is_patch=True))
    return [told for path, said in found if path and (told := _of_patch(path, said))]


def _of_patch(path: Path, said: Leaf) -> Told | None:
    """Tell what one field of a patch says; None for what only orders a list."""
    if any(step.startswith(ORDERS) for step in path):
        return None
    if path[-1] == PATCH:
        is_gone = said.value == "delete"
        return Told(sign="-" if is_gone else "~", path=path[:-1] or path, leaf=None if is_gone else said)
    is_gone = any(step.startswith(DELETE_FROM) for step in path)
    steps = tuple(step.removeprefix(DELETE_FROM) for step in path)
    return Told(sign="-" if is_gone else "~", path=steps, leaf=said)


def _change(
    kind: ChangeKind | None, lines: list[Line], why: str, *, compared: bool, otherwise: str
) -> Change:
    """Put the lines together; a line that changes a value counts as one added and one removed."""
    signs = [line.sign for line in lines]
    return Change(
        kind=kind,
        lines=tuple(line.text for line in lines[:MAX_LINES]),
        added=signs.count("+") + signs.count("~"),
        removed=signs.count("-") + signs.count("~"),
        more=max(0, len(lines) - MAX_LINES),
        why_not=why or ("" if lines else otherwise),
        compared=compared,
    )
