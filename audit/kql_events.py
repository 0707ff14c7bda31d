"""Rows, exact totals and groups of audit events, made by the workspace of any lines that yield rows of their tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from audit.actor import ActorKind
from audit.kql_answers import MAX_GROUPS, EventQueries
from audit.kql_shapes import Shape, fields, kind, prepared
from audit.kql_text import bounded, datetime_literal, lines, literals, union

#: When a row reached the workspace, taken where the table itself is read: later it may not be known any more.
INGESTED = "Ingested_"
TAKE_INGESTED = f"| extend {INGESTED} = ingestion_time()"

#: Verbs that change something. https://kubernetes.io/docs/reference/access-authn-authz/authorization/
WRITES = ("create", "update", "patch", "delete", "deletecollection")

#: One event: the id alone is not believed, for a client may choose it (the Audit-ID header). See audit.distinct.
EVENT = "AuditId, Stage, Verb, Uri, User"
NO_ID = 'AuditId == ""'
_OBJECT = "ApiGroup, Resource, Subresource, Namespace"
_OUTCOME = "Code, Reason, Decision"
_COUNTED = (
    *("AuditId", "Stage", "Verb", "Uri", "User", "Impersonated"),
    *("Received", "IsCut", "IsEvent"),
)
_GROUPED = (
    *(*_COUNTED, "IsLog", "ApiGroup", "Resource", "Subresource", "Namespace", "Name"),
    *("Code", "Reason", "Decision"),
)

#: What rules on bodies must see comes first: (subresources, resources, verbs), empty for any.
_RISKY_SUBRESOURCES = (
    *("exec", "attach", "portforward", "ephemeralcontainers", "token", "proxy", "approval"),
    *("binding", "eviction"),
)
_RISKY_WRITES = (
    *("clusterrolebindings", "rolebindings", "clusterroles", "roles", "certificatesigningrequests"),
    *("mutatingwebhookconfigurations", "validatingwebhookconfigurations", "secrets", "serviceaccounts"),
    *("mutatingadmissionpolicies", "validatingadmissionpolicies", "apiservices", "nodes", "namespaces"),
)
_WORKLOADS = (
    *("pods", "deployments", "daemonsets", "statefulsets", "replicasets", "replicationcontrollers"),
    *("jobs", "cronjobs", "configmaps", "services", "ingresses", "persistentvolumes"),
)
#: Each event whose `rank` is below 2 has one of these words in it.
RISKY_WORDS = (*_RISKY_SUBRESOURCES, *_RISKY_WRITES, *_WORKLOADS)
#: Written all the time by what only says that it is alive.
_CHATTER = ("leases", "events", "endpoints", "endpointslices", "tokenreviews", "subjectaccessreviews")


@dataclass(frozen=True, kw_only=True)
class Leg:
    """Lines of KQL that yield rows of one shape, with the column INGESTED."""

    text: str
    shape: Shape
    #: The tables that the rows come from.
    tables: frozenset[str] = frozenset()
    #: Where a query gave a column another meaning: under which name it is still what it was.
    kept: Mapping[str, str] = field(default_factory=dict)


def event_queries(
    legs: Sequence[Leg],
    *,
    limit: int,
    late_after: datetime | None = None,
    before: str = "",
    name: str = "Copies_",
) -> EventQueries:
    """Build the three queries over the rows of all legs.

    `before` are `let` statements that the legs need, and `name` is one that they do not use.
    """
    return EventQueries(
        rows=f"{before}{_rows(legs, limit)}",
        totals=f"{before}{_totals(legs, late_after)}",
        groups=f"{before}{_groups(legs, name)}",
    )


def normal(leg: Leg, names: Sequence[str], *where: str) -> str:
    """Return the leg's rows with columns of these names, by audit.kql_shapes.fields; `where` are lines before that."""
    known = fields(leg.shape, leg.kept)
    projected = ", ".join(f"{name} = {known[name]}" for name in names)
    ingested = f", Ingested = {INGESTED}, Generated = {known['Generated']}"
    return lines(leg.text, *where, prepared(leg.shape, leg.kept), f"| project {projected}{ingested}")


