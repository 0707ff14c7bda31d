"""Teams around the bot in tests: a Bot Connector over real HTTP that records, and activities as Teams sends them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Self

import aiohttp
import orjson
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError

from api.entra import BotFrameworkTokens, KeyCache
from api.messages import messages_handler
from bot.ports import Clock
from bot.teams import ServiceHosts, Teams, open_teams
from tests.fakes import TENANT, FakeClock, FakeMeter, FakePace, FakeResponder, FakeRoutes
from tests.issuer import Issuer, open_issuer

APP_ID = "0f3c6a3e-7d0b-4d52-8a52-5a35c0a3a2d1"
BOT_ID = f"28:{APP_ID}"
TEAM = "19:general@thread.tacv2"
CHANNEL = "19:ops@thread.tacv2"
ALICE = {"id": "29:alice", "name": "Alice", "aadObjectId": "a1b2c3d4-0000-4000-8000-000000000001"}
KEY = "0123456789abcdef0123456789abcdef"


@dataclass(frozen=True, kw_only=True)
class Sent:
    """One request that reached the connector."""

    method: str
    path: str
    authorization: str
    body: Any


@dataclass
class Connector:
    """Answers with `faults` in turn, then with success. A fault of status 0 cuts the connection."""

    sent: list[Sent] = field(default_factory=list)
    faults: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)
    members: dict[str, dict[str, Any]] = field(default_factory=dict)
    answer: Any = None
    service_url: str = ""
    slow: float = 0.0

    async def serve(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        # As it went over the wire: a decoded path would hide a conversation id that was not quoted.
        path = request.raw_path.removeprefix("/teams/")
        self.sent.append(
            Sent(
                method=request.method,
                path=path,
                authorization=request.headers.get("Authorization", ""),
                body=orjson.loads(body) if body else None,
            )
        )
        await asyncio.sleep(self.slow)
        if self.faults:
            return self._fault(request)
        if "/members/" in path:
            member = self.members.get(request.match_info["path"].rsplit("/", 1)[-1])
            return web.json_response(
                member or {"error": {"code": "x", "message": "y"}}, status=200 if member else 404
            )
        return web.json_response(self.answer or {"id": f"activity-{len(self.sent)}"}, status=201)

    def _fault(self, request: web.Request) -> web.StreamResponse:
        status, headers, text = self.faults.pop(0)
        if not status:
            assert request.transport
            request.transport.abort()
        return web.Response(status=status or 500, headers=headers, body=text)

    def said(self) -> list[str]:
        """Return the summaries of what was posted, in order."""
        return [
            sent.body["summary"] for sent in self.sent if sent.method == "POST" and "summary" in sent.body
        ]


@asynccontextmanager
async def open_connector() -> AsyncIterator[Connector]:
    connector = Connector()
    app = web.Application()
    app.router.add_route("*", "/teams/{path:.*}", connector.serve)
    async with TestServer(app) as server:
        connector.service_url = str(server.make_url("/teams/"))
        yield connector


@dataclass
class FakeCredential:
    """Gives out token-1, token-2, …; counts as an azure.core AsyncTokenCredential."""

    clock: Clock
    life: float = 3600
    given: int = 0
    scopes: list[str] = field(default_factory=list)
    refuse: str = ""
    slow: float = 0.0

    async def get_token(self, *scopes: str, **_options: Any) -> AccessToken:
        await asyncio.sleep(self.slow)
        if self.refuse:
            raise ClientAuthenticationError(self.refuse)
        self.given += 1
        self.scopes.extend(scopes)
        return AccessToken(f"token-{self.given}", int(self.clock.now().timestamp() + self.life))

    async def close(self) -> None: ...

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None: ...


@dataclass(kw_only=True)
class World:
    """The bot's real route, adapter and HTTP, with a recording responder behind and a recording connector before."""

    client: TestClient[web.Request, web.Application]
    teams: Teams
    issuer: Issuer
    connector: Connector
    responder: FakeResponder
    routes: FakeRoutes
    clock: FakeClock
    ids: int = 0

    async def send(self, activity: Mapping[str, Any], **headers: str) -> tuple[int, Any]:
        """Post the activity with a valid token; return status and body."""
        headers = {"Authorization": f"Bearer {self.issuer.token()}"} | headers
        async with self.client.post("/api/messages", json=activity, headers=headers) as response:
            body = await response.read()
            return response.status, orjson.loads(body) if body else None

    def activity(self, **changes: Any) -> dict[str, Any]:
        """Return a message with an id of its own, unless `changes` name one."""
        self.ids += 1
        own = {"serviceUrl": self.connector.service_url, "id": f"{1700000000001 + self.ids}"}
        return an_activity(**(own | changes))

    async def sees(self, look: Callable[[], object]) -> None:
        """Wait until `look` finds something."""
        async with asyncio.timeout(10):
            while not look():
                await asyncio.sleep(0.01)

    async def settled(self) -> None:
        """Wait until what runs behind a message's 202 is done."""
        turns = [task for task in asyncio.all_tasks() if task.get_name() == "turn"]
        await asyncio.wait_for(asyncio.gather(*turns), timeout=10)


