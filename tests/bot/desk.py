"""A notifier at work, one step at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from audit.evidence import Evidence
from audit.incident import Incident, Person
from bot.errors import OutsideError, Reason, Unavailable
from bot.inquiry import Inquiry
from bot.notifier import Notifier
from bot.ports import LookKind, Notification, Store
from tests.bot.stage import GENERAL, PROD, a_row, an_incident, delivery, dossier_of
from tests.bot.workspace import Row, failing, holding
from tests.cards.checks import text
from tests.fakes import NOW, FakeAuditLog, FakeClock, FakeConversations, FakeMeter, Said

ZOE = Person(id="zoe-object-id", name="Zoe Zed")
DOWN = Unavailable(Reason.SERVER_ERROR, "it is down")


@dataclass
class Desk:
    """A notifier over the real store; each method does one piece of the worker's work."""

    store: Store
    log: FakeAuditLog = field(default_factory=lambda: FakeAuditLog(answering=holding([a_row()])))
    teams: FakeConversations = field(default_factory=FakeConversations)
    clock: FakeClock = field(default_factory=FakeClock)
    meter: FakeMeter = field(default_factory=FakeMeter)

    @property
    def notifier(self) -> Notifier:
        return self.notifier_over(self.store)

    def notifier_over(self, store: Store) -> Notifier:
        return Notifier(
            store=store,
            inquiry=Inquiry(log=self.log, workspaces=(PROD,), clock=self.clock),
            conversations=self.teams,
            clock=self.clock,
            zone=ZoneInfo("UTC"),
            logs_url=lambda _evidence: "",
            meter=self.meter,
        )

    def holds(self, *rows: Row, clusters: Sequence[str] = ()) -> None:
        self.log.answering = holding(rows, clusters=clusters)

    def fails(self, failure: OutsideError = DOWN) -> None:
        self.log.answering = failing(failure)

    async def opened(self, **changes: Any) -> Incident:
        """An incident that General waits for."""
        await self.store.remember(GENERAL, NOW)
        await self.store.subscribe(GENERAL.id, NOW)
        return await an_incident(self.store, delivery(**changes), self.clock.now())

    async def look(self) -> LookKind:
        (look,) = await self.store.claim_looks("w1", self.clock.now(), 10)
        await self.notifier.look(look)
        return look.kind

    async def looks_due(self) -> int:
        return len(await self.store.claim_looks("nobody", self.clock.now(), 10))

    async def claimed(self) -> Notification:
        (notification,) = await self.store.claim_notifications("w1", self.clock.now(), 10)
        return notification

    async def notify(self) -> None:
        await self.notifier.notify(await self.claimed())

    async def notifications_due(self) -> int:
        return len(await self.store.claim_notifications("nobody", self.clock.now(), 10))

    async def posted(self, **changes: Any) -> Incident:
        """An incident whose card stands in General."""
        incident = await self.opened(**changes)
        await self.look()
        await self.notify()
        return incident

    async def evidence(self, incident: Incident) -> Evidence:
        return (await dossier_of(self.store, incident)).evidence

    def says(self) -> str:
        return text(dict(self.teams.said[-1].message.card))


def refusing(failures: Mapping[str, OutsideError]) -> Callable[[str, str], None]:
    """Teams raises for calls of these names."""

    def fail(call: str, _where: str) -> None:
        if call in failures:
            raise failures[call]

    return fail


def where_and_how(said: Said) -> tuple[str, str, bool]:
    return said.where, said.activity_id, said.updated
