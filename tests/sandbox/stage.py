"""A sandbox's Teams with its page API on a real loopback port, and a tiny bot that checks its tokens."""

from __future__ import annotations

import asyncio
import functools
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import jwt
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port
from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox.alarm import Alarm
from sandbox.bot_client import BotClient
from sandbox.issuer import Issuer
from sandbox.page_api import Page, page_api
from sandbox.room import TENANT, Room
from sandbox.run import Run
from sandbox.teams import Teams, teams_app
from sandbox.teams_faults import RateLimits, TeamsFaults
from sandbox.trails import Trails
from tests.fakes import FakeClock

APP_ID = "0f3c6a3e-7d0b-4d52-8a52-5a35c0a3a2d1"
SECRET = "only-for-this-test"
SCOPE = "https://api.botframework.com/.default"
CARD = {
    "type": "AdaptiveCard",
    "version": "1.5",
    "body": [{"type": "TextBlock", "text": "Cluster DNS was rewritten"}],
    "actions": [
        {"type": "Action.Execute", "title": "Acknowledge", "verb": "acknowledge", "data": {"k": "x"}}
    ],
}
NEW_CARD = CARD | {"body": [{"type": "TextBlock", "text": "Acknowledged by Alice Weber"}]}
CARD_ANSWER = {"statusCode": 200, "type": "application/vnd.microsoft.card.adaptive", "value": NEW_CARD}
EXECUTE = {
    "type": "Action.Execute",
    "title": "Acknowledge",
    "verb": "acknowledge",
    "data": {"v": 1, "k": "x"},
}
RAW_LOG = {"msteams": {"type": "task/fetch"}, "v": 1, "a": "raw", "k": "x", "p": 0}
DIALOG = {
    "task": {
        "type": "continue",
        "value": {
            "title": "Raw log",
            "height": "large",
            "width": 600,
            "card": {"contentType": "application/vnd.microsoft.card.adaptive", "content": CARD},
        },
    }
}
ALERT = b"""{"schemaId": "azureMonitorCommonAlertSchema", "data": {
    "essentials": {
        "alertId": "/subscriptions/S/providers/Microsoft.AlertsManagement/alerts/93ad71b9",
        "alertRule": "CoreDNS-Create", "monitorCondition": "Fired", "firedDateTime": "2022-05-19T09:38:24Z",
        "alertTargetIDs": ["/subscriptions/S/providers/microsoft.containerservice/managedclusters/prod-weu"]},
    "alertContext": {"condition": {"allOf": [
        {"metricValue": 2.0, "dimensions": [{"name": "ResourceId", "value": "prod"}]}]}}}}"""


