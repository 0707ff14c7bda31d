"""An alert's own query, made to ask for exactly the alert's window."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from audit.alert import Criterion, Dimension
from audit.filter import Window
from audit.kql_answers import (
    MAX_CLUSTERS,
    MAX_TABLE_ROWS,
    AlertQueries,
    ContextQueries,
    EvidenceQueries,
)
from audit.kql_columns import Clusters
from audit.kql_events import INGESTED, TAKE_INGESTED, Leg, event_queries
from audit.kql_guard import guard
from audit.kql_lexer import Kind, Token
from audit.kql_pipeline import Pipeline
from audit.kql_shapes import BODIES, CATEGORIES, DIAGNOSTICS, TABLES, Shape
from audit.kql_text import COUNTED, bounded, column, datetime_literal, in_window, lines, literal, newest

#: How much before and after the window is context.
CONTEXT = timedelta(minutes=5)
_TICK = timedelta(microseconds=1)
_LONGEST_REASON = 60
_NONE: tuple[str, ...] = ()
#: Whose row it is, in changing case.
_RESOURCE_ID = "_ResourceId"

#: Columns that every row of the tables has, as far as rules are split by them. What AzureDiagnostics calls
#: after a type was a field of some service.
_SPLIT_BY = frozenset((_RESOURCE_ID, "_SubscriptionId", "TenantId", "Type", "SourceSystem"))
_SPLIT_LOGS_BY = frozenset(
    (
        *("ResourceId", "Resource", "ResourceGroup", "ResourceType", "ResourceProvider", "SubscriptionId"),
        *("Category", "OperationName", "Level", "log_s", "pod_s", "stream_s", "ccpNamespace_s"),
    )
)
#: How a query may say which category it wants.
_EQUALS = frozenset(("==", "=~", "in", "in~"))
_PART = frozenset(("has", "has_cs", "contains", "contains_cs", "startswith", "startswith_cs"))


@dataclass(frozen=True, kw_only=True)
class _Read:
    """What a criterion's query comes to in one window."""

    #: The query itself, in the window if that can be put there, narrowed by all dimensions.
    whole: str
    is_windowed: bool
    #: Of its beginning, which yields rows of audit events: definitions, and lines after them. None if it does not.
    head: str
    leg: Leg | None
    because: str
    ignored: tuple[str, ...]
    #: Narrowed by the cluster, where there is one.
    is_narrowed: bool
    #: A name that the query has no use for.
    name: str


def evidence_queries(
    criterion: Criterion,
    window: Window,
    *,
    tables: Sequence[str] = TABLES,
    limit: int,
    late_after: datetime | None = None,
    cluster: str = "",
) -> EvidenceQueries:
    """Build the queries for what one criterion of an alert saw in the window, both edges included.

    `ago()` and `now()` in it mean the window's end. Every dimension is applied where its column is. `limit` is the
    most `rows`; Totals.LATE counts rows that were ingested after `late_after`. A table that is not in `tables` is one
    that the workspace does not have: nothing of it is asked. `cluster` (a resource id in any case, "" for all) narrows
    the rows where they are read, as Azure runs a rule in a cluster's own scope; what a query joins to them it does
    not narrow. Where the place is not certain nothing is narrowed, which `is_narrowed` says. Raises RefusedQuery for
    the query and InvalidTerm for a dimension or the cluster.
    """
    read = _read(criterion, window, cluster)
    table = total = ""
    if read.because:
        table, total = lines(read.whole, f"| take {MAX_TABLE_ROWS}"), lines(read.whole, COUNTED)
    if read.leg is None or not any(name in tables for name in read.leg.tables):
        return EvidenceQueries(
            is_events=False,
            table=table or lines(read.whole, f"| take {MAX_TABLE_ROWS}"),
            table_total=total or lines(read.whole, COUNTED),
            because=read.because,
            is_windowed=read.is_windowed,
            is_narrowed=read.is_narrowed,
        )
    events = event_queries([read.leg], limit=limit, late_after=late_after, before=read.head, name=read.name)
    return EvidenceQueries(
        is_events=True,
        rows=events.rows,
        totals=events.totals,
        groups=events.groups,
        table=table,
        table_total=total,
        because=read.because,
        ignored_dimensions=read.ignored,
        is_windowed=read.is_windowed,
        is_narrowed=read.is_narrowed,
    )


