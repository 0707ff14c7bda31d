from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from audit import kql
from audit.alert import parse_alert
from audit.filter import EventFilter, Wanted, Window
from sandbox.engine import Engine, Limits, Result
from sandbox.rows import read_events
from sandbox.tables import AKS_AUDIT_ADMIN, AZURE_DIAGNOSTICS, TABLES, Rows
from tests.fakes import NOW, FakeClock
from tests.samples import sample
from tests.sandbox.engine_stage import CLUSTER, OTHER, event, rows, values
from tests.shared_data import shared_data


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def engine(clock: FakeClock) -> Iterator[Engine]:
    engine = Engine(clock, Limits(range_values=1000))
    yield engine
    engine.close()


# --- what the tables hold --------------------------------------------------------------------------


async def test_the_tables_have_the_documented_columns_and_types(engine: Engine) -> None:
    for table, columns in TABLES.items():
        schema = await engine.ask(f"{table} | getschema | project ColumnName, ColumnType")
        assert [tuple(row) for row in schema.rows] == list(columns.items())


async def test_rows_come_back_as_they_went_in(engine: Engine) -> None:
    log = json.dumps(event("x"), separators=(",", ":")) + "\n"
    given = {
        "AuditId": "a\u0000b",
        "RequestUri": "/ü\n\u2028😀",
        "User": {"username": "bob", "extra": {"k": ['"', "\\"]}},
        "RequestObject": "skipped-too-big-size-object",
        "Verb": None,
        "TimeGenerated": "2026-03-04T09:38:59.123456Z",
        "Type": "AKSAuditAdmin",
        "UnknownColumn": 1,
    }
    assert engine.ingest(rows(event("x"), given)) == 2

    assert await values(engine, "AzureDiagnostics | project log_s") == [log]
    row = (
        await engine.ask(
            "AKSAuditAdmin | project AuditId, RequestUri, tostring(User.extra.k[1]), RequestObject, Verb, TimeGenerated"
        )
    ).rows[0]
    assert row == (
        "a\u0000b",
        "/ü\n\u2028😀",
        "\\",
        '"skipped-too-big-size-object"',
        "",
        datetime(2026, 3, 4, 9, 38, 59, 123456),  # noqa: DTZ001  (Kusto has no zones)
    )


async def test_string_columns_are_never_null(engine: Engine) -> None:
    engine.ingest(rows(event(), {"AuditId": "1", "Verb": "get", "Type": "AKSAudit"}))
    for table in (AZURE_DIAGNOSTICS, "AKSAudit"):
        for row in (await engine.ask(f"{table} | take 1")).rows:
            columns = zip(TABLES[table].items(), row, strict=True)
            assert not [name for (name, kind), value in columns if kind == "string" and value is None]


async def test_rows_can_be_added_while_it_runs(engine: Engine) -> None:
    engine.ingest(rows(event("one")))
    assert await values(engine, "AzureDiagnostics | count") == [1]
    engine.ingest(rows(event("two"), event("three")))
    assert await values(engine, "AzureDiagnostics | count") == [3]


async def test_rows_that_cannot_be_added_leave_nothing_behind(engine: Engine) -> None:
    bad = {"TimeGenerated": NOW, "AuditId": "x", "Verb": 1 + 2j}
    good = rows(event()).tables[AZURE_DIAGNOSTICS]
    with pytest.raises(TypeError):
        engine.ingest(Rows(tables={AZURE_DIAGNOSTICS: good, AKS_AUDIT_ADMIN: (bad,)}))
    assert await values(engine, "union AzureDiagnostics, AKSAuditAdmin | count") == [0]
    assert engine.ingest(rows(event())) == 1


async def test_rows_are_kept_in_time_order(engine: Engine) -> None:
    engine.ingest(rows(*(event(str(n), NOW - timedelta(seconds=n % 7)) for n in range(2500))))
    times = await values(engine, "AzureDiagnostics | project TimeGenerated")
    assert len(times) == 2500
    assert times == sorted(times)


# --- which rows a query sees -----------------------------------------------------------------------


async def test_both_edges_of_the_window_belong_to_it(engine: Engine) -> None:
    step = timedelta(microseconds=1)
    start, end = NOW - timedelta(minutes=5), NOW
    engine.ingest(rows(*(event(at=at) for at in (start - step, start, end, end + step))))

    window = Window(start=start, end=end)
    assert await values(engine, "AzureDiagnostics | count", window=window) == [2]
    assert await values(engine, f"AzureDiagnostics {between(window)} | count") == [2]
    assert await values(engine, "AzureDiagnostics | count") == [4]


def between(window: Window) -> str:
    return f"| where TimeGenerated between (datetime({window.start:%FT%TZ}) .. datetime({window.end:%FT%T}.000000Z))"


