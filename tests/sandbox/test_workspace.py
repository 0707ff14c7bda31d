from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import aiohttp
import orjson
import pytest
from azure.monitor.query import LogsBatchQuery, LogsQueryPartialResult, LogsQueryResult

from sandbox.engine import Limits
from sandbox.rows import rows_of
from tests.fakes import NOW
from tests.sandbox.workspace_stage import (
    CLUSTER,
    COUNT,
    GUID,
    OTHER,
    TOKEN,
    Stage,
    complete,
    event,
    staged,
    stream,
)


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with staged() as stage:
        yield stage


async def test_the_sdk_asks_a_workspace(stage: Stage) -> None:
    async with stage.sdk() as client:
        result = await client.query_workspace(
            GUID,
            "AzureDiagnostics | top 1 by TimeGenerated asc | project TimeGenerated, log_s",
            timespan=timedelta(hours=1),
        )

    table = complete(result).tables[0]
    assert (table.name, table.columns, table.columns_types) == (
        "PrimaryResult",
        ["TimeGenerated", "log_s"],
        ["datetime", "string"],
    )
    assert table.rows[0]["TimeGenerated"] == NOW - timedelta(minutes=4)
    assert json.loads(table.rows[0]["log_s"])["auditID"] == "4"


async def test_what_was_asked_is_told(stage: Stage) -> None:
    async with stage.sdk() as client:
        await client.query_workspace(GUID.upper(), "AzureDiagnostics", timespan=timedelta(minutes=1))

    (asked,) = stage.asked
    assert (asked.at, asked.workspace, asked.kql) == (NOW, "law-weu", "AzureDiagnostics")
    assert (asked.timespan, asked.status, asked.rows, asked.error) == ("PT60.0S", 200, 4, "")
    assert asked.milliseconds > 0


@pytest.mark.parametrize(
    ("timespan", "count"),
    [
        (None, 7),
        (timedelta(minutes=3), 6),
        ((NOW - timedelta(minutes=4), NOW - timedelta(minutes=3)), 2),
        ((NOW - timedelta(minutes=4), timedelta(minutes=1)), 2),
    ],
)
async def test_the_timespan_narrows_with_both_edges(stage: Stage, timespan: Any, count: int) -> None:
    async with stage.sdk() as client:
        result = complete(await client.query_workspace(GUID, COUNT, timespan=timespan))
    assert result.tables[0].rows[0][0] == count


@pytest.mark.parametrize(
    ("resource", "count"),
    [
        (CLUSTER, 5),
        (OTHER, 2),
        ("/subscriptions/s1/resourceGroups/rg", 5),
        ("/subscriptions/S1", 7),
        ("/subscriptions/x", 0),
    ],
)
async def test_the_sdk_asks_a_resource(stage: Stage, resource: str, count: int) -> None:
    async with stage.sdk() as client:
        result = complete(await client.query_resource(resource, COUNT, timespan=None))
    assert result.tables[0].rows[0][0] == count
    assert stage.asked[0].workspace == resource


async def test_the_sdk_asks_in_a_batch(stage: Stage) -> None:
    questions = [(GUID, COUNT), (GUID, "Nope"), ("11111111-1111-4111-8111-111111111111", COUNT)]
    async with stage.sdk() as client:
        results = await client.query_batch(
            [
                LogsBatchQuery(workspace_id=guid, query=query, timespan=timedelta(minutes=3))
                for guid, query in questions
            ]
        )
    good, bad, unknown = results
    assert isinstance(good, LogsQueryResult)
    assert good.tables[0].rows[0][0] == 6
    assert (bad.code, unknown.code) == ("BadArgumentError", "BadArgumentError")  # type: ignore[union-attr]  # LogsQueryError
    assert {asked.workspace for asked in stage.asked} == {"law-weu", "11111111-1111-4111-8111-111111111111"}


async def test_the_body_can_be_read_raw(stage: Stage) -> None:
    async with stage.sdk() as client:
        response = await stream(client, "AzureDiagnostics | project TimeGenerated, log_s", Prefer="wait=30")
        await response.read()
    assert response.status_code == 200
    assert len(orjson.loads(response.content)["tables"][0]["rows"]) == 7


async def test_compression_is_gzip_and_never_deflate(stage: Stage) -> None:
    for accepted, used in (("gzip, deflate", "gzip"), ("deflate", None), ("identity", None)):
        async with stage.post({"query": "AzureDiagnostics"}, **{"Accept-Encoding": accepted}) as response:
            assert response.headers.get("Content-Encoding") == used
            assert len((await response.json())["tables"][0]["rows"]) == 7


