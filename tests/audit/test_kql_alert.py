from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from audit.alert import Criterion, Dimension
from audit.filter import Window
from audit.kql import (
    MAX_TABLE_ROWS,
    TOTAL,
    EvidenceQueries,
    InvalidTerm,
    Totals,
    context,
    evidence_queries,
)
from audit.kql_guard import RefusedQuery, guard
from tests.audit.audit_rows import an_event, log_row, typed_row
from tests.audit.kusto_parser import KustoParser
from tests.audit.log_workspace import LogWorkspace
from tests.audit.test_kql_guard import INNOCENT

START = datetime(2026, 3, 4, 9, 32, 52, tzinfo=UTC)
END = datetime(2026, 3, 4, 9, 37, 52, tzinfo=UTC)
WINDOW = Window(start=START, end=END)
TICK = timedelta(microseconds=1)
BOTH = ("totals", "groups", "rows", "table", "table_total")


@pytest.fixture
def workspace() -> LogWorkspace:
    return LogWorkspace()


def asked(query: str, *dimensions: Dimension, late_after: datetime | None = None) -> EvidenceQueries:
    return evidence_queries(
        Criterion(query=query, dimensions=dimensions), WINDOW, limit=50, late_after=late_after
    )


def fill(workspace: LogWorkspace, *times: datetime, table: str = "AKSAudit", verb: str = "delete") -> None:
    for n, at in enumerate(times):
        event = an_event(random.Random(7), f"{table}-{n}", at) | {"verb": verb, "stage": "ResponseComplete"}
        row = log_row(event, at) if table == "AzureDiagnostics" else typed_row(event, at, table=table)
        workspace.add(table, [row])


# --- the window ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    [
        "AKSAudit | take 1",
        "AKSAudit // the table |\n| top 1 by TimeGenerated desc",
        "let T = AKSAudit; T | take 1",
        "let T = AKSAudit | take 1; T | where Verb == 'delete'",
        "let T = materialize(AKSAudit | take 1); T",
        "let A = AKSAudit; let B = A | where Verb == 'delete'; B | take 1",
        "union (AKSAudit | take 1), AKSAuditAdmin",
        "union isfuzzy=true AKSAudit, AKSAuditAdmin | take 1",
        "union withsource=Source AKSAudit, AKSAuditAdmin | where Source == 'AKSAudit' | take 1",
    ],
)
def test_the_window_stands_before_what_takes_a_few_rows(
    query: str, workspace: LogWorkspace, parser: KustoParser
) -> None:
    fill(workspace, START - TICK, END + TICK, END + 5 * TICK, END, START - 9 * TICK)
    queries = asked(query)
    assert queries.is_events
    assert queries.is_windowed
    assert workspace.run(queries.totals)[0][Totals.ROWS] == 1
    assert len(workspace.run(queries.rows)) == 1
    assert parser.judge(queries.groups).errors == ()


def test_a_definition_that_is_used_elsewhere_too_keeps_its_rows(workspace: LogWorkspace) -> None:
    fill(workspace, START - timedelta(hours=1), START)
    query = "let T = AKSAudit; T | where toscalar(T | count) == 2"
    assert workspace.run(asked(query).totals)[0][Totals.ROWS] == 1


@pytest.mark.parametrize("query", ["print x = 1", "range x from 1 to 5 step 1", "search in (AKSAudit) 'x'"])
def test_where_there_is_no_place_for_the_window_it_is_said(query: str) -> None:
    queries = asked(query)
    assert not queries.is_windowed
    assert not queries.is_events
    assert queries.because == query.split(maxsplit=1)[0]
    assert "TimeGenerated" not in queries.table


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("AKSAudit | where TimeGenerated > ago(2m)", 1),
        ("AKSAudit | where TimeGenerated >= ago(1m * 5)", 2),
        ("AKSAudit | where TimeGenerated == now()", 1),
        ("AKSAudit | where TimeGenerated == now(-5m)", 1),
        ("let since = ago(2m); AKSAudit | where TimeGenerated > since", 1),
        ("AKSAudit | where TimeGenerated between (ago(ago(1m) - ago(2m)) .. now())", 1),
        ("AKSAudit | where UserAgent != 'ago(1h) now()' // now()", 2),
        ("AKSAudit | extend now = 1 | where now == 1", 2),
    ],
)
def test_the_clock_of_a_query_is_the_end_of_the_window(
    query: str, rows: int, workspace: LogWorkspace, parser: KustoParser
) -> None:
    fill(workspace, START, END)
    assert workspace.run(asked(query).totals)[0][Totals.ROWS] == rows
    assert parser.judge(asked(query).rows).errors == ()


