"""Every ready query by name: what it answers, what it needs, and how it reads. `docs/queries.md` is made from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from audit.alert import Criterion
from audit.filter import EventFilter, Outcome, Wanted, Window
from audit.kql import (
    MAX_ACTORS,
    MAX_BUSIEST,
    MAX_FACETS,
    MAX_GROUPS,
    MAX_TABLE_ROWS,
    EventQueries,
    ObjectKey,
    activity_asked,
    actors_asked,
    admin_events,
    alert_query,
    arrived_since,
    billed,
    clusters_seen,
    context,
    events_asked,
    events_by_id,
    events_listed,
    evidence_queries,
    first_seen,
    previous_states,
    reach,
    sources,
    what_else,
    workload_events,
)

#: Tables of a workspace -> the queries, each with a name; those that do not apply are "".
Example = Callable[[Sequence[str]], Mapping[str, str]]

_WINDOW = Window(
    start=datetime(2026, 3, 4, 9, 32, 52, tzinfo=UTC), end=datetime(2026, 3, 4, 9, 37, 52, tzinfo=UTC)
)
_MONTH_BEFORE = _WINDOW.start - timedelta(days=30)
_CLUSTER = "/subscriptions/…/managedClusters/aks-prod"
_ALERTS = {
    "AzureDiagnostics": 'AzureDiagnostics\n| where Category == "kube-audit-admin"\n| where log_s has "coredns"',
    "AKSAudit": 'AKSAudit\n| where Verb == "delete" and TimeGenerated > ago(5m)',
    "AKSAuditAdmin": 'AKSAuditAdmin\n| where Verb == "delete"',
}
_ROWS = 500


@dataclass(frozen=True, kw_only=True)
class NamedQuery:
    """A ready query. `build` gives it as it reads for a workspace that has these tables."""

    #: The function of audit.kql that makes it.
    name: str
    title: str
    answers: str
    #: Name and meaning of each parameter.
    parameters: tuple[tuple[str, str], ...]
    build: Example


def _all_of(queries: EventQueries) -> dict[str, str]:
    return {"rows": queries.rows, "totals": queries.totals, "groups": queries.groups}


def _evidence(tables: Sequence[str]) -> dict[str, str]:
    (table, *_) = tables
    events = evidence_queries(
        Criterion(query=_ALERTS[table]),
        _WINDOW,
        tables=tables,
        limit=_ROWS,
        late_after=_WINDOW.end,
        cluster=_CLUSTER,
    )
    reshaped = evidence_queries(
        Criterion(query=f"{_ALERTS[table]}\n| summarize Rows = count() by bin(TimeGenerated, 1m)"),
        _WINDOW,
        tables=tables,
        limit=_ROWS,
        cluster=_CLUSTER,
    )
    return {
        "rows": events.rows,
        "totals": events.totals,
        "groups": events.groups,
        "table": reshaped.table,
        "table_total": reshaped.table_total,
    }


def _context(tables: Sequence[str]) -> dict[str, str]:
    found = context(Criterion(query=_ALERTS[tables[0]]), _WINDOW)
    return {"before": found.before, "after": found.after} if found else {}


#: "audits coredns verb delete denied last 5m"
_ASKED = EventFilter(what=Wanted(term="coredns", verbs=("delete",), outcome=Outcome.DENIED), window=_WINDOW)


def _activity(tables: Sequence[str]) -> dict[str, str]:
    found = activity_asked(_ASKED, timedelta(minutes=1), tables=tables)
    return {"buckets": found.buckets, "actors": found.actors, "objects": found.objects}


def _billed(tables: Sequence[str]) -> dict[str, str]:
    found = billed(_WINDOW, tables=tables)
    return {"usage": found.usage, "categories": found.categories, "actors": found.actors}


_WINDOW_MEANS = ("window", "a span of time by `TimeGenerated`; both edges belong to it")
_TABLES_MEAN = ("tables", "the tables that the workspace has")
_WANTED_MEANS = (
    "wanted",
    "window, clusters, and what must hold: a word anywhere, the object, verb and address, a word of user and client …",
)
_LIMIT_MEANS = ("limit", "the most rows; totals and groups are of all of them")

CATALOGUE: tuple[NamedQuery, ...] = (
    NamedQuery(
        name="evidence_queries",
        title="What is behind an alert",
        answers=(
            "The alert's own query in exactly the alert's window: the rows that matter most, all of them counted,"
            f" and up to {MAX_GROUPS} groups. A query that ends in `summarize`, `project` and the like also gives its"
            f" own table, up to {MAX_TABLE_ROWS} rows of it and how many there are."
        ),
        parameters=(
            ("criterion", "the alert's query and dimensions; the query has passed the guard"),
            _WINDOW_MEANS,
            _TABLES_MEAN,
            _LIMIT_MEANS,
            ("late_after", "rows that were ingested after this are counted as late"),
            (
                "cluster",
                "resource id of the cluster, or nothing for all: narrows the rows where they are read",
            ),
        ),
        build=_evidence,
    ),
    NamedQuery(
        name="context",
        title="Just before and just after",
        answers="How many rows the same query returns for the five minutes before and after the window.",
        parameters=(
            ("criterion", "as above"),
            _WINDOW_MEANS,
            ("margin", "how long before and after"),
            ("cluster", "as above"),
        ),
        build=_context,
    ),
    NamedQuery(
        name="admin_events",
        title="All admin events",
        answers="All requests but get and list, which is what the category kube-audit-admin holds.",
        parameters=(_WINDOW_MEANS, _TABLES_MEAN, _LIMIT_MEANS),
        build=lambda tables: _all_of(admin_events(_WINDOW, tables=tables, limit=_ROWS)),
    ),
    NamedQuery(
        name="workload_events",
        title="A workload with verbs",
        answers="Events in which a workload's name occurs as a whole word, with one of some verbs.",
        parameters=(
            ("workload", "its name, or namespace/name"),
            ("verbs", "such as patch and delete"),
            _WINDOW_MEANS,
            _TABLES_MEAN,
            _LIMIT_MEANS,
        ),
        build=lambda tables: _all_of(
            workload_events("node-resolver-ds", ["patch", "delete"], _WINDOW, tables=tables, limit=_ROWS)
        ),
    ),
    NamedQuery(
        name="events_asked",
        title="What was asked in the chat",
        answers="The events that are wanted: the rows that matter most, all of them counted, and groups.",
        parameters=(_WANTED_MEANS, _TABLES_MEAN, _LIMIT_MEANS),
        build=lambda tables: _all_of(events_asked(_ASKED, limit=_ROWS, tables=tables)),
    ),
    NamedQuery(
        name="actors_asked",
        title="Who did it",
        answers=(
            f"Up to {MAX_ACTORS} users, people first, with how many events and objects, how many of them failed, and"
            " what they did last."
        ),
        parameters=(_WANTED_MEANS, _TABLES_MEAN),
        build=lambda tables: {"rows": actors_asked(_ASKED, tables=tables)},
    ),
    NamedQuery(
        name="activity_asked",
        title="Activity",
        answers=f"Events by step of time and kind of actor, and the {MAX_BUSIEST} busiest users and objects.",
        parameters=(_WANTED_MEANS, ("step", "how long a step is"), _TABLES_MEAN),
        build=_activity,
    ),
    NamedQuery(
        name="events_listed",
        title="Each event, page by page",
        answers=(
            "Each event once, newest first, of the rows that reached the workspace up to a moment: so that no page"
            " has one twice or leaves one out, whatever arrives in between."
        ),
        parameters=(
            _WANTED_MEANS,
            ("known_at", "that moment"),
            ("cursor", "the instant and digests where the page before ended, or nothing"),
            ("limit", "the most events"),
            _TABLES_MEAN,
        ),
        build=lambda tables: {
            "rows": events_listed(
                _ASKED, known_at=_WINDOW.end, cursor=(_WINDOW.end, ("c0ffee" * 10,)), limit=25, tables=tables
            )
        },
    ),
    NamedQuery(
        name="arrived_since",
        title="Arrived since",
        answers="How many wanted events no page has, because they reached the workspace later.",
        parameters=(_WANTED_MEANS, ("known_at", "as above"), _TABLES_MEAN),
        build=lambda tables: {"count": arrived_since(_ASKED, known_at=_WINDOW.end, tables=tables)},
    ),
    NamedQuery(
        name="alert_query",
        title="What is watched",
        answers="The same events as the query of an alert rule: it has no window, which whoever runs it puts in.",
        parameters=(_WANTED_MEANS, _TABLES_MEAN),
        build=lambda tables: {"rows": alert_query(_ASKED, tables=tables)},
    ),
    NamedQuery(
        name="events_by_id",
        title="Raw log",
        answers="Whole events, bodies included, oldest first.",
        parameters=(("audit_ids", "audit ids, as rows give them"), _WINDOW_MEANS, _TABLES_MEAN),
        build=lambda tables: {
            "rows": events_by_id(["c0ffee00-0000-4000-8000-000000000011"], _WINDOW, tables=tables)
        },
    ),
    NamedQuery(
        name="what_else",
        title="What else this actor did",
        answers="All that one user did, or that was done in the user's name, in all clusters of the workspace.",
        parameters=(
            ("user", "the user name that the API server authenticated"),
            _WINDOW_MEANS,
            _TABLES_MEAN,
            _LIMIT_MEANS,
        ),
        build=lambda tables: _all_of(what_else("alice@contoso.com", _WINDOW, tables=tables, limit=_ROWS)),
    ),
    NamedQuery(
        name="previous_states",
        title="The state before",
        answers="For each object the last successful write that has the whole object in it, before a time.",
        parameters=(
            ("objects", "cluster, API group, resource, namespace and name of each"),
            ("before", "up to here, exclusive"),
            ("since", "from here on"),
            _TABLES_MEAN,
        ),
        build=lambda tables: {
            "rows": previous_states(
                [
                    ObjectKey(
                        cluster=_CLUSTER,
                        resource="configmaps",
                        namespace="kube-system",
                        name="coredns-custom",
                    )
                ],
                before=_WINDOW.start,
                since=_MONTH_BEFORE,
                tables=tables,
            )
        },
    ),
    NamedQuery(
        name="first_seen",
        title="For the first time",
        answers=(
            "When each person first touched each namespace, used each verb on each kind, and came from each address"
            f" and client, and how far back the log reaches. At most {MAX_FACETS:,} rows: with as many, nothing is said."
        ),
        parameters=(
            ("people", "user names"),
            ("since", "from here on"),
            ("before", "up to here, exclusive"),
            _TABLES_MEAN,
            ("cluster_id", "resource id of the cluster, or nothing for all"),
        ),
        build=lambda tables: {
            "rows": first_seen(
                ["alice@contoso.com"],
                since=_MONTH_BEFORE,
                before=_WINDOW.start,
                tables=tables,
                cluster_id=_CLUSTER,
            )
        },
    ),
    NamedQuery(
        name="sources",
        title="What the workspace has",
        answers="Which tables and categories of AKS have rows, how many, and from when to when.",
        parameters=(_WINDOW_MEANS,),
        build=lambda _: {"rows": sources(_WINDOW)},
    ),
    NamedQuery(
        name="clusters_seen",
        title="Which clusters there are",
        answers="Each cluster with the tables and categories that have rows of it, and from when to when.",
        parameters=(_WINDOW_MEANS, _TABLES_MEAN),
        build=lambda tables: {"rows": clusters_seen(_WINDOW, tables=tables)},
    ),
    NamedQuery(
        name="reach",
        title="How far back",
        answers="When the first row of the audit log in the window was generated.",
        parameters=(_WINDOW_MEANS, _TABLES_MEAN),
        build=lambda tables: {"rows": reach(_WINDOW, tables=tables)},
    ),
    NamedQuery(
        name="billed",
        title="What it costs",
        answers=(
            "What the tables cost by the workspace's own `Usage` (megabytes of 10^6 bytes, by the hour, whosever rows"
            " lie in them), and what rows of AKS cost by category and by user (`_BilledSize`, bytes)."
        ),
        parameters=(_WINDOW_MEANS, _TABLES_MEAN),
        build=_billed,
    ),
)