def events_behind(criterion: Criterion, window: Window, *, limit: int, cluster: str = "") -> AlertQueries:
    """Build the queries for the newest rows of what one criterion of an alert saw, and for how many there are.

    Without bodies, both edges of the window included; a query that yields no audit events as they are is asked as it
    is. `cluster` narrows and all is raised as in evidence_queries.
    """
    read = _read(criterion, window, cluster)
    if read.leg is None or read.because:
        return AlertQueries(
            rows=lines(read.whole, f"| take {bounded(limit)}"), count=lines(read.whole, COUNTED)
        )
    columns = (name for name in read.leg.shape.columns if name not in BODIES)
    projected = (f"{name} = {read.leg.kept[name]}" if name in read.leg.kept else name for name in columns)
    return AlertQueries(
        rows=read.head
        + lines(read.leg.text, f"| project {', '.join(projected)}, Ingested = {INGESTED}", newest(limit)),
        count=read.head + lines(read.leg.text, COUNTED),
    )


def context(
    criterion: Criterion, window: Window, *, margin: timedelta = CONTEXT, cluster: str = ""
) -> ContextQueries | None:
    """Build the queries that count what the same query returns for `margin` before and after the window.

    `ago()` and `now()` mean the end of each. None where the query yields no audit events. `cluster` narrows and all is
    raised as in evidence_queries.
    """
    counted = []
    for part in (
        Window(start=window.start - margin, end=window.start - _TICK),
        Window(start=window.end + _TICK, end=window.end + margin),
    ):
        read = _read(criterion, part, cluster)
        if read.leg is None:
            return None
        counted.append(read.head + lines(read.leg.text, COUNTED))
    return ContextQueries(before=counted[0], after=counted[1])


def clusters(criterion: Criterion, window: Window, *, cluster: str = "") -> str | None:
    """Build the query for whose rows one criterion of an alert saw; columns are Clusters, at most MAX_CLUSTERS rows.

    None where the query yields no audit events. `cluster` narrows and all is raised as in evidence_queries.
    """
    read = _read(criterion, window, cluster)
    if read.leg is None:
        return None
    resource_id = read.leg.kept.get(_RESOURCE_ID, _RESOURCE_ID)
    return read.head + lines(
        read.leg.text,
        f"| summarize {Clusters.ROWS} = count() by {Clusters.CLUSTER} = tolower({resource_id})",
        f"| where isnotempty({Clusters.CLUSTER})",
        f"| sort by {Clusters.CLUSTER} asc",
        f"| take {MAX_CLUSTERS}",
    )


def _read(criterion: Criterion, window: Window, cluster: str) -> _Read:
    query = Pipeline(guard(criterion.query))
    source = query.source
    clock = query.clock_edits(datetime_literal(window.end))
    of_cluster = _of_cluster(query, cluster)
    wanted = lines(in_window(window), of_cluster)
    whole = query.edited([*clock, *query.window_edits(wanted)])
    shape = Shape.of(source.tables)
    kept = {name: f"Kept_{name}" for name in shape.columns if name in source.assigned}
    because = _because(query)
    head, leg, ignored = "", None, _NONE
    if _yields_events(query) and (source.is_at_tables or not kept):
        keeping = f"| extend {', '.join(f'{new} = {old}' for old, new in kept.items())}" if kept else ""
        edits = query.window_edits(lines(wanted, TAKE_INGESTED, keeping))
        body = query.edited([*clock, *edits], *source.body)
        head = query.edited([*clock, *edits], 0, source.head)
        filters, ignored = _narrowed(query, criterion.dimensions, shape)
        leg = Leg(text=lines(body, *filters), shape=shape, kept=kept, tables=source.tables)
    return _Read(
        whole=lines(whole, *map(_of_dimension, criterion.dimensions)),
        is_windowed=bool(source.places),
        head=head,
        leg=leg,
        because=because if because or leg else _beginning(query),
        ignored=ignored,
        is_narrowed=bool(of_cluster) or not cluster,
        name=query.free_name("Copies_"),
    )