def together(legs: Sequence[str]) -> str:
    return legs[0] if len(legs) == 1 else union(legs)


def _rows(legs: Sequence[Leg], limit: int) -> str:
    return lines(
        together([_ranked(leg) for leg in legs]),
        "| sort by Kind_ asc, Rank_ asc, TimeGenerated desc",
        f"| take {bounded(limit)}",
        "| project-away Kind_, Rank_",
    )


def _ranked(leg: Leg) -> str:
    known = fields(leg.shape, leg.kept)
    names = ("User", "Impersonated", "Verb", "Resource", "Subresource")
    columns = ", ".join(f"{c} = {leg.kept[c]}" if c in leg.kept else c for c in leg.shape.columns)
    return lines(
        leg.text,
        prepared(leg.shape, leg.kept),
        "| extend " + ", ".join(f"{name}_ = {known[name]}" for name in names),
        f"| extend Kind_ = {kind('User_', 'Impersonated_')}, Rank_ = {rank('Verb_', 'Resource_', 'Subresource_')}",
        f"| project {columns}, Ingested = {INGESTED}, Kind_, Rank_",
    )


def rank(verb: str, resource: str, subresource: str) -> str:
    """Return a number as KQL: the smaller, the more it matters that a rule sees the event and its bodies."""
    writes = f"{verb} in {literals(WRITES)}"
    return (
        f"case({subresource} in {literals(_RISKY_SUBRESOURCES)}, 0,"
        f" {writes} and {resource} in {literals(_RISKY_WRITES)}, 0,"
        f' {resource} == "secrets", 1,'
        f" {writes} and {resource} in {literals(_WORKLOADS)}, 1,"
        f" {writes} and {resource} !in {literals(_CHATTER)}, 2,"
        f" {writes}, 4, 3)"
    )


def _totals(legs: Sequence[Leg], late_after: datetime | None) -> str:
    kinds = ("People", ActorKind.PERSON), ("Workloads", ActorKind.WORKLOAD), ("Platform", ActorKind.PLATFORM)
    return lines(
        together([normal(leg, _COUNTED) for leg in legs]),
        f"| extend Kind = {kind('User', 'Impersonated')}, Happened = coalesce(Received, Generated)",
        f"| extend IsLate = {_is_late(late_after)}, Happened = iff(IsEvent, Happened, datetime(null)),"
        # What has no id is an event of its own, but the actor's kind of each must still be counted.
        f" IdLess = iff({NO_ID}, Kind, -1)",
        # Copies of one event, but for those whose time of receipt Azure cut away …
        "| summarize Rows = count(), Cut = countif(IsCut), Late = countif(IsLate),"
        f" Timed = countif(isnotnull(Ingested)), Own = countif({NO_ID}), Kind = min(Kind),"
        f" First = min(Happened), Last = max(Happened) by IsEvent, IdLess, {EVENT}, Received",
        # … which are copies of the others, if there are any.
        "| summarize Rows = sum(Rows), Cut = sum(Cut), Late = sum(Late), Timed = sum(Timed),"
        " Times = countif(isnotnull(Received)), "
        + ", ".join(
            f"{name}At = countif(isnotnull(Received) and Kind == {k:d}), {name}Own = sumif(Own, Kind == {k:d})"
            for name, k in kinds
        )
        + f", Kind = min(Kind), First = min(First), Last = max(Last) by IsEvent, IdLess, {EVENT}",
        "| extend "
        + ", ".join(
            f"{name} = case(not(IsEvent), 0, {NO_ID}, {name}Own, Times > 1, {name}At, Kind == {k:d}, 1, 0)"
            for name, k in kinds
        ),
        "| summarize Rows = sum(Rows), Cut = sum(Cut), Late = sum(Late), Timed = sum(Timed),"
        " Unreadable = sumif(Rows, not(IsEvent)), People = sum(People), Workloads = sum(Workloads),"
        " Platform = sum(Platform), First = min(First), Last = max(Last)",
        "| project Rows, Events = People + Workloads + Platform, People, Workloads, Platform, Unreadable, Cut,"
        f" Late = {_late(late_after)}, First, Last",
    )