async def test_statistics_and_render_come_when_preferred(stage: Stage) -> None:
    async with stage.sdk() as client:
        query = "AzureDiagnostics | summarize n=count() by Category | render barchart"
        result = complete(
            await client.query_workspace(
                GUID,
                query,
                timespan=None,
                include_statistics=True,
                include_visualization=True,
                server_timeout=10,
            )
        )
    assert result.statistics
    assert result.statistics["query"]["datasetStatistics"][0]["tableRowCount"] == 1
    assert result.visualization
    assert result.visualization["visualization"] == "barchart"


async def test_the_get_form_of_alert_links_is_answered(stage: Stage) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    params = {"query": COUNT, "timespan": "PT3M"}
    async with aiohttp.ClientSession(headers=headers) as session:
        for path, count in ((f"/v1/workspaces/{GUID}/query", 6), (f"/v1{CLUSTER}/query", 4)):
            async with session.get(stage.url + path, params=params) as response:
                assert (await response.json())["tables"][0]["rows"] == [[count]]


async def test_the_timespans_of_url_and_body_are_both_obeyed(stage: Stage) -> None:
    early = f"{(NOW - timedelta(minutes=9)).isoformat()}/{(NOW - timedelta(minutes=2)).isoformat()}"
    path = f"/v1/workspaces/{GUID}/query?timespan=PT3M"
    async with stage.post({"query": COUNT, "timespan": early}, path) as response:
        assert (await response.json())["tables"][0]["rows"] == [[2]]


# --- the form of values ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "kind", "value"),
    [
        ("datetime(2026-03-04T09:38:59Z)", "datetime", "2026-03-04T09:38:59Z"),
        ("datetime(2026-03-04T09:38:59.5Z)", "datetime", "2026-03-04T09:38:59.5Z"),
        ("datetime(2026-03-04T09:38:59.123456Z)", "datetime", "2026-03-04T09:38:59.123456Z"),
        ("datetime(null)", "datetime", None),
        ("1h", "timespan", "01:00:00"),
        ("1d + 2h + 3m + 4s", "timespan", "1.02:03:04"),
        ("-90s", "timespan", "-00:01:30"),
        ("10ms", "timespan", "00:00:00.0100000"),
        ('dynamic({"a":[1,"é"]})', "dynamic", '{"a":[1,"é"]}'),
        ('split("a,b", ",")', "dynamic", '["a","b"]'),
        ('todynamic("")', "dynamic", None),
        ("true", "bool", True),
        ("long(null)", "long", None),
        ("9007199254740993", "long", 9007199254740993),
        ("1.5", "real", 1.5),
        ("real(nan)", "real", "NaN"),
        ("real(+inf)", "real", "Infinity"),
        ('""', "string", ""),
        ('"\\"\\n"', "string", '"\n'),
        ("guid(74be27de-1e4e-49d9-b579-fe0b331d3642)", "guid", "74be27de-1e4e-49d9-b579-fe0b331d3642"),
    ],
)
async def test_values_have_the_services_form(stage: Stage, expression: str, kind: str, value: Any) -> None:
    async with stage.post({"query": f"print x = {expression}"}) as response:
        assert response.content_type == "application/json"
        table = (await response.json())["tables"][0]
    assert table["columns"] == [{"name": "x", "type": kind}]
    assert table["rows"] == [[value]]


async def test_lists_of_documents_are_one_document(stage: Stage) -> None:
    query = 'datatable(d:dynamic)[dynamic({"a":1}), dynamic("b")] | summarize x = make_list(d)'
    async with stage.post({"query": query}) as response:
        rows = (await response.json())["tables"][0]["rows"]
    assert json.loads(rows[0][0]) == [{"a": 1}, "b"]


# --- limits ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "rows", "word"), [(Limits(rows=3), 3, "record count"), (Limits(bytes=50), 2, "size limit 50")]
)
async def test_beyond_a_limit_the_answer_is_partial_and_says_so(limits: Limits, rows: int, word: str) -> None:
    async with staged(limits) as stage, stage.sdk() as client:
        query = "AzureDiagnostics | project TimeGenerated"
        result = await client.query_workspace(GUID, query, timespan=None)
    assert isinstance(result, LogsQueryPartialResult)
    assert len(result.partial_data[0].rows) == rows
    assert result.partial_error
    assert result.partial_error.code == "PartialError"
    assert word in stage.asked[0].error


async def test_a_query_that_takes_too_long_is_a_gateway_timeout(stage: Stage) -> None:
    events = [event(str(n)) for n in range(500)]
    stage.engine.ingest(rows_of(events, cluster_id=CLUSTER, default_time=NOW))
    query = "AzureDiagnostics" + " | join kind=inner (AzureDiagnostics) on Category" * 6 + " | count"
    async with stage.post({"query": query}, Prefer="wait=1") as response:
        assert response.status == 504
        assert response.headers["Preference-Applied"] == "wait=1"
        error = (await response.json())["error"]
    assert (error["code"], error["innererror"]["message"]) == ("GatewayTimeout", "ADX query timed out")
