from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from audit.alert import Criterion, Dimension
from audit.filter import EventFilter, Wanted, Window
from audit.kql import (
    MAX_IDS,
    TOTAL,
    AlertQueries,
    InvalidTerm,
    events_behind,
    events_by_id,
    events_matching,
)
from audit.kql_guard import RefusedQuery
from tests.audit.kusto_parser import KustoParser
from tests.audit.log_workspace import LogWorkspace
from tests.shared_data import shared_data

START = datetime(2026, 3, 4, 9, 32, 52, tzinfo=UTC)
END = datetime(2026, 3, 4, 9, 37, 52, tzinfo=UTC)
WINDOW = Window(start=START, end=END)
CLUSTER = "/SUBSCRIPTIONS/S/RESOURCEGROUPS/RG/PROVIDERS/MICROSOFT.CONTAINERSERVICE/MANAGEDCLUSTERS/PROD"
OTHER = CLUSTER.replace("PROD", "TEST")
QUERY = (
    'AzureDiagnostics \n| where Category == "kube-audit-admin"\n| where log_s has "coredns"\n'
    '| where log_s has_any ("\\"verb\\":\\"create\\"" )\n'
)


@pytest.fixture
def workspace() -> LogWorkspace:
    return LogWorkspace()


def an_event(audit_id: str = "a-1", **changes: Any) -> dict[str, Any]:
    return {
        "kind": "Event",
        "level": "Metadata",
        "auditID": audit_id,
        "stage": "ResponseComplete",
        "requestURI": "/api/v1/namespaces/kube-system/configmaps/coredns-custom",
        "verb": "create",
        "user": {"username": "alice@contoso.com"},
        "objectRef": {"resource": "configmaps", "name": "coredns-custom", "namespace": "kube-system"},
        **changes,
    }


def a_row(at: datetime, audit_id: str = "a-1", **changes: Any) -> dict[str, Any]:
    event = an_event(audit_id, **changes.pop("event", {}))
    return {
        "TimeGenerated": at.isoformat(),
        "Category": "kube-audit-admin",
        "ResourceId": CLUSTER,
        "_ResourceId": CLUSTER.lower(),
        "Resource": "PROD",
        "log_s": json.dumps(event, separators=(",", ":")),
        **changes,
    }


def a_typed_row(at: datetime, audit_id: str = "a-1", **changes: Any) -> dict[str, Any]:
    event = an_event(audit_id)
    return {
        "TimeGenerated": at.isoformat(),
        "AuditId": audit_id,
        "Stage": event["stage"],
        "RequestUri": event["requestURI"],
        "Verb": event["verb"],
        "User": event["user"],
        "ObjectRef": event["objectRef"],
        "RequestObject": {"data": {"a": "b"}},
        **changes,
    }


def behind(query: str = QUERY, *dimensions: Dimension, limit: int = 50) -> AlertQueries:
    return events_behind(Criterion(query=query, dimensions=dimensions), WINDOW, limit=limit)


# --- events behind an alert ------------------------------------------------------------------------


def test_both_edges_belong_to_the_window(workspace: LogWorkspace) -> None:
    tick = timedelta(microseconds=1)
    times = [START - tick, START, END, END + tick]
    workspace.add("AzureDiagnostics", [a_row(at, f"a-{n}") for n, at in enumerate(times)])
    rows = workspace.run(behind().rows)
    assert [r["TimeGenerated"].replace(tzinfo=UTC) for r in rows] == [END, START]
    assert workspace.run(behind().count) == [{TOTAL: 2}]


def test_nothing_in_the_window_counts_as_nothing(workspace: LogWorkspace) -> None:
    assert workspace.run(behind().count) == [{TOTAL: 0}]
    assert workspace.run(behind().rows) == []