def _of_cluster(query: Pipeline, cluster: str) -> str:
    """Return the line that keeps a cluster's rows where they are read; "" where there `_ResourceId` is not certain.

    It is a standard column of tables whose rows are some resource's:
    https://learn.microsoft.com/azure/azure-monitor/logs/log-standard-columns#_resourceid
    """
    source = query.source
    is_known = bool(source.places) and (source.is_at_tables or _RESOURCE_ID not in source.assigned)
    return f"| where {_RESOURCE_ID} =~ {literal(cluster)}" if cluster and is_known else ""


def _yields_events(query: Pipeline) -> bool:
    tables = query.source.tables
    return bool(tables and query.source.places and tables <= set(TABLES)) and not _other_category(query)


def _because(query: Pipeline) -> str:
    """Say why the query's own result is to be shown: it is no audit events as they are."""
    source = query.source
    if not source.tables:
        return _beginning(query)
    if others := sorted(source.tables - set(TABLES)):
        return ", ".join(others)[:_LONGEST_REASON]
    return _other_category(query) or source.reshaped_by[:_LONGEST_REASON]


def _beginning(query: Pipeline) -> str:
    return query.beginning[:_LONGEST_REASON]


def _other_category(query: Pipeline) -> str:
    """Return the category that the query asks for, if it names some and none of them holds audit events."""
    if DIAGNOSTICS not in query.source.tables:
        return ""
    wanted = list(_categories(query.tokens))
    if not wanted or any(holds for _, holds in wanted):
        return ""
    return wanted[0][0][:_LONGEST_REASON]


def _categories(found: Sequence[Token]) -> Iterator[tuple[str, bool]]:
    """Yield each category that is asked for, and whether it may hold audit events."""
    for at, (name, operator) in enumerate(pairwise(found)):
        if name.text != "Category" or operator.text not in _EQUALS | _PART:
            continue
        for token in found[at + 2 :]:
            if token.kind is Kind.STRING:
                value = token.text.lstrip("hH@").strip("\"'`~")
                same = value.casefold() in CATEGORIES
                part = operator.text in _PART and any(value.casefold() in each for each in CATEGORIES)
                yield value, same or part
            elif token.text not in {"(", ","}:
                break


def _narrowed(
    query: Pipeline, dimensions: Sequence[Dimension], shape: Shape
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the lines for those dimensions that can be told of the events, and the names of the others."""
    found, ignored = [], []
    for dimension in dimensions:
        expression = _expression(query, dimension.name, shape)
        if expression:
            found.append(_equals(dimension, expression))
        else:
            ignored.append(dimension.name)
    return tuple(found), tuple(ignored)


def _expression(query: Pipeline, name: str, shape: Shape) -> str:
    """Return what a dimension is, of rows that are not reshaped yet; "" where that is not certain."""
    source = query.source
    if not source.reshaped_by:
        # What all rows have in `log_s` mode is called otherwise in the typed tables.
        return "_ResourceId" if name == "ResourceId" and not shape.has_log else column(name)
    derived = (source.derived or {}).get(name)
    if derived and derived != name:
        return f"({derived})"
    if name in source.assigned or name in _SPLIT_BY:
        return column(name)
    if shape.has_log:
        return column(name) if name in _SPLIT_LOGS_BY and not shape.has_columns else ""
    if name == "ResourceId":
        return "_ResourceId"
    return column(name) if name in shape.columns else ""


def _of_dimension(dimension: Dimension) -> str:
    """Return the line that keeps the rows of a dimension."""
    return _equals(dimension, column(dimension.name))


def _equals(dimension: Dimension, expression: str) -> str:
    """Azure writes resource ids in changing case; every other value is compared as it is."""
    if not dimension.value:
        return f"| where isempty(tostring({expression}))"
    operator = "=~" if dimension.value.casefold().startswith("/subscriptions/") else "=="
    return f"| where tostring({expression}) {operator} {literal(dimension.value)}"
