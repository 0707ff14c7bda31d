"""The stand-in workspace on a real loopback port, and the real SDK client pointed at it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer
from azure.core.pipeline import PipelineRequest
from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.core.rest import AsyncHttpResponse, HttpRequest
from azure.monitor.query import LogsQueryPartialResult, LogsQueryResult
from azure.monitor.query.aio import LogsQueryClient

from sandbox.engine import Engine, Limits
from sandbox.issuer import InvalidToken
from sandbox.rows import rows_of
from sandbox.workspace import AUDIENCE, AskedQuery, workspace_app
from sandbox.workspace_faults import Faults
from tests.fakes import NOW, FakeClock

GUID = "a0a0a0a0-0000-4000-8000-000000000003"
CLUSTER = "/subscriptions/s1/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/prod"
OTHER = "/subscriptions/s1/resourceGroups/other/providers/Microsoft.ContainerService/managedClusters/test"
COUNT = "AzureDiagnostics | count"
TOKEN = "the-token"


class Bearer(SansIOHTTPPolicy[Any, Any]):
    """In the place of the SDK's own policy, which refuses to send a token over http."""

    def __init__(self, token: str) -> None:
        self._token = token

    def on_request(self, request: PipelineRequest[Any]) -> None:
        request.http_request.headers["Authorization"] = f"Bearer {self._token}"


class NoCredential:
    async def get_token(self, *_scopes: str, **_options: Any) -> Any:
        raise AssertionError("the policy above has the token")

    async def close(self) -> None: ...

    async def __aexit__(self, *_error: object) -> None: ...


@dataclass
class Stage:
    url: str
    engine: Engine
    clock: FakeClock
    faults: Faults
    asked: list[AskedQuery] = field(default_factory=list)

    @asynccontextmanager
    async def sdk(self, token: str = TOKEN, **options: Any) -> AsyncIterator[LogsQueryClient]:
        """Give the real client as the product makes it: its own retries off."""
        async with LogsQueryClient(
            NoCredential(),  # type: ignore[arg-type]  # has of a credential what is used here
            endpoint=self.url,
            authentication_policy=Bearer(token),
            retry_total=0,
            **options,
        ) as client:
            yield client

    @asynccontextmanager
    async def post(
        self, body: Any, path: str = f"/v1/workspaces/{GUID}/query", **headers: str
    ) -> AsyncIterator[Any]:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"} | headers
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.url + path, data=data, headers=sent) as response,
        ):
            yield response


def check_token(authorization: str | None, audience: str) -> None:
    if (authorization, audience) != (f"Bearer {TOKEN}", AUDIENCE):
        raise InvalidToken("The token is not valid.")


def event(name: str, at: datetime = NOW) -> dict[str, Any]:
    return {"kind": "Event", "auditID": name, "verb": "create", "stageTimestamp": at.isoformat()}


@asynccontextmanager
async def staged(limits: Limits | None = None) -> AsyncIterator[Stage]:
    clock, faults = FakeClock(), Faults()
    engine = Engine(clock, limits)
    for cluster, minutes in ((CLUSTER, 5), (OTHER, 2)):
        events = [event(f"{n}", NOW - timedelta(minutes=n)) for n in range(minutes)]
        engine.ingest(rows_of(events, cluster_id=cluster, default_time=NOW))
    stage = Stage("", engine, clock, faults)
    app = web.Application()
    part = workspace_app(
        engine,
        workspaces={GUID: "law-weu"},
        tokens=check_token,
        clock=clock,
        on_query=stage.asked.append,
        faults=faults,
    )
    app.add_subapp("/workspace", part)
    async with TestServer(app) as server:
        stage.url = str(server.make_url("/workspace"))
        yield stage
    engine.close()


def complete(result: LogsQueryResult | LogsQueryPartialResult) -> LogsQueryResult:
    assert isinstance(result, LogsQueryResult)
    return result


async def stream(client: LogsQueryClient, query: str, **headers: str) -> AsyncHttpResponse:
    request = HttpRequest(
        "POST", f"/workspaces/{GUID}/query", json={"query": query, "timespan": None}, headers=headers
    )
    return await client.send_request(request, stream=True)
