from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from audit.event import AuditEvent, parse_event
from audit.filter import Window
from audit.kql import (
    MAX_OBJECTS,
    MAX_PEOPLE,
    TABLES,
    Facet,
    FirstSeen,
    InvalidTerm,
    ObjectKey,
    Sources,
    Totals,
    admin_events,
    first_seen,
    previous_states,
    sources,
    what_else,
    workload_events,
)
from tests.audit.audit_rows import log_row, typed_row
from tests.audit.kusto_parser import KustoParser
from tests.audit.log_workspace import LogWorkspace

START = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)
END = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
WINDOW = Window(start=START, end=END)
AT = START + timedelta(minutes=5)
OBJECT = ObjectKey(
    cluster="/SUBSCRIPTIONS/S/MANAGEDCLUSTERS/PROD", resource="configmaps", namespace="shop", name="web"
)


@pytest.fixture
def workspace() -> LogWorkspace:
    return LogWorkspace()


def event(audit_id: str = "a", user: str = "alice@contoso.com", **changes: Any) -> dict[str, Any]:
    return {
        "kind": "Event",
        "level": "RequestResponse",
        "auditID": audit_id,
        "stage": "ResponseComplete",
        "requestURI": "/api/v1/namespaces/shop/configmaps/web",
        "verb": "patch",
        "user": {"username": user},
        "sourceIPs": ["198.51.100.1", "203.0.113.9"],
        "userAgent": "kubectl/v1.31.4 (linux/amd64)",
        "objectRef": {"resource": "configmaps", "namespace": "shop", "name": "web", "apiVersion": "v1"},
        "responseStatus": {"code": 200},
        "requestReceivedTimestamp": "2026-03-04T09:05:00.000000Z",
        "stageTimestamp": "2026-03-04T09:05:00.000000Z",
        "annotations": {"authorization.k8s.io/decision": "allow"},
    } | changes


def state(value: str) -> dict[str, Any]:
    return {"kind": "ConfigMap", "data": {"a": value}}


def read(rows: list[dict[str, Any]]) -> list[AuditEvent]:
    read = [parse_event(row | {"TimeGenerated": row["TimeGenerated"].isoformat()}) for row in rows]
    return [each for each in read if isinstance(each, AuditEvent)]


# --- what else -------------------------------------------------------------------------------------


def test_what_else_a_user_did_includes_what_was_done_in_their_name(workspace: LogWorkspace) -> None:
    mine = event("a") | {"impersonatedUser": {"username": "bob@contoso.com"}}
    workspace.add("AzureDiagnostics", [log_row(mine, AT), log_row(event("b", "carol alice@contoso.com"), AT)])
    workspace.add("AKSAudit", [typed_row(event("c", "bob@contoso.com"), AT), typed_row(event("d"), AT)])
    queries = what_else("bob@contoso.com", WINDOW, limit=10)
    assert sorted(e.audit_id for e in read(workspace.run(queries.rows))) == ["a", "c"]
    assert workspace.run(queries.totals)[0][Totals.EVENTS] == 2
    assert sum(g["Count"] for g in workspace.run(queries.groups)) == 2


@pytest.mark.parametrize("user", ['o"brien\\x', "Zoë <zoe@contoso.com>", "a&b", "system:node:aks-1"])
def test_a_user_whose_name_json_escapes_is_found(user: str, workspace: LogWorkspace) -> None:
    workspace.add("AzureDiagnostics", [log_row(event("a", user), AT)])
    assert workspace.run(what_else(user, WINDOW, limit=10).totals)[0][Totals.EVENTS] == 1


# --- the previous state ----------------------------------------------------------------------------


def test_the_last_state_before_is_found_whichever_table_has_it(workspace: LogWorkspace) -> None:
    older = event("old", responseObject=state("1"))
    newer = event("new", responseObject=state("2"))
    workspace.add("AzureDiagnostics", [log_row(older, START)])
    workspace.add("AKSAuditAdmin", [typed_row(newer, AT, table="AKSAuditAdmin")])
    kql = previous_states([OBJECT], before=END, since=START)
    (found,) = read(workspace.run(kql))
    assert (found.audit_id, found.raw["responseObject"]) == ("new", state("2"))
    (found,) = read(workspace.run(previous_states([OBJECT], before=AT, since=START)))
    assert (found.audit_id, found.raw["responseObject"]) == ("old", state("1"))


@pytest.mark.parametrize(
    "other",
    [
        {"responseStatus": {"code": 403}, "responseObject": state("x")},
        {"verb": "get", "responseObject": state("x")},
        {"verb": "patch", "requestObject": state("x")},
        {"responseObject": "skipped-too-big-size-object"},
        {"objectRef": {"resource": "configmaps", "namespace": "shop", "name": "other"}, "responseObject": {}},
        {
            "objectRef": {
                "resource": "configmaps",
                "namespace": "shop",
                "name": "web",
                "subresource": "status",
            },
            "responseObject": {},
        },
        {
            "objectRef": {"resource": "configmaps", "namespace": "shop", "name": "web", "apiGroup": "x.io"},
            "responseObject": {},
        },
        {},
    ],
)
def test_what_is_no_state_of_the_object_is_passed_over(
    other: Mapping[str, Any], workspace: LogWorkspace
) -> None:
    created = event("made", verb="create", requestObject=state("1"))
    workspace.add("AzureDiagnostics", [log_row(created, START), log_row(event("other", **other), AT)])
    workspace.add("AKSAudit", [typed_row(event("other", **other), AT)])
    assert [e.audit_id for e in read(workspace.run(previous_states([OBJECT], before=END, since=START)))] == [
        "made"
    ]


