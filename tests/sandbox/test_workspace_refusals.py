from __future__ import annotations

import io
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from sandbox.engine import Engine
from sandbox.workspace import workspace_app
from sandbox.workspace_faults import Faults
from tests.fakes import FakeClock
from tests.sandbox.workspace_stage import (
    COUNT,
    GUID,
    TOKEN,
    Stage,
    staged,
)


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with staged() as stage:
        yield stage


def codes(error: dict[str, Any]) -> list[str]:
    """List the codes from the outermost error inwards."""
    return [error["code"], *codes(error["innererror"])] if "innererror" in error else [error["code"]]


@pytest.mark.parametrize(
    ("body", "status", "expected"),
    [
        ({"query": "AzureDiagnostics |"}, 400, ["BadArgumentError", "SyntaxError", "SYN0002"]),
        ({"query": "Nope | count"}, 400, ["BadArgumentError", "SemanticError", "SEM0100"]),
        ({"query": "print row_number()"}, 400, ["BadArgumentError", "SemanticError", "EMU0001"]),
        ({"query": 'database("memory").AKSAudit'}, 400, ["BadArgumentError", "SemanticError", "EMU0003"]),
        ({"query": ""}, 400, ["BadArgumentError", "BadArgumentError"]),
        ({"query": 7}, 400, ["BadArgumentError", "BadArgumentError"]),
        ({}, 400, ["BadArgumentError", "BadArgumentError"]),
        ([], 400, ["BadArgumentError", "BadArgumentError"]),
        (b"{", 400, ["BadArgumentError", "BadArgumentError"]),
        (b'{"query": "\\ud800"}', 400, ["BadArgumentError", "BadArgumentError"]),
        (b"\xff", 400, ["BadArgumentError", "BadArgumentError"]),
        ({"query": COUNT, "timespan": "yesterday"}, 400, ["BadArgumentError", "BadArgumentError"]),
        ({"query": COUNT, "timespan": 7}, 400, ["BadArgumentError", "BadArgumentError"]),
        ({"query": COUNT, "workspaces": ["nope"]}, 400, ["BadArgumentError", "FailedToResolveResource"]),
        ({"query": COUNT, "workspaces": "nope"}, 400, ["BadArgumentError", "BadArgumentError"]),
    ],
    ids=str,
)
async def test_a_bad_request_gets_the_services_error(
    stage: Stage, body: Any, status: int, expected: list[str]
) -> None:
    async with stage.post(body) as response:
        assert response.status == status
        answer = await response.json()
    assert answer.keys() == {"error"}
    assert codes(answer["error"]) == expected
    assert answer["error"]["correlationId"]
    assert stage.asked[0].status == status
    assert stage.asked[0].error


async def test_a_body_that_is_too_large_is_refused(stage: Stage) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    url = f"{stage.url}/v1/workspaces/{GUID}/query"
    body = io.BytesIO(b" " * (2 << 20))
    async with aiohttp.ClientSession() as session, session.post(url, data=body, headers=headers) as response:
        assert response.status == 413
        assert (await response.json())["error"]["code"] == "RequestEntityTooLarge"


async def test_known_workspaces_may_be_named_beside(stage: Stage) -> None:
    async with stage.post({"query": COUNT, "workspaces": ["law-weu", GUID]}) as response:
        assert response.status == 200


async def test_a_body_that_is_not_said_to_be_json_gets_an_empty_200(stage: Stage) -> None:
    async with stage.post({"query": COUNT}, **{"Content-Type": "text/plain"}) as response:
        assert (response.status, await response.read()) == (200, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/v1/workspaces/11111111-1111-4111-8111-111111111111/query",
        "/v1/workspaces//query",
        "/v1/nope",
        "/v2",
        "/",
    ],
)
async def test_what_is_not_there_is_a_path_not_found(stage: Stage, path: str) -> None:
    async with stage.post({"query": COUNT}, path) as response:
        assert response.status == 404
        assert (await response.json())["error"]["code"] == "PathNotFoundError"


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer other", f"Basic {TOKEN}", TOKEN])
@pytest.mark.parametrize("path", [f"/v1/workspaces/{GUID}/query", "/v1/subscriptions/s1/query", "/v1/$batch"])
async def test_without_a_token_that_is_accepted_nothing_is_told(stage: Stage, header: str, path: str) -> None:
    async with stage.post({"query": COUNT}, path, Authorization=header) as response:
        assert response.status == 401
        assert (await response.json())["error"]["code"] == "AuthenticationFailed"


async def test_without_a_check_any_bearer_token_will_do() -> None:
    clock = FakeClock()
    engine = Engine(clock)
    app = workspace_app(
        engine, workspaces={GUID: "w"}, tokens=None, clock=clock, on_query=lambda _asked: None
    )
    async with TestServer(app) as server:
        stage = Stage(str(server.make_url("")).rstrip("/"), engine, clock, Faults())
        for header, status in (("Bearer x", 200), ("Bearer ", 401), ("", 401)):
            async with stage.post({"query": COUNT}, Authorization=header) as response:
                assert response.status == status
    engine.close()


@pytest.mark.parametrize(
    "body",
    [[], {}, {"requests": []}, {"requests": [7]}, {"requests": "x"}, {"requests": [{"id": "1"}] * 101}, b"{"],
    ids=str,
)
async def test_a_bad_batch_is_refused_as_a_whole(stage: Stage, body: Any) -> None:
    async with stage.post(body, "/v1/$batch") as response:
        assert response.status == 400


async def test_a_bad_part_of_a_batch_fails_alone(stage: Stage) -> None:
    parts = [
        {"id": "1", "workspace": GUID, "body": {"query": COUNT}, "headers": {"Prefer": "wait=3"}},
        {"id": "2", "workspace": GUID, "body": None, "headers": 7},
        {"id": "3", "workspace": 7, "body": {"query": COUNT}},
        {"id": "4"},
    ]
    async with stage.post({"requests": parts}, "/v1/$batch") as response:
        answers = (await response.json())["responses"]
    assert {answer["id"]: answer["status"] for answer in answers} == {"1": 200, "2": 400, "3": 400, "4": 400}
