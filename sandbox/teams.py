"""The sandbox's Teams as a bot reaches it: the Bot Connector API behind tokens, faults and limits.

https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-api-reference
There is no call here that Teams lacks: messages cannot be listed, and a repeated post stands twice.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from sandbox.connector import Connector
from sandbox.issuer import CONNECTOR_AUDIENCE, InvalidToken, Issuer
from sandbox.room import Room
from sandbox.run import Clock, Kind, Run
from sandbox.teams_faults import Fault, RateLimits, TeamsError, TeamsFaults


@dataclass(frozen=True, kw_only=True)
class Teams:
    """What the connector stands on. `limits` None lets the bot send as fast as it likes."""

    room: Room
    issuer: Issuer
    run: Run
    clock: Clock
    faults: TeamsFaults
    limits: RateLimits | None = None


def teams_app(teams: Teams) -> web.Application:
    """Return the connector, to be mounted at /teams."""
    connector = Connector(teams.room, teams.run)
    app = web.Application(middlewares=[_guard(teams)])
    router = app.router
    router.add_post("/v3/conversations", connector.create)
    conversation = "/v3/conversations/{conversation}"
    router.add_post(f"{conversation}/activities", connector.post)
    router.add_post(f"{conversation}/activities/{{activity}}", connector.post)
    router.add_put(f"{conversation}/activities/{{activity}}", connector.update)
    router.add_delete(f"{conversation}/activities/{{activity}}", connector.delete)
    router.add_get(f"{conversation}/members", connector.members)
    router.add_get(f"{conversation}/pagedmembers", connector.paged_members)
    router.add_get(f"{conversation}/members/{{member}}", connector.member)
    router.add_get("/v3/teams/{team}", connector.team)
    router.add_get("/v3/teams/{team}/conversations", connector.channels)
    return app


def _guard(teams: Teams) -> Middleware:
    """Who calls, what is broken, how much is left: in this order, before any call; and errors in Teams' shape."""

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        started = time.perf_counter()
        try:
            _authenticate(teams, request)
            return await _with_faults(teams, request, handler)
        except TeamsError as error:
            ms = (time.perf_counter() - started) * 1000
            title = f"Teams answered {error.status} {error.code} to {_call(request)}"
            teams.run.add(Kind.FAULT, title, detail={"message": error.message}, status=error.status, ms=ms)
            return error.response()

    return guard


def _authenticate(teams: Teams, request: web.Request) -> None:
    try:
        claims = teams.issuer.check(request.headers.get("Authorization"), CONNECTOR_AUDIENCE)
    except InvalidToken as problem:
        raise TeamsError(401, "Unauthorized", problem.reason) from problem
    if claims.get("appid") != teams.issuer.app_id:
        raise TeamsError(401, "BotNotRegistered", "No registered bot has this token.")


async def _with_faults(teams: Teams, request: web.Request, handler: Handler) -> web.StreamResponse:
    fault = teams.faults.take()
    error = teams.faults.error(fault) if fault else None
    if error:
        raise error
    if fault == "slow":
        await asyncio.sleep(teams.faults.slow)
    if fault == "reset":
        return _reset(teams, request, fault)
    if teams.limits:
        thread = request.match_info.get("conversation", "").partition(";")[0]
        teams.limits.spend(thread, teams.clock.now(), reading=request.method == "GET")
    response = await handler(request)
    return _reset(teams, request, fault) if fault == "reset_after" else response


def _reset(teams: Teams, request: web.Request, fault: Fault) -> web.Response:
    when = "before" if fault == "reset" else "after"
    teams.run.add(Kind.FAULT, f"Teams broke the connection {when} it took {_call(request)}")
    if request.transport:
        request.transport.abort()
    return web.Response()


def _call(request: web.Request) -> str:
    """Name the call for the run, in words that do not come out of the request."""
    if request.method == "GET":
        return "a look-up"
    return {"POST": "a post", "PUT": "an update", "DELETE": "a deletion"}.get(request.method, "a call")