def test_each_cluster_has_a_state_of_its_own(workspace: LogWorkspace) -> None:
    body = event("a", responseObject=state("1"))
    workspace.add(
        "AzureDiagnostics",
        [log_row(body, AT), log_row(body, AT) | {"_ResourceId": "/subscriptions/s/managedclusters/test"}],
    )
    anywhere = ObjectKey(resource="configmaps", namespace="shop", name="web")
    assert len(workspace.run(previous_states([OBJECT], before=END, since=START))) == 1
    assert len(workspace.run(previous_states([anywhere], before=END, since=START))) == 2


# --- for the first time ----------------------------------------------------------------------------


def test_the_first_time_of_each_thing_comes_in_one_answer(workspace: LogWorkspace) -> None:
    workspace.add("AzureDiagnostics", [log_row(event("z", "bob"), START), log_row(event("a"), AT)])
    workspace.add("AKSAudit", [typed_row(event("b", verb="delete"), AT + timedelta(minutes=1))])
    rows = workspace.run(first_seen(["alice@contoso.com"], since=START, before=END))
    found = {(r[FirstSeen.USER], r[FirstSeen.FACET], r[FirstSeen.VALUE]): r[FirstSeen.FIRST] for r in rows}
    naive, user = AT.replace(tzinfo=None), "alice@contoso.com"
    assert found == {
        ("", Facet.LOG, ""): START.replace(tzinfo=None),
        (user, Facet.NAMESPACE, "shop"): naive,
        (user, Facet.DEED, "patch configmaps"): naive,
        (user, Facet.DEED, "delete configmaps"): naive + timedelta(minutes=1),
        (user, Facet.ADDRESS, "203.0.113.9"): naive,
        (user, Facet.CLIENT, "kubectl/v1.31.4"): naive,
    }


def test_another_cluster_is_no_first_time_here(workspace: LogWorkspace) -> None:
    workspace.add("AzureDiagnostics", [log_row(event("a"), AT)])
    rows = workspace.run(
        first_seen(["alice@contoso.com"], since=START, before=END, cluster_id="/subscriptions/other")
    )
    assert [r[FirstSeen.FACET] for r in rows] == [Facet.LOG]
    assert rows[0][FirstSeen.FIRST] is None


# --- tables ----------------------------------------------------------------------------------------


def test_the_sources_are_told_with_their_first_and_last_row(workspace: LogWorkspace) -> None:
    workspace.add(
        "AzureDiagnostics",
        [log_row(event(), AT), log_row(event(), START), log_row("text", AT, category="guard")],
    )
    workspace.add("AKSControlPlane", [{"TimeGenerated": AT.isoformat(), "Category": "cluster-autoscaler"}])
    rows = workspace.run(sources(WINDOW))
    assert [(r[Sources.TABLE], r[Sources.CATEGORY], r[Sources.ROWS]) for r in rows] == [
        ("AKSControlPlane", "cluster-autoscaler", 1),
        ("AzureDiagnostics", "guard", 1),
        ("AzureDiagnostics", "kube-audit", 2),
    ]
    assert rows[2][Sources.FIRST] == START.replace(tzinfo=None)


def test_the_ready_queries_find_admin_events_and_a_workloads(workspace: LogWorkspace) -> None:
    workspace.add(
        "AzureDiagnostics",
        [log_row(event("a"), AT, category="kube-audit-admin"), log_row(event("b", verb="get"), AT)],
    )
    workspace.add("AKSAudit", [typed_row(event("c", verb="delete"), AT)])
    everything = workspace.run(admin_events(WINDOW, limit=10).rows)
    assert sorted(e.audit_id for e in read(everything)) == ["a", "c"]
    found = workspace.run(workload_events("shop/web", ["patch", "delete"], WINDOW, limit=10).rows)
    assert sorted(e.audit_id for e in read(found)) == ["a", "c"]
    assert not workspace.run(workload_events("we", ["patch"], WINDOW, limit=10).rows)


@pytest.mark.parametrize("tables", [(table,) for table in TABLES] + [TABLES])
def test_the_official_parser_accepts_every_query_for_all_tables_or_one(
    tables: tuple[str, ...], parser: KustoParser
) -> None:
    states = previous_states([OBJECT, OBJECT], before=END, since=START, tables=tables)
    seen = first_seen(["a", 'b"'], since=START, before=END, tables=tables, cluster_id="/x")
    queries = [sources(WINDOW), states, seen]
    for each in (
        what_else("x y", WINDOW, limit=5, tables=tables),
        workload_events("a/b", ["patch"], WINDOW, limit=5, tables=tables),
    ):
        queries += [each.rows, each.totals, each.groups]
    for kql in queries:
        assert parser.judge(kql).errors == (), kql


@pytest.mark.parametrize("many", [0, MAX_OBJECTS + 1])
def test_no_objects_or_people_or_too_many_are_a_mistake_of_the_caller(many: int) -> None:
    with pytest.raises(ValueError, match="objects"):
        previous_states([OBJECT] * many, before=END, since=START)
    with pytest.raises(ValueError, match="people"):
        first_seen(["x"] * min(many, MAX_PEOPLE + 1), since=START, before=END)


def test_what_cannot_stand_in_a_query_is_refused() -> None:
    with pytest.raises(InvalidTerm):
        what_else("\0", WINDOW, limit=5)
    with pytest.raises(InvalidTerm):
        first_seen(["a\u2028"], since=START, before=END)