def test_the_newest_rows_come_when_there_are_more_than_the_limit(workspace: LogWorkspace) -> None:
    workspace.add("AzureDiagnostics", [a_row(START + timedelta(seconds=n), f"a-{n}") for n in range(9)])
    rows = workspace.run(behind(limit=3).rows)
    assert [r["TimeGenerated"].second for r in rows] == [0, 59, 58]
    assert workspace.run(behind(limit=3).count) == [{TOTAL: 9}]


def test_every_dimension_is_applied_and_resource_ids_match_whatever_their_case(
    workspace: LogWorkspace,
) -> None:
    workspace.add(
        "AzureDiagnostics",
        [
            a_row(START, "mine", Resource="PROD"),
            a_row(START, "theirs", ResourceId=OTHER, Resource="TEST"),
            a_row(START, "odd", Resource="prod"),
        ],
    )
    queries = behind(
        QUERY, Dimension(name="ResourceId", value=CLUSTER.lower()), Dimension(name="Resource", value="PROD")
    )
    assert [json.loads(r["log_s"])["auditID"] for r in workspace.run(queries.rows)] == ["mine"]
    assert workspace.run(queries.count) == [{TOTAL: 1}]


def test_a_dimension_without_a_value_means_rows_that_have_none(workspace: LogWorkspace) -> None:
    workspace.add("AzureDiagnostics", [a_row(START, "a", Resource=""), a_row(START, "b")])
    queries = behind(QUERY, Dimension(name="Resource", value=""))
    assert workspace.run(queries.count) == [{TOTAL: 1}]


def test_a_hostile_dimension_value_is_only_a_value(workspace: LogWorkspace, parser: KustoParser) -> None:
    hostile = Dimension(name="Resource", value='x" or true | take 1 //')
    workspace.add("AzureDiagnostics", [a_row(START)])
    assert workspace.run(behind(QUERY, hostile).count) == [{TOTAL: 0}]
    assert parser.judge(behind(QUERY, hostile).rows).errors == ()


def test_a_dimension_named_like_a_keyword_is_bracketed(workspace: LogWorkspace, parser: KustoParser) -> None:
    query = f"{QUERY}| extend title = Resource, ['a b'] = Resource"
    workspace.add("AzureDiagnostics", [a_row(START), a_row(START, Resource="TEST")])
    queries = behind(query, Dimension(name="title", value="PROD"), Dimension(name="a b", value="PROD"))
    assert workspace.run(queries.count) == [{TOTAL: 1}]
    assert parser.judge(queries.rows).errors == ()
    assert "tostring(['title'])" in queries.rows


@pytest.mark.parametrize(
    "name", ["", "a']) or true //", "x'y", 'x"y', "a\\b", "a\nb", "x" * 129, "['a']", "tostring(x)", "naïve"]
)
def test_a_dimension_whose_name_no_column_can_have_is_refused(name: str) -> None:
    with pytest.raises(InvalidTerm):
        behind(QUERY, Dimension(name=name, value="x"))


def test_let_statements_comments_and_a_semicolon_keep_working(
    workspace: LogWorkspace, parser: KustoParser
) -> None:
    query = (
        'let word = "coredns"; // what we look for\r\nlet seen = AzureDiagnostics | where log_s has word;\r\n'
        "seen // all | of it\r\n| where Category startswith 'kube-audit' ;  // until here |"
    )
    workspace.add("AzureDiagnostics", [a_row(START), a_row(END + timedelta(seconds=1))])
    assert workspace.run(behind(query).count) == [{TOTAL: 1}]
    assert parser.judge(behind(query).rows).errors == ()


def test_a_render_at_the_end_is_cut(parser: KustoParser) -> None:
    queries = behind("AKSAudit | where Verb == 'delete' | render timechart with (title='| x') // c")
    assert "render" not in queries.rows
    assert parser.judge(queries.rows).errors == ()