# --- what is no events -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "because"),
    [
        ("AKSAudit | summarize n = count() by Verb", "summarize"),
        ("AKSAudit | where Verb == 'delete' | project TimeGenerated, Verb", "project"),
        ("AKSAudit | distinct Verb", "distinct"),
        ("AKSAudit | count", "count"),
        ("AKSAudit | mv-expand SourceIps", "mv-expand"),
        ("AKSAudit | project-away User | summarize count()", "project-away"),
        ("AKSAudit | join kind=inner (AKSAuditAdmin) on Verb", "join"),
        ("let T = AKSAudit | summarize n = count() by Verb; T | where n > 0", "summarize"),
    ],
)
def test_a_query_that_reshapes_gives_its_table_and_the_events_behind_it(
    query: str, because: str, workspace: LogWorkspace, parser: KustoParser
) -> None:
    fill(workspace, START - TICK, START, END)
    fill(workspace, START, table="AKSAuditAdmin")
    queries = asked(query)
    assert (queries.is_events, queries.because) == (True, because)
    assert workspace.run(queries.totals)[0][Totals.EVENTS] == 2
    assert workspace.run(queries.table_total)[0][TOTAL] == len(workspace.run(queries.table)) > 0
    for name in BOTH:
        assert parser.judge(getattr(queries, name)).errors == (), name


@pytest.mark.parametrize(
    ("query", "because"),
    [
        ("AzureDiagnostics | where Category == 'guard'", "guard"),
        ("AzureDiagnostics | where Category in ('cluster-autoscaler', 'guard')", "cluster-autoscaler"),
        ("AzureDiagnostics | where Category has @'scheduler'", "scheduler"),
        ("AKSControlPlane | where Category == 'guard'", "AKSControlPlane"),
        ("Heartbeat", "Heartbeat"),
        ("union AKSAudit, Heartbeat", "Heartbeat"),
    ],
)
def test_a_query_over_something_else_gives_only_its_table(
    query: str, because: str, parser: KustoParser
) -> None:
    queries = asked(query)
    assert (queries.is_events, queries.because, queries.rows) == (False, because, "")
    assert f"| take {MAX_TABLE_ROWS}" in queries.table
    assert parser.judge(queries.table).errors == parser.judge(queries.table_total).errors == ()


@pytest.mark.parametrize(
    "query",
    [
        "AzureDiagnostics | where Category in ('guard', 'kube-audit')",
        "AzureDiagnostics | where Category has 'audit'",
        "AzureDiagnostics | where Category startswith 'kube'",
        "AzureDiagnostics | where Category != 'guard'",
    ],
)
def test_a_query_that_may_return_audit_events_is_read_as_such(query: str) -> None:
    assert asked(query).is_events
    assert asked(query).because == ""


def test_columns_that_a_query_gives_another_meaning_are_read_as_they_were(
    workspace: LogWorkspace, parser: KustoParser
) -> None:
    fill(workspace, START)
    queries = asked(
        "AKSAudit | extend User = tostring(User.username), Verb = 'x' | where isnotempty(Verb)",
    )
    (row,) = workspace.run(queries.rows)
    assert row["Verb"] == "delete"
    assert "username" in row["User"]
    assert parser.judge(queries.totals).errors == parser.judge(queries.rows).errors == ()


# --- dimensions ------------------------------------------------------------------------------------


def test_a_dimension_made_by_the_query_narrows_the_events_behind_it(workspace: LogWorkspace) -> None:
    fill(workspace, START, START, verb="delete")
    fill(workspace, START, table="AKSAuditAdmin", verb="patch")
    query = "union AKSAudit, AKSAuditAdmin | summarize n = count() by What = strcat(Verb, '!'), Level"
    queries = asked(query, Dimension(name="What", value="delete!"))
    assert workspace.run(queries.totals)[0][Totals.EVENTS] == 2
    assert [row["n"] for row in workspace.run(queries.table)] == [2]
    assert queries.ignored_dimensions == ()


def test_a_dimension_that_the_events_do_not_have_is_said_to_be_ignored(workspace: LogWorkspace) -> None:
    fill(workspace, START)
    queries = asked("AKSAudit | summarize n = count() by Verb", Dimension(name="n", value="1"))
    assert queries.ignored_dimensions == ("n",)
    assert workspace.run(queries.totals)[0][Totals.EVENTS] == 1
    assert len(workspace.run(queries.table)) == 1


def test_a_resource_id_narrows_typed_tables_by_the_column_that_they_have(
    workspace: LogWorkspace, parser: KustoParser
) -> None:
    fill(workspace, START)
    mine = Dimension(name="ResourceId", value="/SUBSCRIPTIONS/S/MANAGEDCLUSTERS/PROD")
    queries = asked("AKSAudit | where Verb == 'delete'", mine)
    assert workspace.run(queries.totals)[0][Totals.EVENTS] == 1
    assert parser.judge(queries.rows).errors == ()


