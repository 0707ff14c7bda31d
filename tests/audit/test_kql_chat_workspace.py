from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from audit.asked_rows import clusters_of, cost_of, reach_of
from audit.filter import Window
from audit.kql import LOG_TABLES, TABLES, billed, clusters_seen, reach
from tests.audit.kusto_parser import KustoParser
from tests.audit.log_workspace import LogWorkspace

START = datetime(2026, 3, 4, 9, tzinfo=UTC)
WINDOW = Window(start=START, end=START + timedelta(hours=2))
PROD, TEST = "/subscriptions/s/resourcegroups/g/managedclusters/prod", "/SUBSCRIPTIONS/S/MANAGEDCLUSTERS/TEST"


def a_row(
    minutes: int = 0, cluster: str = PROD, size: float = 1e9, user: str = "alice", **more: Any
) -> dict[str, Any]:
    return {
        "TimeGenerated": (START + timedelta(minutes=minutes)).isoformat(),
        "ResourceId": "/MANAGEDCLUSTERS/X",
        "_ResourceId": cluster,
        "_BilledSize": size,
        "_IsBillable": "True",
        "Category": "kube-audit",
        "log_s": f'{{"auditID":"a","verb":"get","user":{{"username":"{user}"}}}}',
        "AuditId": "a",
        "User": {"username": user},
    } | more


@pytest.fixture
def workspace() -> LogWorkspace:
    made = LogWorkspace()
    made.add(
        "AzureDiagnostics",
        [
            a_row(5),
            a_row(1, user="bob", size=3e9),
            a_row(2, Category="guard", _IsBillable="False"),
            a_row(3, ResourceId="/VAULTS/X", cluster="/vaults/x"),
            a_row(-1),
        ],
    )
    made.add("AKSAudit", [a_row(7, cluster=TEST, size=5e8), a_row(9, cluster=PROD.upper())])
    made.add("AKSControlPlane", [a_row(8, cluster=TEST, Category="kube-apiserver")])
    usage = [
        {
            "TimeGenerated": START.isoformat(),
            "DataType": table,
            "Quantity": 2_500.0,
            "IsBillable": is_billable,
        }
        for table, is_billable in (("AzureDiagnostics", True), ("AKSAudit", False), ("Heartbeat", True))
    ]
    later = {"TimeGenerated": (START + timedelta(hours=1)).isoformat()}
    made.add(
        "Usage", [*usage, usage[0] | later, usage[0] | {"TimeGenerated": "2026-03-04T11:00:00.000001+00:00"}]
    )
    return made


def as_sent(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            name: value.isoformat() + "Z" if isinstance(value, datetime) else value
            for name, value in row.items()
        }
        for row in rows
    ]


def test_clusters_are_told_with_what_of_them_is_logged(workspace: LogWorkspace) -> None:
    test, prod = clusters_of(as_sent(workspace.run(clusters_seen(WINDOW))), "logs-weu")
    assert (prod.id, prod.name, prod.workspace, prod.rows) == (PROD, "prod", "logs-weu", 4)
    assert prod.logged == ("AKSAudit", "AzureDiagnostics guard", "AzureDiagnostics kube-audit")
    assert (prod.first, prod.last) == (START + timedelta(minutes=1), START + timedelta(minutes=9))
    assert (test.id, test.rows) == (TEST.lower(), 2)
    assert test.logged == ("AKSAudit", "AKSControlPlane kube-apiserver")


def test_the_log_reaches_back_to_its_first_audit_row(workspace: LogWorkspace) -> None:
    assert reach_of(as_sent(workspace.run(reach(WINDOW)))) == START + timedelta(minutes=1)
    assert reach_of(as_sent(workspace.run(reach(WINDOW, tables=["AKSAuditAdmin"])))) is None


def test_cost_is_usage_by_table_and_billed_sizes_by_category_and_user(workspace: LogWorkspace) -> None:
    asked = billed(WINDOW)
    cost = cost_of(*(as_sent(workspace.run(kql)) for kql in (asked.usage, asked.categories, asked.actors)))
    assert [(each.what, each.gigabytes) for each in cost.tables] == [("AzureDiagnostics", 5.0)]
    assert [(each.what, each.gigabytes, each.rows) for each in cost.categories] == [
        ("AzureDiagnostics kube-audit", 4.0, 2),
        ("AKSAudit", 1.5, 2),
        ("AKSControlPlane kube-apiserver", 1.0, 1),
        ("AzureDiagnostics guard", 0.0, 1),
    ]
    assert [(each.what, each.gigabytes, each.rows) for each in cost.actors] == [
        ("alice", 3.5, 4),
        ("bob", 3.0, 1),
    ]


def test_where_no_table_holds_audit_events_nobody_is_billed() -> None:
    asked = billed(WINDOW, tables=["AKSControlPlane"])
    assert asked.actors == ""
    assert "AKSAudit" not in asked.usage + asked.categories


@pytest.mark.parametrize("tables", [LOG_TABLES, TABLES, TABLES[:1], TABLES[1:2]], ids="+".join)
def test_the_official_parser_accepts_every_query_for_all_tables_or_one(
    tables: Sequence[str], parser: KustoParser
) -> None:
    asked = billed(WINDOW, tables=tables)
    for kql in (
        *(asked.usage, asked.categories, asked.actors),
        *(clusters_seen(WINDOW, tables=tables), reach(WINDOW, tables=tables)),
    ):
        assert parser.judge(kql).errors == (), kql