@functools.cache
def key() -> rsa.RSAPrivateKey:
    """One key for all tests: making one takes longer than most of them."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class TinyBot:
    """Checks every token as a bot must, keeps what it is sent, and answers `answer`."""

    login_url: str
    service_url: str
    clock: FakeClock
    heard: list[dict[str, Any]] = field(default_factory=list)
    alerts: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    answer: Any = None
    status: int = 200
    #: Set to hold answers back until it is set again.
    go: asyncio.Event | None = None

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/api/messages", self._messages)
        app.router.add_post("/api/alerts", self._alerts)
        return app

    async def _messages(self, request: web.Request) -> web.Response:
        claims = await self._claims(request.headers["Authorization"].removeprefix("Bearer "))
        activity = await request.json()
        assert claims["serviceurl"] == activity["serviceUrl"] == self.service_url
        assert claims["exp"] - self.clock.now().timestamp() == 3600
        self.heard.append(activity)
        if self.go:
            await self.go.wait()
        if self.answer is None:
            return web.Response(status=self.status)
        if isinstance(self.answer, bytes):
            return web.Response(body=self.answer, status=self.status)
        return web.json_response(self.answer, status=self.status)

    async def _alerts(self, request: web.Request) -> web.Response:
        self.alerts.append((request.headers["Authorization"], await request.json()))
        return web.Response(status=202, text="recorded")

    async def _claims(self, token: str) -> dict[str, Any]:
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{self.login_url}/.well-known/openidconfiguration") as about,
            session.get((await about.json())["jwks_uri"]) as keys,
        ):
            found = jwt.PyJWKSet.from_dict(await keys.json())
        options: Any = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}
        signer = found[jwt.get_unverified_header(token)["kid"]]
        claims: dict[str, Any] = jwt.decode(
            token, signer, ["RS256"], options, audience=APP_ID, issuer="https://api.botframework.com"
        )
        return claims


@dataclass
class Stage:
    url: str
    session: aiohttp.ClientSession
    clock: FakeClock
    room: Room
    run: Run
    issuer: Issuer
    faults: TeamsFaults
    tiny_bot: TinyBot
    bot: BotClient
    broken: list[tuple[str, str | None]]

    @property
    def general(self) -> str:
        return self.room.channels[0].id

    async def token(self, scope: str = SCOPE) -> str:
        form = {
            "grant_type": "client_credentials",
            "client_id": APP_ID,
            "client_secret": SECRET,
            "scope": scope,
        }
        async with self.session.post(f"{self.url}/login/token", data=form) as response:
            return str((await response.json())["access_token"])

    async def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Call the connector as the bot; return the status and the answer's JSON (None for no body)."""
        status, answer, _ = await self.call_for_headers(method, path, body)
        return status, answer

    async def call_for_headers(self, method: str, path: str, body: Any = None) -> tuple[int, Any, Any]:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with self.session.request(
            method,
            f"{self.url}/teams/v3/{path}",
            headers={"Authorization": f"Bearer {await self.token()}"},
            data=None if body is None else io.BytesIO(raw),
        ) as response:
            answer = await response.json() if await response.read() else None
            return response.status, answer, response.headers

    async def post(self, conversation: str, **changes: Any) -> tuple[int, Any]:
        return await self.call("POST", f"conversations/{conversation}/activities", a_message(**changes))

    async def page(self, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Call the page's API: GET without a body, else POST."""
        method = "GET" if body is None else "POST"
        async with self.session.request(
            method, f"{self.url}/sandbox/{path}", json=body, headers=headers
        ) as response:
            return response.status, await response.json()


def a_message(**changes: Any) -> dict[str, Any]:
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": CARD}
    return {"type": "message", "attachments": [attachment], "summary": "DNS was rewritten"} | changes


@asynccontextmanager
async def stage(
    *,
    installed: bool = True,
    limits: bool = False,
    run: Run | None = None,
    clock: FakeClock | None = None,
    heartbeat: float = 15.0,
    patience: float = 15.0,
    trails: Trails | None = None,
) -> AsyncIterator[Stage]:
    """Start it all; `installed` puts the bot into the team without telling it."""
    clock = clock or FakeClock()
    run = run or Run(clock)
    port, bot_port = unused_port(), unused_port()
    url, bot_url = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{bot_port}"
    room = Room(app_id=APP_ID, clock=clock)
    room.installed = installed
    issuer = Issuer(
        url=f"{url}/login", app_id=APP_ID, secret=SECRET, tenant_id=TENANT, clock=clock, run=run, key=key()
    )
    faults = TeamsFaults(retry_after=3, slow=0.2)
    tiny_bot = TinyBot(f"{url}/login", f"{url}/teams/", clock)
    broken: list[tuple[str, str | None]] = []
    async with aiohttp.ClientSession() as session:
        bot = BotClient(
            session=session,
            bot_url=f"{bot_url}/api/messages",
            service_url=f"{url}/teams/",
            issuer=issuer,
            room=room,
            run=run,
            clock=clock,
            patience=patience,
        )
        alarm = Alarm(
            session=session,
            alerts_url=f"{bot_url}/api/alerts",
            secret="sécret:1",
            body=ALERT,
            run=run,
            clock=clock,
        )
        teams = Teams(
            room=room,
            issuer=issuer,
            run=run,
            clock=clock,
            faults=faults,
            limits=RateLimits() if limits else None,
        )
        page = Page(
            room=room,
            run=run,
            bot=bot,
            alarm=alarm,
            clock=clock,
            break_workspace=lambda fault: broken.append(("workspace", fault)),
            break_teams=lambda fault: broken.append(("teams", fault)),
            heartbeat=heartbeat,
            trails=trails,
        )
        app = web.Application()
        app.add_subapp("/login", issuer.app())
        app.add_subapp("/teams", teams_app(teams))
        app.add_subapp("/sandbox", page_api(page))
        async with TestServer(app, port=port), TestServer(tiny_bot.app(), port=bot_port):
            yield Stage(url, session, clock, room, run, issuer, faults, tiny_bot, bot, broken)