def _is_late(late_after: datetime | None) -> str:
    return f"Ingested > {datetime_literal(late_after)}" if late_after else "false"


def _late(late_after: datetime | None) -> str:
    """Without a time to compare with, or where no row says when it came, nothing is known."""
    return "iff(Timed == 0 and Rows > 0, long(null), Late)" if late_after else "long(null)"


def once(legs: Sequence[Leg], name: str) -> tuple[str, str]:
    """Return `let` statements that begin with `name`, and lines after them that yield a row for each audit event.

    Columns: EVENT's, Impersonated, Received, the object, Name, the outcome, Fullness (below 2 for one that was cut),
    Generated (the earliest TimeGenerated of its copies), First and Last (when it was received). What has no audit id
    is an event of its own: those that agree in all of that are one row of so many `Rows`, which is to be counted for
    such rows alone.
    """
    what = f"{_OBJECT}, Name, {_OUTCOME}"
    copies = lines(
        together([normal(leg, _GROUPED) for leg in legs]),
        "| where IsEvent",
        "| extend Fullness = iff(IsCut, 0, 2) + iff(IsLog, 1, 0), Happened = coalesce(Received, Generated)",
        f"| extend Own = iff({NO_ID}, strcat({what.replace(', ', ', ' + chr(34) + ' ' + chr(34) + ', ')},"
        ' " ", Impersonated, " ", tostring(Generated)), "")',
        "| summarize Rows = count(), First = min(Happened), Last = max(Happened), Generated = min(Generated),"
        f" arg_max(Fullness, Impersonated, {what}) by {EVENT}, Own, Received",
    )
    defined = lines(
        f"let {name} = materialize({copies});",
        f"let {name}Timed = {name} | where isnotnull(Received) or {NO_ID};\n",
    )
    return defined, (
        f"union {name}Timed, ({name} | where isnull(Received) and not({NO_ID})"
        f" | join kind=leftanti {name}Timed on {EVENT})"
    )


def _groups(legs: Sequence[Leg], name: str) -> str:
    defined, events = once(legs, name)
    return defined + lines(
        f"let {name}Groups = materialize({events}",
        f"| extend Kind = {kind('User', 'Impersonated')}, Rank = {rank('Verb', 'Resource', 'Subresource')}",
        f"| extend Events = iff({NO_ID}, Rows, 1),"
        ' Path = iff(Resource == "", tostring(split(Uri, "?")[0]), "")',
        # Names are told apart where they matter, so that 500 groups hold more.
        "| extend Shown = iff(Kind == 0 or Rank < 2, Name, '')",
        "| summarize Count = sum(Events), First = min(First), Last = max(Last),"
        " Cut = sumif(Events, Fullness < 2)"
        f" by Kind, Rank, User, Impersonated, Verb, {_OBJECT}, Shown, Name, Path, {_OUTCOME}",
        "| summarize Count = sum(Count), First = min(First), Last = max(Last), Cut = sum(Cut),"
        " Names = count(), OneName = take_any(Name)"
        f" by Kind, Rank, User, Impersonated, Verb, {_OBJECT}, Shown, Path, {_OUTCOME});",
        f"{name}Groups",
        f"| extend Name = iff(Names == 1, OneName, Shown), Groups = toscalar({name}Groups | count),"
        f" Events = toscalar({name}Groups | summarize sum(Count))",
        "| sort by Kind asc, Rank asc, Count desc, First asc",
        f"| take {MAX_GROUPS}",
        "| project-away Shown, OneName, Rank",
    )