@pytest.mark.parametrize(
    ("query", "projected"),
    [
        (QUERY, "log_s, pod_s"),
        ("AKSAudit | where Verb == 'create'", "AuditId, Stage"),
        ("AKSAuditAdmin", "AuditId, Stage"),
        ("let t = 5; AKSAuditAdmin | extend U = tostring(User.username) | where U != 'x'", "AuditId, Stage"),
        ("union AKSAudit, AKSAuditAdmin", "AuditId, Stage"),
        ("AKSAudit | project TimeGenerated, Verb", ""),
        ("AKSAudit | summarize n = count() by Verb, TimeGenerated", ""),
        ("Heartbeat | where Computer == 'x'", ""),
        ("let AKSAudit = Heartbeat; AKSAudit", ""),
        ("let mine = AKSAudit; mine | where Verb == 'x'", "AuditId, Stage"),
        ("AzureDiagnostics | join kind=inner (AKSAudit) on TimeGenerated", ""),
    ],
)
def test_columns_are_chosen_only_where_the_shape_is_certain(
    query: str, projected: str, parser: KustoParser
) -> None:
    queries = behind(query)
    assert ("| project TimeGenerated, Type" in queries.rows) == bool(projected)
    assert projected in queries.rows
    assert parser.judge(queries.rows).errors == ()
    assert parser.judge(queries.count).errors == ()


def test_a_query_that_we_do_not_run_is_refused() -> None:
    with pytest.raises(RefusedQuery):
        behind('workspace("other").AzureDiagnostics')


@pytest.mark.parametrize("limit", [0, -1, 10_001])
def test_a_limit_out_of_bounds_is_a_mistake_of_the_caller(limit: int) -> None:
    with pytest.raises(ValueError, match="rows"):
        behind(limit=limit)


def test_the_real_alert_finds_its_four_rows(workspace: LogWorkspace, parser: KustoParser) -> None:
    alert = json.loads(shared_data("alerts/kubernetes-auditor/sample-alert-post-request.json").read_bytes())
    answer = json.loads(shared_data("alerts/kubernetes-auditor/sample-log-query-result.json").read_bytes())
    condition = alert["data"]["alertContext"]["condition"]
    criterion = condition["allOf"][0]
    window = Window(
        start=datetime.fromisoformat(condition["windowStartTime"]),
        end=datetime.fromisoformat(condition["windowEndTime"]),
    )
    queries = events_behind(
        Criterion(
            query=criterion["searchQuery"], dimensions=tuple(Dimension(**d) for d in criterion["dimensions"])
        ),
        window,
        limit=50,
    )
    workspace.add("AzureDiagnostics", answer["body"]["value"])
    times = [r["TimeGenerated"] for r in workspace.run(queries.rows)]
    assert len(times) == 4
    assert times == sorted(times, reverse=True)
    assert workspace.run(queries.count) == [{TOTAL: 4}]
    assert parser.judge(queries.rows).errors == parser.judge(queries.count).errors == ()


# --- events that somebody asks for -----------------------------------------------------------------


def matching(term: str = "coredns", limit: int = 50) -> AlertQueries:
    return events_matching(EventFilter(what=Wanted(term=term), window=WINDOW), limit=limit)


def test_an_event_in_two_categories_and_tables_is_counted_once(workspace: LogWorkspace) -> None:
    workspace.add(
        "AzureDiagnostics",
        [
            a_row(START, "a"),
            a_row(START, "a", Category="kube-audit"),
            a_row(START, "a", event={"stage": "ResponseStarted"}),
            a_row(START, "a", Category="kube-apiserver"),
            a_row(START, "b", event={"objectRef": {}, "requestURI": "/other"}),
        ],
    )
    workspace.add("AKSAudit", [a_typed_row(END, "a"), a_typed_row(END, "c")])
    workspace.add("AKSAuditAdmin", [a_typed_row(END, "c"), a_typed_row(END + timedelta(seconds=1), "d")])
    assert workspace.run(matching().count) == [{TOTAL: 3}]
    assert len(workspace.run(matching().rows)) == 6
    assert len(workspace.run(matching(limit=2).rows)) == 2


