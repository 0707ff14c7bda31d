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
from bot.commands import Asker, Command
from bot.dialogs import DIALOG_DEADLINE
from bot.inquiry import Inquiry
from bot.membership import Membership
from bot.ports import Answer, Conversation, Member, Message, Query
from bot.responder import Responder
from bot.status import StatusReport
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

    def __post_init__(self) -> None:
        self.desk.teams.members = {member.id: member for member in (ALICE, BOB, GINA)}

    def responder(self) -> Responder:
        desk = self.desk
        return Responder(
            store=desk.store,
            inquiry=self.inquiry or Inquiry(log=desk.log, workspaces=(PROD,), clock=desk.clock),
            conversations=desk.teams,
            membership=Membership(
                conversations=desk.teams, routes=desk.store, clock=desk.clock, tenant_id=TENANT
            ),
            clock=desk.clock,
            zone=ZoneInfo("UTC"),
            incident_message=desk.notifier.message,
            logs_url=lambda _evidence: "",
            wake=self._wake,
            status=StatusReport(store=desk.store, clock=desk.clock, workspaces=[PROD.name]),
            dialog_deadline=self.dialog_deadline,
            sleep=self._sleep,
        )

    def _wake(self) -> None:
        self.woken += 1

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    async def ask(self, command: Command, asker: Asker | None = None) -> Message:
        """Answer the command, and wait for what goes on behind the answer."""
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
