"""Where the parts are put together: the only place that knows every one of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web

from api.alerts import alerts_handler, shared_secret
from api.body import DEADLINE as BODY_DEADLINE
from api.body import in_one_sentence, refusal
from api.catching_up import open_catch_up
from api.clocks import SystemClock
from api.damage import Damage
from api.ending import Ending
from api.entra import BotFrameworkTokens
from api.health import health_app
from api.identity import bot_credential, open_audit_log
from api.keys import KeyCache
from api.messages import Handler, messages_handler
from api.metrics import Metrics
from api.server import IN_HAND, InHand
from api.settings import Settings
from api.trail import add_trail
from api.wiring import Wiring
from bot.errors import OutsideError, Reason, Unavailable
from bot.inquiry import DEADLINE as QUERY_DEADLINE
from bot.ports import Clock, Store, Trace
from bot.sharing import SharedLog
from bot.store import open_store
from bot.teams import TEAMS_HOSTS, ServiceHosts, open_teams
from bot.worker import SENDS_AT_ONCE

log = logging.getLogger(__name__)

#: One pool of connections for everything that goes out to Teams.
CONNECTIONS = 60
OUTSIDE_TIMEOUT = aiohttp.ClientTimeout(total=30, sock_connect=5)
#: How long a scrape waits for the store, seconds; Prometheus gives up after ten by default.
LOAD_PATIENCE = 3.0
STARTING = "The bot is starting; send it again in a moment."


@dataclass(frozen=True, kw_only=True)
class Deadlines:
    """How long others are waited for."""

    #: Seconds that the body of a request may take.
    body: float = BODY_DEADLINE
    #: One question to a workspace.
    query: timedelta = QUERY_DEADLINE


@dataclass(kw_only=True)
class Parts:
    """What is behind the routes; None until the application has started."""

    clock: Clock
    #: Conversations that the worker speaks in at once.
    sends_at_once: int = SENDS_AT_ONCE
    metrics: Metrics = field(default_factory=Metrics)
    damage: Damage = field(default_factory=Damage)
    #: Begun when the process is told to stop, or at the latest when the application is cleaned up.
    ending: Ending = field(default_factory=Ending)
    store: Store | None = None
    alerts: Handler | None = None
    messages: Handler | None = None


PARTS = web.AppKey("parts", Parts)


def make_app(
    settings: Settings,
    *,
    clock: Clock | None = None,
    deadlines: Deadlines | None = None,
    sends_at_once: int = SENDS_AT_ONCE,
) -> web.Application:
    """Return the public application: the alert webhook and the Bot Framework endpoint.

    Everything with a lifetime is opened when the application starts and closed when it is cleaned up. Starting
    raises OutsideError when the store cannot be opened.
    """
    in_hand = InHand()
    app = web.Application(middlewares=[in_hand.counted, in_one_sentence])
    app[IN_HAND] = in_hand
    time = clock or SystemClock(settings.sandbox.clock_offset if settings.sandbox else SystemClock.offset)
    app[PARTS] = Parts(clock=time, sends_at_once=sends_at_once)

    async def opened(app: web.Application) -> AsyncIterator[None]:
        async with _open_parts(app[PARTS], settings, time, deadlines or Deadlines()):
            yield

    app.cleanup_ctx.append(opened)
    app.router.add_post("/api/alerts", _alerts)
    app.router.add_post("/api/messages", _messages)
    return app


def make_health_app(app: web.Application) -> web.Application:
    """Return the application of the second port, which tells how the first one is and watches the event loop."""
    parts = app[PARTS]

    async def watched(_health: web.Application) -> AsyncIterator[None]:
        async with parts.metrics.watching_the_loop():
            yield

    async def ping() -> None:
        if parts.store is not None:
            await parts.store.ping()

    health = health_app(
        ping=ping,
        away=lambda: parts.ending.begun or parts.store is None,
        metrics=lambda: _metrics(parts),
        damage=parts.damage,
    )
    health.cleanup_ctx.append(watched)

    async def trail(number: int) -> Sequence[Trace]:
        if parts.store is None:
            raise Unavailable(Reason.STORE, "starting or stopping")
        return await parts.store.trail(number)

    add_trail(health, trail)
    return health


async def _metrics(parts: Parts) -> bytes:
    load = None
    if parts.store is not None:
        try:
            async with asyncio.timeout(LOAD_PATIENCE):
                load = await parts.store.load(parts.clock.now())
        except TimeoutError:
            log.warning("no load for the metrics", extra={"reason": "the store took too long"})
        except OutsideError as failure:
            parts.damage.saw(failure)
            log.warning("no load for the metrics", extra={"reason": failure.reason})
    return parts.metrics.text(load, parts.clock.now())


async def _alerts(request: web.Request) -> web.Response:
    handle = request.app[PARTS].alerts
    return await handle(request) if handle else refusal(503, STARTING)


async def _messages(request: web.Request) -> web.Response:
    handle = request.app[PARTS].messages
    return await handle(request) if handle else refusal(503, STARTING)


@asynccontextmanager
async def _open_parts(
    parts: Parts, settings: Settings, clock: Clock, deadlines: Deadlines
) -> AsyncIterator[None]:
    """Open adapters from the bottom up; close them in the opposite order, the worker first."""
    async with AsyncExitStack() as opened:
        store = await opened.enter_async_context(open_store(settings.database_url.reveal()))
        session = await opened.enter_async_context(
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=CONNECTIONS), timeout=OUTSIDE_TIMEOUT, trust_env=False
            )
        )
        credential = await opened.enter_async_context(bot_credential(settings, session, clock))
        audit_log = await opened.enter_async_context(open_audit_log(settings, session, clock, parts.metrics))
        catch_up = await opened.enter_async_context(
            open_catch_up(settings, session, clock, store, lambda: wiring.wake())  # noqa: PLW0108 - it is made below
        )
        wiring = Wiring(
            settings=settings,
            clock=clock,
            store=store,
            audit_log=SharedLog(audit_log, clock),
            catch_up=catch_up,
            ending=parts.ending,
            meter=parts.metrics,
            sends_at_once=parts.sends_at_once,
            query_deadline=deadlines.query,
        )
        hosts = ServiceHosts(
            (*TEAMS_HOSTS, *settings.bot.service_hosts),
            sandbox=urlsplit(settings.sandbox.url).netloc if settings.sandbox else "",
        )
        # Closed after Teams, whose last turns still need it.
        opened.push_async_callback(wiring.close)
        teams = await opened.enter_async_context(
            open_teams(
                session=session,
                credential=credential,
                app_id=settings.bot.app_id,
                hosts=hosts,
                routes=store,
                clock=clock,
                responder=wiring.responder,
                pace=store,
                meter=parts.metrics,
                patience=parts.ending.left,
            )
        )
        await opened.enter_async_context(wiring.working(teams.conversations))
        keys = KeyCache(session, settings.bot.openid_metadata_url, clock)
        parts.alerts = alerts_handler(
            allowed=shared_secret(settings.webhook.secrets),
            incidents=store,
            clock=clock,
            wake=wiring.wake,
            meter=parts.metrics,
            failed=parts.damage.saw,
            deadline=deadlines.body,
        )
        parts.messages = messages_handler(
            tokens=BotFrameworkTokens(keys, settings.bot.app_id, clock),
            turn=teams.turn,
            hosts=hosts,
            tenants=[settings.bot.tenant_id],
            deadline=deadlines.body,
        )
        parts.store = store
        try:
            yield
        finally:
            parts.ending.begin()