def test_rows_without_an_id_count_each_for_itself(workspace: LogWorkspace) -> None:
    cut = [a_row(START, log_s=f'{{"kind":"Event","level":"Reque coredns {n}') for n in range(3)]
    workspace.add("AzureDiagnostics", cut)
    assert workspace.run(matching().count) == [{TOTAL: 3}]


def test_a_row_that_was_cut_is_told_apart_by_its_id(workspace: LogWorkspace) -> None:
    full = a_row(START, "a")
    workspace.add("AzureDiagnostics", [full, full | {"log_s": full["log_s"][:-20], "Category": "kube-audit"}])
    assert workspace.run(matching().count) == [{TOTAL: 1}]


@pytest.mark.parametrize(
    "place",
    [
        {"RequestUri": "/api/v1/needle?x"},
        {"ObjectRef": {"name": "needle"}},
        {"User": {"username": "needle@x"}},
        {"UserAgent": "kubectl NEEDLE"},
    ],
)
def test_a_typed_row_is_found_by_where_url_user_agent_and_object_say_the_term(
    place: dict[str, Any], workspace: LogWorkspace
) -> None:
    workspace.add("AKSAuditAdmin", [a_typed_row(START, **place), a_typed_row(START, "a-2")])
    assert workspace.run(matching("needle").count) == [{TOTAL: 1}]


def test_a_term_is_found_as_a_whole_word_only(workspace: LogWorkspace) -> None:
    workspace.add("AzureDiagnostics", [a_row(START)])
    assert workspace.run(matching("coredns-custom").count) == [{TOTAL: 1}]
    assert workspace.run(matching("coredn").count) == [{TOTAL: 0}]


def test_queries_about_all_tables_are_accepted_by_the_official_parser(parser: KustoParser) -> None:
    for kql in (matching().rows, matching().count, events_by_id(["a", 'b"'], WINDOW)):
        assert parser.judge(kql).errors == (), kql


def test_only_the_tables_that_there_are_can_be_asked() -> None:
    queries = events_matching(EventFilter(what=Wanted(term="x"), window=WINDOW), limit=5, tables=["AKSAudit"])
    assert "AzureDiagnostics" not in queries.rows + queries.count
    assert "AKSAuditAdmin" not in queries.rows + queries.count


def test_events_are_found_by_id_with_their_bodies(workspace: LogWorkspace) -> None:
    mentions = {"annotations": {"note": "a-1"}}
    workspace.add("AzureDiagnostics", [a_row(END, "a-1"), a_row(START, "a-2", event=mentions)])
    workspace.add("AKSAudit", [a_typed_row(START, "a-1"), a_typed_row(START, "a-3")])
    rows = workspace.run(events_by_id(["a-1", "a-9"], WINDOW))
    assert [(r["AuditId"], bool(r["log_s"])) for r in rows] == [("a-1", False), (None, True)]
    assert json.loads(rows[0]["RequestObject"]) == {"data": {"a": "b"}}


@pytest.mark.parametrize("ids", [[], ["x"] * (MAX_IDS + 1)])
def test_no_ids_or_too_many_are_a_mistake_of_the_caller(ids: list[str]) -> None:
    with pytest.raises(ValueError, match="ids"):
        events_by_id(ids, WINDOW)


def test_a_hostile_id_is_refused_or_quoted(parser: KustoParser) -> None:
    with pytest.raises(InvalidTerm):
        events_by_id(["a\0"], WINDOW)
    assert parser.judge(events_by_id(['") | take 1 //'], WINDOW)).errors == ()


def test_an_object_as_cards_write_it_is_found_by_namespace_and_name(workspace: LogWorkspace) -> None:
    wanted = EventFilter(what=Wanted(term="kube-system/coredns-custom"), window=WINDOW)
    workspace.add(
        "AzureDiagnostics", [a_row(START, "a"), a_row(START, "b", log_s='{"auditID":"b","x":"kube-system"}')]
    )
    rows = workspace.run(events_matching(wanted, limit=10).rows)
    assert len(rows) == 1
    assert '"a"' in rows[0]["log_s"]
