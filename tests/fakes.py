"""Recording fakes of our own Protocols: the only ones, for every test."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from audit.incident import Incident
from bot.asked import Asker, Command
from bot.errors import OutsideError, Reason, Rejected, Unavailable
from bot.ports import (
    Answer,
    Chore,
    Claim,
    Conversation,
    ConversationKind,
    Look,
    LookKind,
    Member,
    Message,
    Notification,
    Query,
    Send,
)

NOW = datetime(2026, 3, 4, 9, 38, 59, tzinfo=UTC)
TENANT = "5f2b1c7e-0d7a-4a60-9d57-0c7f6a1e2b3c"


@dataclass
class FakeClock:
    at: datetime = NOW

    def now(self) -> datetime:
        return self.at

    def pass_time(self, **span: float) -> None:
        self.at += timedelta(**span)


@dataclass
class FakeAuditLog:
    """Answers from `answers` in turn (the last one for ever); an exception in the list is raised.

    `answering` takes the place of `answers`: it may look at the query, wait, or raise.
    """

    answers: list[Answer | OutsideError] = field(default_factory=list)
    asked: list[Query] = field(default_factory=list)
    answering: Callable[[Query], Awaitable[Answer]] | None = None

    async def ask(self, query: Query) -> Answer:
        self.asked.append(query)
        if self.answering:
            return await self.answering(query)
        answer = self.answers[min(len(self.asked), len(self.answers)) - 1]
        if isinstance(answer, OutsideError):
            raise answer
        return answer


@dataclass
class Said:
    where: str
    message: Message
    activity_id: str
    thread: str = ""
    updated: bool = False


@dataclass
class FakeConversations:
    """Keeps what was said; `fail` may raise for a call by its name and conversation id.

    `meanwhile` is awaited while a card is on its way: what happens to the incident at that moment.
    """

    said: list[Said] = field(default_factory=list)
    members: dict[str, Member] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)
    fail: Callable[[str, str], None] = lambda _call, _where: None
    meanwhile: Callable[[], Awaitable[None]] | None = None

    async def post(self, where: Conversation, message: Message, *, thread: str = "") -> str:
        self.fail("post", where.id)
        if self.meanwhile:
            await self.meanwhile()
        self.said.append(Said(where.id, message, f"activity-{len(self.said) + 1}", thread))
        return self.said[-1].activity_id

    async def update(self, where: Conversation, activity_id: str, message: Message) -> None:
        self.fail("update", where.id)
        if self.meanwhile:
            await self.meanwhile()
        self.said.append(Said(where.id, message, activity_id, updated=True))

    async def delete(self, where: Conversation, activity_id: str) -> None:
        self.fail("delete", where.id)
        self.deleted.append(activity_id)

    async def member(self, where: Conversation, user_id: str) -> Member:
        self.fail("member", where.id)
        if user_id not in self.members:
            raise Rejected(Reason.NOT_FOUND)
        return self.members[user_id]

    async def personal(self, where: Conversation, member: Member) -> Conversation:
        self.fail("personal", where.id)
        return a_conversation(id=f"a:{member.object_id}", kind=ConversationKind.PERSONAL)

    def texts(self) -> Sequence[str]:
        return [s.message.summary for s in self.said]


def a_conversation(**changes: object) -> Conversation:
    fields: dict[str, object] = {
        "id": "19:general@thread.tacv2",
        "kind": ConversationKind.CHANNEL,
        "service_url": "https://smba.trafficmanager.net/emea/",
        "tenant_id": TENANT,
        "bot_id": "28:0f3c6a3e-7d0b-4d52-8a52-5a35c0a3a2d1",
        "team_id": "19:general@thread.tacv2",
        "name": "General",
    }
    return Conversation(**(fields | changes))  # type: ignore[arg-type]


@dataclass
class FakeWork:
    """Looks that are due, in memory; only what the worker itself needs."""

    due: list[tuple[datetime, Look]] = field(default_factory=list)
    chores: list[tuple[datetime, Chore]] = field(default_factory=list)
    renewed: list[int] = field(default_factory=list)
    claimed: list[str] = field(default_factory=list)
    released: list[str | None] = field(default_factory=list)
    failing: list[OutsideError] = field(default_factory=list)

    async def claim_looks(self, owner: str, now: datetime, limit: int) -> Sequence[Look]:
        if self.failing:
            raise self.failing.pop()
        ready = [look for due, look in self.due if due <= now][:limit]
        self.due = [(due, look) for due, look in self.due if look not in ready]
        self.claimed += [look.incident_key for look in ready]
        return ready

    async def claim_notifications(self, owner: str, now: datetime, limit: int) -> Sequence[Notification]:
        return ()

    async def claim_chores(self, owner: str, now: datetime, limit: int) -> Sequence[Chore]:
        ready = [chore for due, chore in self.chores if due <= now][:limit]
        self.chores = [(due, chore) for due, chore in self.chores if chore not in ready]
        return ready

    async def chore_done(self, chore: Chore, again_at: datetime) -> bool:
        self.chores.append((again_at, chore))
        return True

    async def renew(self, held: Sequence[Claim]) -> None:
        self.renewed += [claim.id for claim in held]

    async def pull_in(self, now: datetime) -> int:
        return 0

    async def holds(self, notification: Notification) -> bool:
        raise NotImplementedError

    async def posted(self, notification: Notification, activity_id: str, version: int, now: datetime) -> bool:
        raise NotImplementedError

    async def put_off(
        self, notification: Notification, until: datetime, reason: str, now: datetime, *, whole: bool = False
    ) -> bool:
        raise NotImplementedError

    async def fail(
        self,
        notification: Notification,
        reason: str,
        now: datetime,
        *,
        detail: str = "",
        card: Mapping[str, Any] | None = None,
    ) -> bool:
        raise NotImplementedError

    async def digest(self, notification: Notification) -> Sequence[Incident]:
        raise NotImplementedError

    async def next_due(self, now: datetime) -> datetime | None:
        return min((due for due, _ in self.due), default=None)

    async def release(self, owner: str | None) -> int:
        self.released.append(owner)
        return 0


@dataclass
class FakeMeter:
    """Keeps what was counted, as (what, words…), numbers left out."""

    counted: list[tuple[str, ...]] = field(default_factory=list)

    def accepted(self, result: str) -> None:
        self.counted.append(("accepted", result))

    def claimed(self, kind: str, rows: int, taken_over: int) -> None:
        self.counted += [("claimed", kind)] * rows + [("taken over", kind)] * taken_over

    def sent(self, operation: str, reason: str, seconds: float) -> None:
        self.counted.append(("sent", operation, str(reason)))

    def asked(self, reason: str, seconds: float) -> None:
        self.counted.append(("asked", str(reason)))

    def put_off(self, kind: str, reason: str) -> None:
        self.counted.append(("put off", kind, str(reason)))

    def gave_up(self, reason: str) -> None:
        self.counted.append(("gave up", str(reason)))


@dataclass
class FakePace:
    """Room for everything, unless `waits` says otherwise for a call."""

    waits: list[float] = field(default_factory=list)
    asked: list[Send] = field(default_factory=list)

    async def reserve(self, wanted: Sequence[Send], now: datetime) -> Sequence[timedelta]:
        self.asked += wanted
        return [timedelta(seconds=self.waits.pop(0) if self.waits else 0.0) for _ in wanted]


def a_look(key: str = "k1", kind: LookKind = LookKind.ALERT, attempt: int = 1) -> Look:
    return Look(id=1, incident_key=key, kind=kind, attempt=attempt, owner="me", due_at=NOW, claimed_at=NOW)


@dataclass
class FakeRoutes:
    """Routes in memory, as the store's contract has them."""

    known: dict[str, Conversation] = field(default_factory=dict)
    wanting: list[str] = field(default_factory=list)
    remembered: list[Conversation] = field(default_factory=list)
    down: bool = False

    def _check(self) -> None:
        if self.down:
            raise Unavailable(Reason.STORE)

    async def remember(self, conversation: Conversation, now: datetime) -> None:
        self._check()
        self.known[conversation.id] = conversation
        self.remembered.append(conversation)

    async def conversation(self, conversation_id: str) -> Conversation | None:
        self._check()
        return self.known.get(conversation_id)

    async def subscribe(self, conversation_id: str, now: datetime) -> bool:
        self._check()
        if conversation_id in self.wanting:
            return False
        self.wanting.append(conversation_id)
        return True

    async def unsubscribe(self, conversation_id: str, now: datetime) -> bool:
        self._check()
        if conversation_id not in self.wanting:
            return False
        self.wanting.remove(conversation_id)
        return True

    async def end(self, now: datetime, *, conversation_id: str = "", team_id: str = "") -> int:
        self._check()
        ended = [
            c for c in self.known.values() if c.id == conversation_id or (team_id and c.team_id == team_id)
        ]
        for conversation in ended:
            del self.known[conversation.id]
            await self.unsubscribe(conversation.id, now)
        return len(ended)

    async def subscribed(self) -> Sequence[Conversation]:
        self._check()
        return [c for c in self.known.values() if c.id in self.wanting]


@dataclass
class FakeResponder:
    """Answers every command with its name, once `wait` is set if there is one; or raises `failure`, or is silent."""

    asked: list[tuple[Command, Asker]] = field(default_factory=list)
    failure: Exception | None = None
    wait: asyncio.Event | None = None
    silent: bool = False

    async def respond(self, command: Command, asker: Asker) -> Message | None:
        self.asked.append((command, asker))
        if self.wait:
            await self.wait.wait()
        if self.failure:
            raise self.failure
        if self.silent:
            return None
        text = type(command).__name__
        body = [{"type": "TextBlock", "text": text}]
        return Message(card={"type": "AdaptiveCard", "version": "1.5", "body": body}, summary=text)

    def commands(self) -> list[Command]:
        return [command for command, _ in self.asked]
