"""The bot's own parts, which need one another: what looks, what says it, what works, and what answers."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import TypedDict

from api.ending import Ending
from api.settings import Settings
from audit.alert import Alert
from audit.evidence import Evidence
from audit.filter import Window
from audit.runbook import runbook_url
from bot.asking import Asking
from bot.catch_up import CatchUp
from bot.chat import ChatAnswers
from bot.counting import Counting
from bot.dialogs import Dialogs
from bot.everywhere import Everywhere
from bot.incident_answers import IncidentAnswers
from bot.inquiry import Inquiry
from bot.known_clusters import KnownClusters
from bot.membership import Membership
from bot.notifier import Notifier
from bot.portal import logs_url
from bot.ports import AuditLog, ChoreKind, Clock, Conversations, Meter, Store, Workspace
from bot.raising import Raising
from bot.raw_log import RawLog
from bot.responder import Responder
from bot.retention import Retention
from bot.row_answers import RowAnswers
from bot.sources import Sources
from bot.status import StatusReport
from bot.watch_answers import WatchAnswers
from bot.watching import Watching
from bot.worker import Worker


class _Asked(TypedDict):
    """Whom everything asks, and by which clock."""

    log: AuditLog
    workspaces: Sequence[Workspace]
    clock: Clock


class Wiring:
    """Made once; `responder` and `working` need what speaks in Teams, which is opened later."""

    def __init__(
        self,
        *,
        settings: Settings,
        clock: Clock,
        store: Store,
        audit_log: AuditLog,
        catch_up: CatchUp,
        ending: Ending,
        meter: Meter,
        sends_at_once: int,
        query_deadline: timedelta,
    ) -> None:
        self._sends_at_once = sends_at_once
        self._settings = settings
        self._clock = clock
        self._store = store
        self._catch_up = catch_up
        self._ending = ending
        self._meter = meter
        self._responder: Responder | None = None
        self._worker: Worker | None = None
        self._sources = Sources(audit_log, clock)
        asked: _Asked = {"log": audit_log, "workspaces": settings.workspaces, "clock": clock}
        self._inquiry = Inquiry(**asked, deadline=query_deadline, sources=self._sources)
        self._counting = Counting(**asked, deadline=query_deadline, sources=self._sources)
        self._asking = Asking(
            everywhere=Everywhere(
                **asked, sources=self._sources, logs_url=self._portal_url, deadline=query_deadline
            ),
            clock=clock,
        )
        self._raising = Raising(store=store, counting=self._counting, clock=clock)

    def wake(self) -> None:
        if self._worker is not None:
            self._worker.wake()

    def responder(self, conversations: Conversations) -> Responder:
        store, clock, zone, chat = self._store, self._clock, self._settings.zone, self._settings.chat
        membership = Membership(
            conversations=conversations,
            routes=store,
            clock=clock,
            tenant_id=self._settings.bot.tenant_id,
            askers=chat.askers,
            readers=chat.readers,
        )
        dialogs = Dialogs(conversations=conversations)
        raw_log = RawLog(inquiry=self._inquiry, dialogs=dialogs, clock=clock)
        rows = RowAnswers(
            inquiry=self._inquiry, incidents=store, dialogs=dialogs, zone=zone, logs_url=self._logs_url
        )
        self._responder = Responder(
            store=store,
            membership=membership,
            clock=clock,
            zone=zone,
            wake=self.wake,
            status=StatusReport(
                store=store,
                clock=clock,
                workspaces=[workspace.name for workspace in self._settings.workspaces],
                watching=self._catch_up.watching,
            ),
            chat=ChatAnswers(
                asking=self._asking,
                clusters=KnownClusters(
                    asking=self._asking, workspaces=self._settings.workspaces, clock=clock
                ),
                store=store,
                dialogs=dialogs,
                raw_log=raw_log,
                rows=rows,
                clock=clock,
                zone=zone,
                may_read=membership.may_read,
                limits=chat.limits,
                longest=chat.longest,
                reach=chat.reach,
            ),
            incidents=IncidentAnswers(
                incidents=store,
                conversations=conversations,
                clock=clock,
                zone=zone,
                incident_message=self._notifier(conversations).message,
                wake=self.wake,
                channels_of=membership.channels_of,
            ),
            watches=WatchAnswers(
                store=store,
                raising=self._raising,
                clock=clock,
                zone=zone,
                wake=self.wake,
                may_read=membership.may_read,
            ),
            dialogs=dialogs,
            raw_log=raw_log,
            rows=rows,
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
                ChoreKind.WATCH: Watching(
                    store=self._store, counting=self._counting, raising=self._raising, clock=self._clock
                ).run,
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
        return Retention(backlog=self._store, chat=self._store, clock=self._clock, keep=self._settings.keep)

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
        named = [each for each in self._settings.workspaces if each.name == evidence.workspace]
        if evidence.window is None or not named:
            return ""
        return self._portal_url(named[0], evidence.kql, evidence.window)

    def _portal_url(self, workspace: Workspace, kql: str, window: Window) -> str:
        return logs_url(
            tenant_id=self._settings.bot.tenant_id,
            workspace_resource_id=workspace.resource_id,
            kql=kql,
            window=window,
        )