async def test_a_resource_sees_what_is_its_own_or_below_it(engine: Engine) -> None:
    engine.ingest(rows(event("one")))
    engine.ingest(rows(event("two"), event("three"), cluster=OTHER))
    count = "AzureDiagnostics | count"

    assert await values(engine, count, resource=CLUSTER.upper()) == [1]
    assert await values(engine, count, resource=OTHER + "/") == [2]
    assert await values(engine, count, resource="/subscriptions/s1/resourceGroups/rg") == [3]
    assert await values(engine, count, resource="/subscriptions/s") == [0]
    assert await values(engine, count, resource="/subscriptions/x' OR '1'='1") == [0]


async def test_two_queries_at_once_each_see_their_own_window(engine: Engine) -> None:
    engine.ingest(rows(*(event(at=NOW - timedelta(minutes=n)) for n in range(20))))
    windows = [Window(start=NOW - timedelta(minutes=n), end=NOW) for n in range(20)]
    counts = await asyncio.gather(*(values(engine, "AzureDiagnostics | count", window=w) for w in windows))
    assert counts == [[n + 1] for n in range(20)]


async def test_the_present_is_the_clocks(engine: Engine, clock: FakeClock) -> None:
    engine.ingest(rows(event(at=NOW - timedelta(minutes=30))))
    recent = "AzureDiagnostics | where TimeGenerated > ago(1h) | count"

    assert await values(engine, "print now()") == [NOW.replace(tzinfo=None)]
    assert await values(engine, recent) == [1]
    clock.pass_time(hours=1)
    assert await values(engine, recent) == [0]


# --- has -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "term", "found"),
    [
        ("coredns-custom", "coredns", True),
        ("coredns_custom", "coredns", True),
        ("/api/coredns?x", "coredns", True),
        ("COREDNS", "coredns", True),
        ("coredns2", "coredns", False),
        ("xcoredns", "coredns", False),
        ("coredns", "core", False),
        ("ünode", "node", False),
        ('"verb":"create"', '"verb":"create"', True),
        ('"verb":"createx"', '"verb":"create"', False),
        ("100%", "0_", False),
        ("a.b", "a.b", True),
        ("axb", "a.b", False),
    ],
)
async def test_has_looks_for_whole_terms(engine: Engine, text: str, term: str, found: bool) -> None:
    engine.ingest(rows({"AuditId": "1", "RequestUri": text, "Type": "AKSAudit"}))
    query = f"AKSAudit | where RequestUri has {kql.literal(term)} | count"
    assert await values(engine, query) == [int(found)]


# --- the product's own queries ---------------------------------------------------------------------


async def answered(engine: Engine, queries: kql.AlertQueries) -> tuple[Result, dict[str, Any]]:
    events, counted = await engine.ask(queries.rows), await engine.ask(queries.count)
    names = [column.name for column in counted.columns]
    return events, dict(zip(names, counted.rows[0], strict=True))


async def test_the_query_behind_an_alert_runs(clock: FakeClock) -> None:
    engine = Engine(clock)
    engine.ingest(
        read_events(sample("events/coredns-changed.jsonl"), cluster_id=CLUSTER, default_time=clock.now())
    )
    alert = parse_alert(sample("alerts/coredns-changed.json").read_bytes())
    window = Window(start=NOW - timedelta(days=1), end=NOW + timedelta(days=1))
    for criterion in alert.criteria:
        events, counted = await answered(engine, kql.events_behind(criterion, window, limit=50))
        assert len(events.rows) == counted["Total"]
    engine.close()


async def test_the_query_of_a_chat_command_runs_over_all_three_tables(engine: Engine) -> None:
    typed = {"AuditId": "b", "Stage": "s", "TimeGenerated": NOW.isoformat(), "User": {"username": "coredns"}}
    engine.ingest(rows(event("coredns-custom"), event("other"), typed, typed | {"Type": "AKSAudit"}))
    wanted = EventFilter(what=Wanted(term="coredns"), window=Window(start=NOW, end=NOW))

    events, counted = await answered(engine, kql.events_matching(wanted, limit=10))

    assert len(events.rows) == 3
    assert counted == {"Total": 2}
    whole = await engine.ask(kql.events_by_id(["id-coredns-custom", "b"], wanted.window))
    assert len(whole.rows) == 3


async def test_the_real_alert_finds_its_four_real_rows() -> None:
    clock = FakeClock(datetime(2022, 5, 19, 9, 38, 59, tzinfo=UTC))
    engine = Engine(clock)
    path = shared_data("alerts/kubernetes-auditor/sample-log-query-result.json")
    engine.ingest(read_events(path, cluster_id=CLUSTER, default_time=clock.now()))
    alert = parse_alert(shared_data("alerts/kubernetes-auditor/sample-alert-post-request.json").read_bytes())
    assert alert.window is not None

    events, counted = await answered(engine, kql.events_behind(alert.criteria[0], alert.window, limit=50))

    assert len(events.rows) == 4
    assert counted == {"Total": 4}
    engine.close()
