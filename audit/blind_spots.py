"""What the log cannot show of what a card is about: a table of conditions and sentences. Pure.

A sentence stands on a card only where its condition holds for that card, so that people go on reading them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from audit.actor import IdentityKind, kind_of
from audit.event import AuditEvent, TableShape
from audit.evidence import Source
from audit.grouping import READING
from audit.untyped import at

#: What the API server writes instead of an object that is too large for the log.
TOO_BIG = "skipped-too-big-size-object"

_EVERYTHING = ("kube-audit", "AKSAudit")
_ADMIN_ONLY = ("kube-audit-admin", "AKSAuditAdmin")
_GUARD = "guard"
#: Subresources behind which people go on where no audit event follows.
_SESSIONS = frozenset({"exec", "attach", "portforward", "proxy"})
#: A table's name by Azure's rules; nothing else is put into a sentence.
_TABLE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the conditions are judged by."""

    #: What the card's events could come from; () where that is not known.
    sources: Sequence[Source]
    #: Those that were read.
    events: Sequence[AuditEvent]
    #: Categories of all rows that an alert's own query read, repeats among them, for it may leave out some that there are;
    #: empty where every category was asked for: then what the rows come from says nothing of the rest.
    categories: frozenset[str] = frozenset()
    #: `sources` are those of one cluster, not of a workspace, into which several clusters may log.
    is_one_cluster: bool = False
    #: Rows that Azure cut, of all in the window.
    cut: int = 0
    #: Tables with audit events that could not be asked, for they are on a Basic plan.
    basic_tables: Sequence[str] = ()
    #: Whether `sources` would name the category guard if there were rows of it.
    looked_for_guard: bool = True


@dataclass(frozen=True, kw_only=True)
class BlindSpot:
    """A condition and its sentence, which may name what the condition found."""

    #: Such as "reads-not-logged"; for tests and documents.
    name: str
    applies: Callable[[Facts], bool]
    sentence: Callable[[Facts], str]


def blind_spots(facts: Facts) -> tuple[str, ...]:
    """Return the sentences that apply, in the order of BLIND_SPOTS. Never raises, whatever the events hold."""
    return tuple(spot.sentence(facts) for spot in BLIND_SPOTS if spot.applies(facts))


# --- conditions ------------------------------------------------------------------------------------


def _has(facts: Facts, names: Sequence[str]) -> bool:
    return any(source.category in names or source.table in names for source in facts.sources)


def _admin_only(facts: Facts) -> bool:
    if facts.categories - {""}:
        return facts.categories <= {"kube-audit-admin", ""}
    return _has(facts, _ADMIN_ONLY) and not _has(facts, _EVERYTHING)


def _some_admin_only(facts: Facts) -> bool:
    is_told = facts.is_one_cluster or bool(facts.categories - {""})
    return not is_told and _has(facts, _ADMIN_ONLY) and _has(facts, _EVERYTHING)


def _without_body(facts: Facts) -> bool:
    return any(
        event.level == "Metadata" and event.verb and event.verb not in READING for event in facts.events
    )


def _guard_off(facts: Facts) -> bool:
    by_entra = any(kind_of(event.username) is IdentityKind.PERSON for event in facts.events)
    known = bool(facts.sources) and facts.looked_for_guard
    return known and by_entra and not any(source.category == _GUARD for source in facts.sources)


def _basic(facts: Facts) -> Sequence[str]:
    return [table for table in dict.fromkeys(facts.basic_tables) if _TABLE.fullmatch(table)]


def _too_big(facts: Facts) -> int:
    return sum(
        any(at(event.raw, name) == TOO_BIG for name in ("requestObject", "responseObject"))
        for event in facts.events
    )


def _typed(facts: Facts) -> bool:
    return any(event.shape is TableShape.TYPED for event in facts.events)


def _sessions(facts: Facts) -> bool:
    return any(event.subresource in _SESSIONS and not _was_refused(event) for event in facts.events)


def _was_refused(event: AuditEvent) -> bool:
    return event.decision == "forbid" or (event.code is not None and event.code >= 400)  # noqa: PLR2004


# --- the table -------------------------------------------------------------------------------------


def _rows(count: int, verb: str) -> str:
    return f"{count:,} row{'' if count == 1 else 's'} {'was' if count == 1 else 'were'} {verb}"


_BLIND = Mapping[str, tuple[Callable[[Facts], bool], Callable[[Facts], str] | str]]
#: Sources: https://learn.microsoft.com/azure/aks/monitor-aks (what the categories hold),
#: https://github.com/kubernetes/kubernetes/pull/123281 (exec over WebSockets is a `get`),
#: https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/ (levels),
#: https://learn.microsoft.com/azure/azure-monitor/reference/tables/aksaudit (no column for impersonation),
#: https://learn.microsoft.com/azure/azure-monitor/logs/basic-logs-query and
#: https://github.com/Azure/AKS/issues/4635 (rows that are cut).
_SPOTS: _BLIND = {
    "reads-not-logged": (
        _admin_only,
        "Not in this log: reads and lists, which the category kube-audit-admin leaves out.",
    ),
    "exec-not-logged": (
        _admin_only,
        "Not in this log: kubectl exec of clients since 1.30, for it is a get, which kube-audit-admin leaves out.",
    ),
    "reads-not-logged-everywhere": (
        _some_admin_only,
        (
            "Not in this log: reads, lists and newer kubectl exec of a cluster that logs kube-audit-admin alone;"
            " blindspots says which."
        ),
    ),
    "no-body": (
        _without_body,
        "Not in this log: the objects of changes at level Metadata, so what changed in them is not known.",
    ),
    "sessions-unseen": (
        _sessions,
        "Not in this log: what was typed or sent once a shell, a port or a proxy was open.",
    ),
    "guard-off": (
        _guard_off,
        "Not in this workspace: how Entra ID sign-ins were judged, for there are no rows of the category guard.",
    ),
    "basic-plan": (
        lambda facts: bool(_basic(facts)),
        lambda facts: f"Not asked: {', '.join(_basic(facts))}, on a Basic plan.",
    ),
    "too-big": (
        lambda facts: _too_big(facts) > 0,
        lambda facts: (
            f"Not in this log: the objects of {_too_big(facts):,} of these events, which were too big for it."
        ),
    ),
    "rows-cut": (
        lambda facts: facts.cut > 0,
        lambda facts: f"Not in this log: the ends of long rows; {_rows(facts.cut, 'cut by Azure')}.",
    ),
    "impersonation-unseen": (
        _typed,
        "Not in this table: whom somebody acted as (impersonation); only AzureDiagnostics has it.",
    ),
}


def _constant(said: str) -> Callable[[Facts], str]:
    return lambda _: said


BLIND_SPOTS: tuple[BlindSpot, ...] = tuple(
    BlindSpot(name=name, applies=applies, sentence=_constant(said) if isinstance(said, str) else said)
    for name, (applies, said) in _SPOTS.items()
)
