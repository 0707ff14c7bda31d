from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import aiohttp
import orjson
import pytest
from azure.core.exceptions import (
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.monitor.query import LogsQueryPartialResult

from sandbox.workspace_faults import FAULT_KINDS, Faults
from tests.sandbox.workspace_stage import (
    COUNT,
    GUID,
    Stage,
    complete,
    staged,
    stream,
)


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with staged() as stage:
        yield stage


async def ask(stage: Stage, **options: Any) -> Any:
    async with stage.sdk(**options) as client:
        return await client.query_workspace(GUID, "AzureDiagnostics", timespan=None)


async def test_down_is_a_reset_or_a_503(stage: Stage) -> None:
    stage.faults.set("down")
    with pytest.raises((ServiceRequestError, ServiceResponseError)):
        await ask(stage)
    stage.faults.set("down", status=503)
    with pytest.raises(HttpResponseError) as error:
        await ask(stage)
    assert error.value.status_code == 503
    assert [asked.status for asked in stage.asked] == [0, 503]


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("throttled", 429, "ThrottledError"),
        ("forbidden", 403, "InsufficientAccessError"),
        ("unauthorized", 401, "AuthenticationFailed"),
        ("timeout", 504, "GatewayTimeout"),
    ],
)
async def test_refusals_have_the_services_codes(stage: Stage, kind: str, status: int, code: str) -> None:
    stage.faults.set(kind, seconds=7)
    with pytest.raises(HttpResponseError) as error:
        await ask(stage)
    assert error.value.status_code == status
    assert error.value.error
    assert error.value.error.code == code


async def test_throttled_says_when_to_come_again(stage: Stage) -> None:
    stage.faults.queue("throttled", seconds=7)
    async with stage.sdk() as client:
        response = await stream(client, COUNT)
        assert response.status_code == 429
        assert response.headers["Retry-After"] == "7"
        response = await stream(client, COUNT)
        assert response.status_code == 200
        await response.read()


async def test_slow_answers_after_a_while(stage: Stage) -> None:
    stage.faults.set("slow", seconds=0.2)
    assert len(complete(await ask(stage)).tables[0].rows) == 7
    assert stage.asked[0].milliseconds >= 200
    with pytest.raises(ServiceResponseError):
        await ask(stage, read_timeout=0.05)


async def test_partial_has_half_of_the_rows_and_why(stage: Stage) -> None:
    stage.faults.set("partial")
    result = await ask(stage)
    assert isinstance(result, LogsQueryPartialResult)
    assert len(result.partial_data[0].rows) == 3


@pytest.mark.parametrize(
    "options",
    [
        {"kind": "garbage"},
        {"kind": "garbage", "cut": True},
        {"kind": "empty"},
        {"kind": "empty", "status": 200},
    ],
    ids=str,
)
async def test_what_is_no_json_is_no_json(stage: Stage, options: dict[str, Any]) -> None:
    stage.faults.set(**options)
    async with stage.sdk() as client:
        response = await stream(client, "AzureDiagnostics")
        await response.read()
    assert response.status_code == (204 if options == {"kind": "empty"} else 200)
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(response.content)
    assert bool(response.content) == (options["kind"] == "garbage")


async def test_huge_goes_on_until_the_client_has_enough(stage: Stage) -> None:
    stage.faults.set("huge")
    async with stage.sdk() as client:
        response = await stream(client, COUNT)
        size = 0
        async for chunk in response.iter_raw():
            size += len(chunk)
            if size > 5_000_000:
                break
        await response.close()
    assert size > 5_000_000
    stage.faults.set(None)
    assert len(complete(await ask(stage)).tables[0].rows) == 7


async def test_queued_faults_come_first_and_once(stage: Stage) -> None:
    stage.faults.set("forbidden")
    stage.faults.queue("timeout", None)
    statuses = []
    for _ in range(4):
        async with stage.post({"query": COUNT}) as response:
            statuses.append(response.status)
    assert statuses == [504, 200, 403, 403]
    stage.faults.set(None)
    async with stage.post({"query": COUNT}) as response:
        assert response.status == 200


async def test_mending_forgets_what_was_queued(stage: Stage) -> None:
    stage.faults.queue("timeout")
    stage.faults.set(None)
    assert stage.faults.take() is None
    assert stage.faults.standing is None


async def test_a_fault_that_there_is_not_is_refused() -> None:
    faults = Faults()
    with pytest.raises(ValueError, match="no such fault: fire"):
        faults.set("fire")
    with pytest.raises(ValueError, match="no such fault: fire"):
        faults.queue("down", "fire")
    assert faults.take() is None


@pytest.mark.parametrize("kind", [kind for kind in FAULT_KINDS if kind != "huge"])
async def test_a_batch_meets_every_fault_without_a_500(stage: Stage, kind: str) -> None:
    stage.faults.set(kind, seconds=0.01)
    body = {"requests": [{"id": "1", "workspace": GUID, "body": {"query": COUNT}}]}
    try:
        async with stage.post(body, "/v1/$batch") as response:
            assert response.status != 500
            await response.read()
    except aiohttp.ClientConnectionError:
        assert kind == "down"


async def test_many_at_once_are_all_answered(stage: Stage) -> None:
    async with stage.sdk() as client:
        asked = [client.query_workspace(GUID, COUNT, timespan=timedelta(minutes=n)) for n in range(1, 20)]
        answers = await asyncio.gather(*asked)
    counts = [complete(answer).tables[0].rows[0][0] for answer in answers]
    assert counts == [4, 5, 6, *[7] * 16]


async def refused(stage: Stage, query: str) -> Any:
    async with stage.sdk() as client:
        with pytest.raises(HttpResponseError) as error:
            await client.query_workspace(GUID, query, timespan=None)
    return error.value


async def test_a_table_on_a_basic_plan_is_refused_and_the_others_are_not(stage: Stage) -> None:
    stage.faults.set("basic")
    for query in ("AKSAudit | count", "union isfuzzy=true AzureDiagnostics, AKSAuditAdmin", "union AKS*"):
        error = await refused(stage, query)
        assert error.status_code == 400
        assert error.error.innererror["code"] == "UnsupportedApiQueryValidationError"
        assert "Query of Basic Logs table is not supported" in str(error.message)
    async with stage.sdk() as client:
        assert complete(await client.query_workspace(GUID, COUNT, timespan=None)).tables[0].rows


async def test_without_the_audit_tables_a_query_of_them_does_not_resolve(stage: Stage) -> None:
    stage.faults.set("missing-table")
    error = await refused(stage, COUNT)
    assert error.status_code == 400
    assert error.error.innererror["innererror"]["code"] == "SEM0100"
    fuzzy = "union isfuzzy=true AzureDiagnostics, KubeEvents | count"
    async with stage.sdk() as client:
        assert [*complete(await client.query_workspace(GUID, fuzzy, timespan=None)).tables[0].rows[0]] == [0]


async def test_a_workspace_that_is_not_there_is_not_found(stage: Stage) -> None:
    stage.faults.set("wrong-workspace")
    error = await refused(stage, COUNT)
    assert (error.status_code, error.error.code) == (404, "PathNotFoundError")
