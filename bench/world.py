"""python -m bench.world --port N: Azure and Teams at load, as one light process with the sandbox's paths.

`POST /world/set` says what is wrong and how long things take, `GET /world/counts`, `/world/messages`,
`/world/flight?seconds=S` and `POST /world/token` tell what came and give what a caller of the bot needs.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from api.clocks import SystemClock
from api.leash import end_with_parent
from bench.certificate import server_context
from bench.connector import Connector
from bench.part import Part
from bench.workspace import Workspace
from sandbox.bot_process import APP_ID
from sandbox.issuer import CONNECTOR_AUDIENCE, InvalidToken, Issuer
from sandbox.room import TENANT
from sandbox.run import Run

LOOPBACK = "127.0.0.1"
#: The bot's client secret. It opens nothing but this process, which listens on loopback.
PASSWORD = "bench-" + "0123456789abcdef" * 2


class World:
    """All parts. `url` is where the bot finds them: its SANDBOX_URL."""

    def __init__(self, url: str, *, latency: float = 0.0, limited: bool = False) -> None:
        clock = SystemClock()
        self._url = url
        self.teams = Connector(limited=limited)
        self.teams.part.latency = latency
        self.workspace = Workspace(clock.now(), limited=limited)
        self.token, self.keys, self.management = Part(), Part(), Part()
        self._issuer = Issuer(
            url=f"{url}/login",
            app_id=APP_ID,
            secret=PASSWORD,
            tenant_id=TENANT,
            clock=clock,
            run=Run(clock),
        )
        #: Authorization headers that were checked once.
        self._good: set[str] = set()
        self._parts: dict[str, Part] = {
            "teams": self.teams.part,
            "workspace": self.workspace.part,
            "token": self.token,
            "keys": self.keys,
            "management": self.management,
        }

    def app(self) -> web.Application:
        """Return the whole as one application."""
        app = web.Application(middlewares=[self._guard()], client_max_size=1024**2)
        app.add_subapp("/login", self._issuer.app())
        app.add_subapp("/teams", self.teams.app())
        app.add_subapp("/workspace", self.workspace.app())
        # MSAL takes an authority of this name without asking Microsoft about it.
        app.router.add_get("/adfs/.well-known/openid-configuration", self._authority)
        app.add_subapp("/adfs", self._issuer.app())
        app.router.add_get("/management/{tail:.*}", _no_alerts)
        app.router.add_post("/world/set", self._set)
        app.router.add_get("/world/counts", self._counts)
        app.router.add_get("/world/messages", self._messages)
        app.router.add_get("/world/flight", self._flight)
        app.router.add_post("/world/token", self._mint)
        return app

    def _guard(self) -> Middleware:
        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            match request.path.split("/", 2)[1]:
                case "teams":
                    if not self._knows(request):
                        return _json({"error": {"code": "Unauthorized", "message": "no token"}}, 401)
                    return await self.teams.serve(request, handler)
                case "workspace":
                    return await self.workspace.serve(request, handler)
                case "login" | "adfs":
                    part = self.token if request.path.endswith("/token") else self.keys
                    return await part.serve(request, handler)
                case "management":
                    return await self.management.serve(request, handler)
            return await handler(request)

        return guard

    def _knows(self, request: web.Request) -> bool:
        header = request.headers.get("Authorization", "")
        if header not in self._good:
            try:
                self._issuer.check(header, CONNECTOR_AUDIENCE)
            except InvalidToken:
                return False
            self._good.add(header)
        return True

    async def _set(self, request: web.Request) -> web.Response:
        """Take `{"part": …, "fault"?, "latency"?, "seconds"?, "retry_after"?, "limited"?}`."""
        wanted = orjson.loads(await request.read())
        try:
            self._parts[wanted["part"]].set(wanted)
        except (KeyError, TypeError, ValueError) as wrong:
            return _json({"error": str(wrong)}, 400)
        for name, limiting in (("teams", self.teams), ("workspace", self.workspace)):
            if wanted["part"] == name and "limited" in wanted:
                limiting.limited = bool(wanted["limited"])
        return _json({}, 200)

    async def _counts(self, _request: web.Request) -> web.Response:
        found = {name: part.counts() for name, part in self._parts.items()}
        return _json(found | {"teams": self.teams.counts(), "workspace": self.workspace.counts()}, 200)

    async def _messages(self, _request: web.Request) -> web.Response:
        return _json(list(self.teams.told()), 200)

    async def _flight(self, request: web.Request) -> web.Response:
        return _json(self.teams.flight(float(request.query.get("seconds", "0"))), 200)

    async def _mint(self, _request: web.Request) -> web.Response:
        """Give the token that comes with an activity from Teams to the bot."""
        return _json({"token": self._issuer.mint_for_bot(f"{self._url}/teams/")}, 200)

    async def _authority(self, request: web.Request) -> web.Response:
        at = f"{request.scheme}://{request.host}/adfs"
        return _json({"issuer": at, "authorization_endpoint": at, "token_endpoint": f"{at}/token"}, 200)


async def _no_alerts(_request: web.Request) -> web.Response:
    return _json({"value": []}, 200)


def _json(value: Any, status: int) -> web.Response:
    return web.Response(body=orjson.dumps(value), status=status, content_type="application/json")


async def serve(world: World, port: int, tls: tuple[int, Path] | None = None) -> None:
    """Answer until the process that started us ends; `tls` is a port and a certificate for the same over https."""
    stop = asyncio.Event()
    end_with_parent(stop.set)
    runner = web.AppRunner(world.app(), access_log=None, keepalive_timeout=600, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, LOOPBACK, port, backlog=1024).start()
        if tls is not None:
            context = server_context(tls[1])
            await web.TCPSite(runner, LOOPBACK, tls[0], ssl_context=context).start()
        await stop.wait()
    finally:
        await runner.cleanup()


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and serve."""
    logging.basicConfig(level=logging.WARNING)
    parser = argparse.ArgumentParser(prog="python -m bench.world", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument(
        "--latency", type=float, default=0.0, help="seconds that the connector takes to answer"
    )
    parser.add_argument(
        "--limited", action="store_true", help="refuse what is over the limits of Teams and Azure"
    )
    parser.add_argument("--tls-port", type=int, help="serve the same over https there, with --certificate")
    parser.add_argument("--certificate", type=Path, help="key and certificate in one PEM file")
    told = parser.parse_args(arguments)
    tls = (told.tls_port, told.certificate) if told.tls_port else None
    url = f"http://{LOOPBACK}:{told.port}"
    asyncio.run(serve(World(url, latency=told.latency, limited=told.limited), told.port, tls))


if __name__ == "__main__":
    main()
