"""Where the parts are put together: the only place that knows every one of them."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
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
from audit.alert import Alert
from audit.evidence import Evidence
from audit.runbook import runbook_url
from bot.catch_up import CatchUp
from bot.errors import OutsideError, Reason, Unavailable
from bot.inquiry import DEADLINE as QUERY_DEADLINE
from bot.inquiry import Inquiry
from bot.membership import Membership
from bot.notifier import Notifier
from bot.portal import logs_url
from bot.ports import ChoreKind, Clock, Conversations, Meter, Store, Trace
from bot.responder import Responder
from bot.retention import Retention
from bot.sharing import SharedLog
from bot.status import StatusReport
from bot.store import open_store
from bot.teams import TEAMS_HOSTS, ServiceHosts, open_teams
from bot.worker import SENDS_AT_ONCE, Worker

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
        inquiry = Inquiry(
            log=SharedLog(audit_log, clock),
            workspaces=settings.workspaces,
            clock=clock,
            deadline=deadlines.query,
        )
        catch_up = await opened.enter_async_context(
            open_catch_up(settings, session, clock, store, lambda: wiring.wake())  # noqa: PLW0108 - it is made below
        )
        wiring = _Wiring(
            settings=settings,
            clock=clock,
            store=store,
            inquiry=inquiry,
            catch_up=catch_up,
            ending=parts.ending,
            meter=parts.metrics,
            sends_at_once=parts.sends_at_once,
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


class _Wiring:
    """The bot's own parts, which need one another: notifier, worker and responder."""

    def __init__(
        self,
        *,
        settings: Settings,
        clock: Clock,
        store: Store,
        inquiry: Inquiry,
        catch_up: CatchUp,
        ending: Ending,
        meter: Meter,
        sends_at_once: int,
    ) -> None:
        self._sends_at_once = sends_at_once
        self._settings = settings
        self._clock = clock
        self._store = store
        self._inquiry = inquiry
        self._catch_up = catch_up
        self._ending = ending
        self._meter = meter
        self._responder: Responder | None = None
        self._worker: Worker | None = None

    def wake(self) -> None:
        if self._worker is not None:
            self._worker.wake()

    def responder(self, conversations: Conversations) -> Responder:
        self._responder = Responder(
            store=self._store,
            inquiry=self._inquiry,
            conversations=conversations,
            membership=Membership(
                conversations=conversations,
                routes=self._store,
                clock=self._clock,
                tenant_id=self._settings.bot.tenant_id,
            ),
            clock=self._clock,
            zone=self._settings.zone,
            incident_message=self._notifier(conversations).message,
            logs_url=self._logs_url,
            wake=self.wake,
            status=StatusReport(
                store=self._store,
                clock=self._clock,
                workspaces=[workspace.name for workspace in self._settings.workspaces],
                watching=self._catch_up.watching,
            ),
        )
        return self._responder

    @asynccontextmanager
    async def working(self, conversations: Conversations) -> AsyncIterator[None]:
        """Run the worker. Once the process ends it takes nothing more, and finishes what it has in hand."""
        notifier = self._notifier(conversations)
        self._worker = Worker(
            work=self._store,
            look=notifier.look,
            notify=notifier.notify,
            chores={
                ChoreKind.RETENTION: self._retention().clean,
                ChoreKind.CATCH_UP: self._catch_up.run,
            },
            clock=self._clock,
            meter=self._meter,
            owner=uuid.uuid4().hex,
            sends_at_once=self._sends_at_once,
        )
        if self._settings.database_url.reveal().startswith("sqlite"):
            # A file has one process (the store sees to it), so what a killed one held is free at once.
            await self._store.release(None)
        async with self._store.listening(self._worker.wake):
            running = asyncio.create_task(self._worker.run())
            stopping = asyncio.create_task(self._stop_at_the_end(self._worker, running))
            try:
                yield
            finally:
                self._ending.begin()
                await stopping

    async def _stop_at_the_end(self, worker: Worker, running: asyncio.Task[None]) -> None:
        """Begin at once, beside the requests that are still answered: all share one span of time."""
        await self._ending.wait()
        while not running.done():
            # Again and again: a claim that is under way now brings more rows when it comes back.
            await worker.stop(self._ending.left())
            await asyncio.wait({running}, timeout=0.05)
        await running

    async def close(self) -> None:
        """Wait for what answers have left to do in the background, as long as there is time."""
        if self._responder is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._ending.left()):
                    await self._responder.close()

    def _retention(self) -> Retention:
        return Retention(backlog=self._store, clock=self._clock, keep=self._settings.keep)

    def _notifier(self, conversations: Conversations) -> Notifier:
        return Notifier(
            store=self._store,
            inquiry=self._inquiry,
            conversations=conversations,
            clock=self._clock,
            zone=self._settings.zone,
            logs_url=self._logs_url,
            meter=self._meter,
            runbook=self._runbook,
        )

    def _runbook(self, alert: Alert) -> str:
        runbooks = self._settings.runbooks
        return runbook_url(alert, runbooks.hosts) or runbooks.url

    def _logs_url(self, evidence: Evidence) -> str:
        names = {workspace.name: workspace.resource_id for workspace in self._settings.workspaces}
        if evidence.window is None:
            return ""
        return logs_url(
            tenant_id=self._settings.bot.tenant_id,
            workspace_resource_id=names.get(evidence.workspace, ""),
            kql=evidence.kql,
            window=evidence.window,
        )
