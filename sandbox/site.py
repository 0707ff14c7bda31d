"""The sandbox's one server: login, workspace, Teams, and the page, on one loopback port."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from aiohttp import web

from sandbox.alarm import Alarm, Sent
from sandbox.alerts_management import AlertsList, alerts_management_app
from sandbox.bot_client import BotClient
from sandbox.bot_process import APP_ID, ROOT, WORKSPACE_ID, BotProcess
from sandbox.engine import Engine
from sandbox.issuer import Issuer
from sandbox.package import Suggestion
from sandbox.page_api import Page, page_api
from sandbox.replicas import Replicas
from sandbox.room import TENANT, Room
from sandbox.run import Clock, Kind, Run
from sandbox.stories import Step, Story
from sandbox.tale import Teller
from sandbox.teams import Teams, teams_app
from sandbox.teams_faults import TeamsFaults
from sandbox.trails import Trails
from sandbox.workspace import AskedQuery, workspace_app
from sandbox.workspace_faults import Faults

PAGE = Path(__file__).parent / "page"
LIBRARIES = {
    "adaptivecards.min.js": ROOT / "node_modules/adaptivecards/dist/adaptivecards.min.js",
    "markdown-it.min.js": ROOT / "node_modules/markdown-it/dist/browser/markdown-it.umd.min.js",
}

#: What the page's own policy, in its head, cannot say: no other site may frame it and have its buttons clicked.
POLICY = "frame-ancestors 'none'"


@dataclass(frozen=True, kw_only=True)
class Site:
    """What stands on the sandbox's port."""

    room: Room
    run: Run
    issuer: Issuer
    bot: BotClient
    alarm: Alarm
    teller: Teller
    #: Fires what the sandbox was started with: the alert, or all alerts of its story.
    fire: Callable[[], Awaitable[Sent]]
    workspace_faults: Faults
    teams_faults: TeamsFaults
    #: Azure Monitor's own list of alerts, and how that fails on demand.
    alerts: AlertsList
    alerts_faults: Faults


@asynccontextmanager
async def open_site(
    *,
    url: str,
    process: BotProcess,
    engine: Engine,
    clock: Clock,
    alert: bytes,
    steps: Sequence[Step] = (),
    stories: Sequence[Story] = (),
    socket: Any,
    out: Path | None,
    replicas: Replicas | None = None,
    suggestions: Sequence[Suggestion] = (),
) -> AsyncIterator[Site]:
    """Serve on the bound `socket` until left. `process` need not run yet; it is only spoken to.

    `steps` are the alerts of the story that `alert` begins, `stories` what the page offers to tell.
    `suggestions` are the app's own, see sandbox.package. With `replicas` what Azure and Teams send is spread over them; they have the secrets of `process`.
    """
    run = Run(clock, out)
    replicas = replicas or Replicas([process])
    room, alerts = Room(app_id=APP_ID, clock=clock), AlertsList(clock)
    issuer = Issuer(
        url=f"{url}/login", app_id=APP_ID, secret=process.password, tenant_id=TENANT, clock=clock, run=run
    )
    async with (
        replicas.session() as session,
        replicas.watched(lambda sentence: run.add(Kind.NOTE, sentence)),
    ):
        alarm = Alarm(
            session=session,
            alerts_url=f"{replicas.url}/api/alerts",
            secret=process.secret,
            body=alert,
            run=run,
            clock=clock,
            listed=alerts,
        )
        teller = Teller(stories=stories, engine=engine, alarm=alarm, clock=clock, run=run)
        site = Site(
            room=room,
            run=run,
            issuer=issuer,
            bot=BotClient(
                session=session,
                bot_url=f"{replicas.url}/api/messages",
                service_url=f"{url}/teams/",
                issuer=issuer,
                room=room,
                run=run,
                clock=clock,
            ),
            alarm=alarm,
            teller=teller,
            fire=partial(teller.fire, steps) if steps else alarm.fire,
            workspace_faults=Faults(),
            teams_faults=TeamsFaults(),
            alerts=alerts,
            alerts_faults=Faults(),
        )
        runner = web.AppRunner(
            _app(site, issuer, engine, clock, replicas, suggestions), access_log=None, shutdown_timeout=1
        )
        await runner.setup()
        try:
            await web.SockSite(runner, socket).start()
            yield site
        finally:
            await teller.close()
            await runner.cleanup()


def _app(
    site: Site,
    issuer: Issuer,
    engine: Engine,
    clock: Clock,
    replicas: Replicas,
    suggestions: Sequence[Suggestion],
) -> web.Application:
    app = web.Application()
    app.add_subapp("/login", issuer.app())
    app.add_subapp("/workspace", _workspace(site, issuer, engine, clock))
    app.add_subapp("/management", _management(site, issuer, clock))
    app.add_subapp(
        "/teams",
        teams_app(Teams(room=site.room, issuer=issuer, run=site.run, clock=clock, faults=site.teams_faults)),
    )
    page = Page(
        room=site.room,
        run=site.run,
        bot=site.bot,
        alarm=site.alarm,
        fire=site.fire,
        teller=site.teller,
        clock=clock,
        break_workspace=site.workspace_faults.set,
        break_teams=site.teams_faults.set,  # type: ignore[arg-type]  # the page checks the names
        replicas=replicas,
        suggestions=suggestions,
        trails=Trails(lambda: [each.health_port for each in replicas.processes]),
    )
    app.add_subapp("/sandbox", page_api(page))
    app.router.add_get("/", _index)
    app.router.add_get("/npm/{name}", _library)
    app.router.add_static("/page", PAGE)
    return app


def _workspace(site: Site, issuer: Issuer, engine: Engine, clock: Clock) -> web.Application:
    def heard(asked: AskedQuery) -> None:
        site.run.add(
            Kind.QUERY,
            f"Workspace {asked.workspace} was asked" + (f": {asked.error}" if asked.error else ""),
            detail={"kql": asked.kql, "timespan": asked.timespan, "error": asked.error},
            ms=asked.milliseconds,
            status=asked.status,
            rows=asked.rows,
        )

    return workspace_app(
        engine,
        workspaces={WORKSPACE_ID: "sandbox"},
        tokens=issuer.check,
        clock=clock,
        on_query=heard,
        faults=site.workspace_faults,
    )


def _management(site: Site, issuer: Issuer, clock: Clock) -> web.Application:
    return alerts_management_app(
        site.alerts,
        tokens=issuer.check,
        clock=clock,
        faults=site.alerts_faults,
        heard=lambda title, status: site.run.add(Kind.NOTE, title, status=status),
    )


async def _index(_request: web.Request) -> web.FileResponse:
    headers = {"Cache-Control": "no-store", "Content-Security-Policy": POLICY}
    return web.FileResponse(PAGE / "index.html", headers=headers)


async def _library(request: web.Request) -> web.FileResponse:
    """The page's two libraries; no other file of theirs."""
    path = LIBRARIES.get(request.match_info["name"])
    if path is None or not path.is_file():
        raise web.HTTPNotFound(text="The page's packages are not installed; run make demo.")
    return web.FileResponse(path)
