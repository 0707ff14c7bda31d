"""Where the parts are put together: the only place that knows every one of them."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web

from api.alerts import alerts_handler, shared_secret
from api.body import DEADLINE as BODY_DEADLINE
from api.body import in_one_sentence, refusal
from api.clocks import SystemClock
from api.entra import BotFrameworkTokens
from api.health import health_app
from api.identity import bot_credential, open_audit_log
from api.keys import KeyCache
from api.messages import Handler, messages_handler
from api.server import IN_HAND, InHand
from api.settings import Settings
from audit.evidence import Evidence
from bot.inquiry import DEADLINE as QUERY_DEADLINE
from bot.inquiry import Inquiry
from bot.membership import Membership
from bot.notifier import Notifier
from bot.portal import logs_url
from bot.ports import Clock, Conversations, Store
from bot.responder import Responder
from bot.store import open_store
from bot.teams import TEAMS_HOSTS, ServiceHosts, open_teams
from bot.worker import Worker

log = logging.getLogger(__name__)

#: One pool of connections for everything that goes out to Teams.
CONNECTIONS = 60
OUTSIDE_TIMEOUT = aiohttp.ClientTimeout(total=30, sock_connect=5)
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

    store: Store | None = None
    alerts: Handler | None = None
    messages: Handler | None = None
    draining: bool = False


PARTS = web.AppKey("parts", Parts)


def make_app(
    settings: Settings, *, clock: Clock | None = None, deadlines: Deadlines | None = None
) -> web.Application:
    """Return the public application: the alert webhook and the Bot Framework endpoint.

    Everything with a lifetime is opened when the application starts and closed when it is cleaned up. Starting
    raises OutsideError when the store cannot be opened.
    """
    in_hand = InHand()
    app = web.Application(middlewares=[in_hand.counted, in_one_sentence])
    app[IN_HAND] = in_hand
    app[PARTS] = Parts()
    time = clock or SystemClock(settings.sandbox.clock_offset if settings.sandbox else SystemClock.offset)

    async def opened(app: web.Application) -> AsyncIterator[None]:
        async with _open_parts(app[PARTS], settings, time, deadlines or Deadlines()):
            yield

    app.cleanup_ctx.append(opened)
    app.router.add_post("/api/alerts", _alerts)
    app.router.add_post("/api/messages", _messages)
    return app


def make_health_app(app: web.Application) -> web.Application:
    """Return the application of the second port, which tells how the first one is."""
    parts = app[PARTS]

    async def ping() -> None:
        if parts.store is not None:
            await parts.store.ping()

    return health_app(ping=ping, away=lambda: parts.draining or parts.store is None)


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
        audit_log = await opened.enter_async_context(open_audit_log(settings, session, clock))
        inquiry = Inquiry(
            log=audit_log, workspaces=settings.workspaces, clock=clock, deadline=deadlines.query
        )
        wiring = _Wiring(settings=settings, clock=clock, store=store, inquiry=inquiry)
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
            )
        )
        await opened.enter_async_context(wiring.working(teams.conversations))
        keys = KeyCache(session, settings.bot.openid_metadata_url, clock)
        parts.alerts = alerts_handler(
            allowed=shared_secret(settings.webhook.secrets),
            incidents=store,
            clock=clock,
            wake=wiring.wake,
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
            parts.draining = True


class _Wiring:
    """The bot's own parts, which need one another: notifier, worker and responder."""

    def __init__(self, *, settings: Settings, clock: Clock, store: Store, inquiry: Inquiry) -> None:
        self._settings = settings
        self._clock = clock
        self._store = store
        self._inquiry = inquiry
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
        )
        return self._responder

    @asynccontextmanager
    async def working(self, conversations: Conversations) -> AsyncIterator[None]:
        """Run the worker; at the end let it finish what is in hand."""
        notifier = self._notifier(conversations)
        self._worker = Worker(
            work=self._store,
            look=notifier.look,
            notify=notifier.notify,
            clock=self._clock,
            owner=uuid.uuid4().hex,
        )
        if self._settings.database_url.reveal().startswith("sqlite"):
            # A file has one process (the store sees to it), so what a killed one held is free at once.
            await self._store.release(None)
        running = asyncio.create_task(self._worker.run())
        try:
            yield
        finally:
            await self._worker.stop()
            await running

    async def close(self) -> None:
        """Wait for what answers have left to do in the background."""
        if self._responder is not None:
            await self._responder.close()

    def _notifier(self, conversations: Conversations) -> Notifier:
        return Notifier(
            store=self._store,
            inquiry=self._inquiry,
            conversations=conversations,
            clock=self._clock,
            zone=self._settings.zone,
            logs_url=self._logs_url,
        )

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
