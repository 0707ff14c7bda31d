from __future__ import annotations

import orjson
import pytest
from aiohttp.test_utils import TestClient, TestServer

from audit.kql import evidence_queries
from audit.kql_columns import Totals
from bench.growth_workspace import ACTING, MOST, OBJECTS, WINDOW, Workspaces, a_window
from tests.flows.evidence_asking import alert_of


@pytest.mark.parametrize("size", [100, MOST * 5])
async def test_a_window_of_any_size_counts_what_it_is_said_to_hold_in_as_many_groups(size: int) -> None:
    workspaces = Workspaces((size,))
    queries = evidence_queries(alert_of(a_window(1)).criteria[0], WINDOW, limit=10)
    async with TestClient(TestServer(workspaces.app())) as client:
        found = []
        for kql in (queries.totals, queries.groups, queries.rows):
            answer = await client.post(f"/{size}/v1/workspaces/w/query", data=orjson.dumps({"query": kql}))
            table = orjson.loads(await answer.read())["tables"][0]
            names = [column["name"] for column in table["columns"]]
            found.append([dict(zip(names, row, strict=True)) for row in table["rows"]])
    workspaces.close()
    (totals,), groups, rows = found
    assert (totals[Totals.ROWS], totals[Totals.EVENTS], totals[Totals.UNREADABLE]) == (size, size, 0)
    assert (len(groups), sum(group["Count"] for group in groups)) == (ACTING * OBJECTS, size)
    assert len(rows) == 10


async def test_a_query_that_cannot_be_run_is_refused() -> None:
    workspaces = Workspaces((100,))
    async with TestClient(TestServer(workspaces.app())) as client:
        answer = await client.post(
            "/100/v1/workspaces/w/query", data=orjson.dumps({"query": "Nothing | count"})
        )
        assert answer.status == 400
    workspaces.close()