@asynccontextmanager
async def open_world(*, deadline: float = 10.0) -> AsyncIterator[World]:
    clock, responder, routes = FakeClock(), FakeResponder(), FakeRoutes()
    async with (
        open_connector() as connector,
        open_issuer(clock, APP_ID, connector.service_url) as issuer,
        aiohttp.ClientSession() as session,
        open_teams(
            session=session,
            credential=FakeCredential(clock),
            app_id=APP_ID,
            hosts=(hosts := hosts_of(connector)),
            routes=routes,
            clock=clock,
            responder=lambda _conversations: responder,
            pace=FakePace(),
            meter=FakeMeter(),
        ) as teams,
    ):
        app = web.Application()
        tokens = BotFrameworkTokens(KeyCache(session, issuer.metadata_url, clock), APP_ID, clock)
        handler = messages_handler(
            tokens=tokens, turn=teams.turn, hosts=hosts, tenants=[TENANT.upper()], deadline=deadline
        )
        app.router.add_post("/api/messages", handler)
        server = TestServer(app)
        await server.start_server(auto_decompress=False)
        async with TestClient(server) as client:
            yield World(
                client=client,
                teams=teams,
                issuer=issuer,
                connector=connector,
                responder=responder,
                routes=routes,
                clock=clock,
            )


def hosts_of(connector: Connector) -> ServiceHosts:
    return ServiceHosts(sandbox=connector.service_url.split("/")[2])


def an_activity(**changes: Any) -> dict[str, Any]:
    """Return a message in a channel's thread, as Teams sends it, with the changes; None drops a field."""
    activity: dict[str, Any] = {
        "type": "message",
        "id": "1700000000002",
        "timestamp": "2026-03-04T09:38:59.123Z",
        "channelId": "msteams",
        "serviceUrl": "https://smba.trafficmanager.net/emea/",
        "from": ALICE,
        "recipient": {"id": BOT_ID, "name": "Audit"},
        "conversation": {
            "isGroup": True,
            "conversationType": "channel",
            "tenantId": TENANT,
            "id": f"{CHANNEL};messageid=1700000000001",
        },
        "channelData": {
            "team": {"id": TEAM},
            "channel": {"id": CHANNEL},
            "tenant": {"id": TENANT},
        },
        "text": "<at>Audit</at> help",
        "textFormat": "plain",
        "entities": [
            {"type": "mention", "text": "<at>Audit</at>", "mentioned": {"id": BOT_ID, "name": "Audit"}},
            {"type": "clientInfo", "locale": "en-GB", "platform": "Web", "timezone": "Europe/Berlin"},
        ],
    }
    activity |= changes
    return {name: value for name, value in activity.items() if value is not None}
