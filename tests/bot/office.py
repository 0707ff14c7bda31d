"""A responder over the real store, with an incident whose card stands in General, and people who ask."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from audit.incident import Incident
from bot.asked import Asker, Command
from bot.asking import Asking
from bot.chat import ChatAnswers
from bot.chat_rows import ChatStore
from bot.counting import Counting
from bot.dialogs import DIALOG_DEADLINE, Dialogs
from bot.everywhere import Everywhere
from bot.incident_answers import IncidentAnswers
from bot.inquiry import DEADLINE, Inquiry
from bot.known_clusters import KnownClusters
from bot.membership import Membership
from bot.ports import Answer, AuditLog, Conversation, Limits, Member, Message, Query, Workspace
from bot.raising import Raising
from bot.raw_log import RawLog
from bot.responder import Responder
from bot.row_answers import RowAnswers
from bot.sources import Sources
from bot.status import StatusReport
from bot.watch_answers import WatchAnswers
from tests.bot.desk import Desk
from tests.bot.stage import GENERAL, PROD
from tests.bot.workspace import Row, holding
from tests.cards.checks import text, titles
from tests.fakes import TENANT

ALICE = Member(id="29:alice", object_id="a-11ce", name="Alice Weber", tenant_id=TENANT, is_guest=False)
BOB = Member(id="29:bob", object_id="b0b", name="Bob Lee", tenant_id=TENANT, is_guest=False)
GINA = Member(id="29:gina", object_id="6-111a", name="Gina Guest", tenant_id=TENANT, is_guest=True)
#: Where Alice alone reads.
HER_CHAT = "a:a-11ce"


def asking(member: Member = ALICE, where: Conversation = GENERAL, **changes: object) -> Asker:
    fields: dict[str, object] = {
        "user_id": member.id,
        "object_id": member.object_id,
        "name": member.name,
        "tenant_id": member.tenant_id,
        "conversation": where,
    }
    return Asker(**(fields | changes))  # type: ignore[arg-type]  # a table of fields for brevity


@dataclass
class Office:
    desk: Desk
    woken: int = 0
    slept: list[float] = field(default_factory=list)
    dialog_deadline: timedelta = DIALOG_DEADLINE
    #: In the place of one that asks the desk's workspace.
    inquiry: Inquiry | None = None
    #: In the place of the desk's workspace, for questions of the chat.
    log: AuditLog | None = None
    workspaces: tuple[Workspace, ...] = (PROD,)
    deadline: timedelta = DEADLINE
    #: In the place of the desk's store, for questions of the chat.
    chat_store: ChatStore | None = None
    limits: Limits = field(default_factory=lambda: Limits(per_person=1000, per_conversation=1000))
    readers: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self.desk.teams.members = {member.id: member for member in (ALICE, BOB, GINA)}

    def responder(self) -> Responder:
        desk, store, clock, zone = self.desk, self.desk.store, self.desk.clock, ZoneInfo("UTC")
        membership = Membership(
            conversations=desk.teams, routes=store, clock=clock, tenant_id=TENANT, readers=self.readers
        )
        inquiry = self.inquiry or Inquiry(log=desk.log, workspaces=(PROD,), clock=clock)
        dialogs = Dialogs(conversations=desk.teams, deadline=self.dialog_deadline, sleep=self._sleep)
        raw_log = RawLog(inquiry=inquiry, dialogs=dialogs, clock=clock)
        rows = RowAnswers(
            inquiry=inquiry, incidents=store, dialogs=dialogs, zone=zone, logs_url=lambda _evidence: ""
        )
        log, workspaces = self.log or desk.log, self.workspaces
        return Responder(
            store=store,
            membership=membership,
            clock=clock,
            zone=zone,
            wake=self._wake,
            status=StatusReport(store=store, clock=clock, workspaces=[PROD.name]),
            chat=self._chat(membership, dialogs, raw_log, rows),
            incidents=IncidentAnswers(
                incidents=store,
                conversations=desk.teams,
                clock=clock,
                zone=zone,
                incident_message=desk.notifier.message,
                wake=self._wake,
                channels_of=membership.channels_of,
            ),
            watches=WatchAnswers(
                store=store,
                raising=Raising(
                    store=store,
                    counting=Counting(log=log, workspaces=workspaces, clock=clock),
                    clock=clock,
                ),
                clock=clock,
                zone=zone,
                wake=self._wake,
                may_read=membership.may_read,
            ),
            dialogs=dialogs,
            raw_log=raw_log,
            rows=rows,
        )

    def asking(self) -> Asking:
        log, clock = self.log or self.desk.log, self.desk.clock
        everywhere = Everywhere(
            log=log,
            workspaces=self.workspaces,
            clock=clock,
            sources=Sources(log, clock),
            logs_url=lambda _workspace, _kql, _window: "",
            deadline=self.deadline,
        )
        return Asking(everywhere=everywhere, clock=clock)

    def _chat(
        self, membership: Membership, dialogs: Dialogs, raw_log: RawLog, rows: RowAnswers
    ) -> ChatAnswers:
        asking, clock = self.asking(), self.desk.clock
        return ChatAnswers(
            asking=asking,
            clusters=KnownClusters(asking=asking, workspaces=self.workspaces, clock=clock),
            store=self.chat_store or self.desk.store,
            dialogs=dialogs,
            raw_log=raw_log,
            rows=rows,
            clock=clock,
            zone=ZoneInfo("UTC"),
            may_read=membership.may_read,
            limits=self.limits,
        )

    def _wake(self) -> None:
        self.woken += 1

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    async def ask(self, command: Command, asker: Asker | None = None) -> Message:
        """Answer the command, and wait for what goes on behind the answer."""
        answer = await self.heard(command, asker)
        assert answer is not None
        return answer

    async def heard(self, command: Command, asker: Asker | None = None) -> Message | None:
        """The same, where it may be that nothing is said."""
        responder = self.responder()
        answer = await responder.respond(command, asker or asking())
        async with asyncio.timeout(5):
            await responder.close()
        return answer

    async def incident(self, *rows: Row) -> Incident:
        """An incident whose card shows these rows and stands in General; nothing else was said so far."""
        if rows:
            self.desk.holds(*rows)
        incident = await self.desk.posted()
        self.desk.teams.said.clear()
        self.desk.log.asked.clear()
        return incident

    def answers_late(self, *rows: Row) -> asyncio.Event:
        """The workspace answers with these rows once the event is set."""
        gate = asyncio.Event()
        answer = holding(rows)

        async def late(query: Query) -> Answer:
            await gate.wait()
            return await answer(query)

        self.desk.log.answering = late
        return gate

    def said_to(self, conversation_id: str) -> list[str]:
        return [read(said.message) for said in self.desk.teams.said if said.where == conversation_id]


def read(message: Message) -> str:
    return text(dict(message.card))


def buttons(message: Message) -> list[str]:
    return titles(dict(message.card))


def everything(message: Message) -> str:
    """All that leaves with a message."""
    return json.dumps([message.card, message.summary, message.sentence], ensure_ascii=False)


def data_of(message: Message, title: str) -> Mapping[str, Any]:
    """The data that a button of the card sends."""
    found: Mapping[str, Any] = next(a for a in message.card["actions"] if a["title"] == title)["data"]
    return found
