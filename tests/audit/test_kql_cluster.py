"""An alert's query narrowed to one cluster, where its rows are read."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from audit.alert import Criterion
from audit.filter import Window
from audit.kql import (
    TOTAL,
    EvidenceQueries,
    InvalidTerm,
    Totals,
    clusters,
    context,
    events_behind,
    evidence_queries,
)
from audit.kql_columns import Clusters
from tests.audit.audit_rows import an_event, log_row, typed_row
from tests.audit.kusto_parser import KustoParser
from tests.audit.log_workspace import LogWorkspace

START = datetime(2026, 3, 4, 9, 32, 52, tzinfo=UTC)
END = datetime(2026, 3, 4, 9, 37, 52, tzinfo=UTC)
WINDOW = Window(start=START, end=END)
HERE = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/here"
ELSEWHERE = HERE.replace("here", "elsewhere")
ALL = ("rows", "totals", "groups", "table", "table_total")


@pytest.fixture
def workspace() -> LogWorkspace:
    """Two events of this cluster and three of another in each table."""
    filled = LogWorkspace()
    for table in ("AzureDiagnostics", "AKSAudit", "AKSAuditAdmin"):
        for n, cluster in enumerate((HERE.lower(), HERE.upper(), ELSEWHERE, ELSEWHERE, ELSEWHERE)):
            at = START + timedelta(seconds=n)
            event = an_event(random.Random(7), f"{table}-{n}", at)
            event |= {"verb": "delete", "stage": "ResponseComplete"}
            row = log_row(event, at) if table == "AzureDiagnostics" else typed_row(event, at, table=table)
            filled.add(table, [row | {"_ResourceId": cluster}])
    return filled


def asked(query: str, cluster: str = HERE) -> EvidenceQueries:
    return evidence_queries(Criterion(query=query), WINDOW, limit=50, cluster=cluster)


@pytest.mark.parametrize(
    ("query", "events"),
    [
        ("AzureDiagnostics", 2),
        ("AKSAudit | where Verb == 'delete'", 2),
        ("AKSAudit | extend _ResourceId = 'x'", 2),
        ("let T = AKSAudit | take 9; T", 2),
        ("let T = AKSAudit; T | where toscalar(T | count) == 5", 2),
        ("union AKSAudit, (AKSAuditAdmin | where Verb == 'delete')", 4),
        ("union withsource=Source AKSAudit, AKSAuditAdmin | where isnotempty(Source)", 4),
    ],
)
def test_only_the_clusters_own_events_are_asked_for(
    query: str, events: int, workspace: LogWorkspace, parser: KustoParser
) -> None:
    queries = asked(query)
    assert queries.is_narrowed
    assert workspace.run(queries.totals)[0][Totals.EVENTS] == events
    assert len(workspace.run(queries.rows)) == events
    for name in ALL:
        assert parser.judge(getattr(queries, name)).errors == (), name


@pytest.mark.parametrize(
    ("query", "counted"),
    [
        ("AKSAudit | summarize n = count()", 2),
        ("AKSAudit | summarize n = count() by Verb", 2),
        ("AzureDiagnostics | extend n = 2 | project n, Category | take 1", 2),
        ("union AKSAudit, AKSAuditAdmin | summarize n = count() by bin(TimeGenerated, 1h)", 4),
        ("let T = AKSAudit | summarize n = count() by Verb; T | where n > 1", 2),
        (
            "let T = AKSAudit | summarize n = count() by Verb; T | where n == toscalar(T | summarize max(n))",
            2,
        ),
    ],
)
def test_a_query_that_reshapes_keeps_its_table_and_that_is_of_the_cluster_alone(
    query: str, counted: int, workspace: LogWorkspace, parser: KustoParser
) -> None:
    queries = asked(query)
    assert queries.is_events
    assert queries.is_narrowed
    for name in ALL:
        assert parser.judge(getattr(queries, name)).errors == (), name
    assert [row["n"] for row in workspace.run(queries.table)] == [counted]
    assert workspace.run(queries.table_total) == [{TOTAL: 1}]


@pytest.mark.parametrize(
    "query",
    [
        "AKSControlPlane | where Category == 'guard'",
        "AKSControlPlane | summarize n = count() by Category",
        "AzureDiagnostics | where Category == 'guard' | summarize n = count()",
        "union AKSAudit, AKSControlPlane | project TimeGenerated",
    ],
)
def test_a_table_of_something_else_is_narrowed_where_it_is_read(query: str, parser: KustoParser) -> None:
    queries = asked(query)
    assert queries.is_narrowed
    assert HERE in queries.table
    assert parser.judge(queries.table).errors == parser.judge(queries.table_total).errors == ()


@pytest.mark.parametrize(
    "query",
    [
        "search in (AKSAudit) 'x'",
        "print x = 1",
        "union withsource=_ResourceId AKSAudit, AKSAuditAdmin",
        "let T = AKSAudit | extend _ResourceId = 1; T | where toscalar(T | count) > 0",
    ],
)
def test_where_there_is_no_place_for_the_cluster_it_is_said_and_all_is_asked_for(query: str) -> None:
    queries = asked(query)
    assert not queries.is_narrowed
    assert not queries.is_events
    assert HERE not in queries.table
    assert asked(query, "").is_narrowed


def test_no_cluster_narrows_nothing(workspace: LogWorkspace) -> None:
    queries = asked("AKSAudit | summarize n = count()", "")
    assert workspace.run(queries.table) == [{"n": 5}]


def test_what_lies_around_the_portals_query_and_whose_rows_there_are_are_narrowed_too(
    workspace: LogWorkspace, parser: KustoParser
) -> None:
    criterion = Criterion(query="AKSAudit | project Verb")
    before = Window(start=END, end=END + timedelta(minutes=1))
    around = context(criterion, before, margin=timedelta(hours=1), cluster=HERE)
    whose = clusters(criterion, WINDOW, cluster=HERE)
    asked_anew = events_behind(Criterion(query="AKSAudit"), WINDOW, limit=5, cluster=HERE)
    assert around is not None
    assert whose is not None
    assert workspace.run(around.before) == [{TOTAL: 2}]
    assert workspace.run(whose) == [{Clusters.CLUSTER: HERE.lower(), Clusters.ROWS: 2}]
    assert workspace.run(asked_anew.count) == [{TOTAL: 2}]
    for kql in (around.before, around.after, whose, asked_anew.rows, asked_anew.count):
        assert parser.judge(kql).errors == ()


def test_a_hostile_cluster_is_refused_or_only_a_value(parser: KustoParser) -> None:
    with pytest.raises(InvalidTerm):
        asked("AKSAudit", "\0")
    hostile = asked("AKSAudit | count", '"; .drop table T //')
    for name in ALL:
        assert parser.judge(getattr(hostile, name)).errors == (), name