def test_a_hostile_dimension_is_refused_or_only_a_value(parser: KustoParser) -> None:
    with pytest.raises(InvalidTerm):
        asked("AKSAudit", Dimension(name="Verb", value="\0"))
    hostile = Dimension(name="Verb", value='x"; .drop table T //')
    for name in ("rows", "totals", "groups"):
        assert parser.judge(getattr(asked("AKSAudit", hostile), name)).errors == ()


# --- the rows --------------------------------------------------------------------------------------


def test_people_come_first_then_what_is_risky_then_what_is_new(workspace: LogWorkspace) -> None:
    def add(audit_id: str, user: str, verb: str, resource: str, seconds: int) -> None:
        event = an_event(random.Random(7), audit_id, START) | {"verb": verb, "user": {"username": user}}
        event |= {"objectRef": {"resource": resource, "namespace": "shop", "name": "x"}}
        event.pop("impersonatedUser", None)
        workspace.add("AzureDiagnostics", [log_row(event, START + timedelta(seconds=seconds))])

    add("platform", "aksService", "create", "clusterrolebindings", 9)
    add("workload", "system:serviceaccount:shop:a", "create", "clusterrolebindings", 8)
    add("reads", "alice", "list", "pods", 7)
    add("old", "alice", "create", "clusterrolebindings", 1)
    add("new", "alice", "create", "clusterrolebindings", 2)
    queries = asked("AzureDiagnostics")
    order = [row["log_s"].split('"auditID":"')[1].split('"')[0] for row in workspace.run(queries.rows)]
    assert order == ["new", "old", "reads", "workload", "platform"]


def test_rows_tell_their_bodies_their_table_and_when_they_arrived(workspace: LogWorkspace) -> None:
    fill(workspace, START)
    (row,) = workspace.run(asked("AKSAudit").rows)
    assert {"RequestObject", "ResponseObject", "Type", "Ingested"} <= row.keys()


def test_late_is_said_only_where_the_time_of_arrival_is_known(workspace: LogWorkspace) -> None:
    fill(workspace, START)
    assert workspace.run(asked("AKSAudit", late_after=END).totals)[0][Totals.LATE] is None
    assert workspace.run(asked("AKSAuditAdmin", late_after=END).totals)[0][Totals.LATE] == 0
    event = an_event(random.Random(1), "late", START)
    workspace.add("AKSAudit", [typed_row(event, START) | {"Ingested": (END + TICK).isoformat()}])
    assert workspace.run(asked("AKSAudit", late_after=END).totals)[0][Totals.LATE] == 1
    assert workspace.run(asked("AKSAudit").totals)[0][Totals.LATE] is None


# --- the rest --------------------------------------------------------------------------------------


def test_what_lies_just_before_and_after_is_counted_apart(
    workspace: LogWorkspace, parser: KustoParser
) -> None:
    minutes = timedelta(minutes=5)
    fill(workspace, START - minutes - TICK, START - minutes, START - TICK, START, END, END + TICK)
    found = context(Criterion(query="AKSAudit | where TimeGenerated > ago(1d)"), WINDOW)
    assert found is not None
    assert workspace.run(found.before) == [{TOTAL: 2}]
    assert workspace.run(found.after) == [{TOTAL: 1}]
    assert parser.judge(found.before).errors == ()
    assert context(Criterion(query="Heartbeat"), WINDOW) is None


def test_nothing_is_asked_of_a_table_that_there_is_not() -> None:
    queries = evidence_queries(Criterion(query="AKSAudit"), WINDOW, tables=["AzureDiagnostics"], limit=5)
    assert not queries.is_events


def test_a_query_that_we_do_not_run_is_refused() -> None:
    with pytest.raises(RefusedQuery):
        asked("workspace('x').AKSAudit")


def test_names_of_ours_never_meet_names_of_the_query(workspace: LogWorkspace, parser: KustoParser) -> None:
    fill(workspace, START)
    queries = asked("let Copies_ = 5; let Copies_Timed = 1; AKSAudit | where Copies_ == 5")
    assert parser.judge(queries.groups).errors == ()
    assert len(workspace.run(queries.groups)) == 1


def test_a_query_without_mistakes_gives_queries_without_mistakes(parser: KustoParser) -> None:
    faultless = [query for query in INNOCENT if not parser.judge(guard(query)).errors]
    assert len(faultless) > 20
    for query in faultless:
        queries = asked(query)
        for name in BOTH:
            assert parser.judge(getattr(queries, name)).errors == (), (name, query)
