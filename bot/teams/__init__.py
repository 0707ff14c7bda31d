"""The only package that knows Teams and botbuilder."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from azure.core.credentials_async import AsyncTokenCredential

from bot.pacing import Paced, Pacing
from bot.ports import Clock, Conversations, Meter, Pace, Routes
from bot.teams.adapter import PATIENCE, Authentication, TeamsAdapter
from bot.teams.answers import Responder
from bot.teams.conversations import TeamsConversations
from bot.teams.handler import Handler
from bot.teams.hosts import TEAMS_HOSTS, ServiceHosts
from bot.teams.replies import Replies
from bot.teams.sender import Sender
from bot.teams.token import AppToken, TokenSource

__all__ = [
    "TEAMS_HOSTS",
    "AppToken",
    "Responder",
    "Sender",
    "ServiceHosts",
    "Teams",
    "TeamsConversations",
    "TokenSource",
    "open_teams",
]

Turn = Callable[[Mapping[str, Any], Mapping[str, Any]], Awaitable[tuple[int, Mapping[str, Any] | None]]]


@dataclass(frozen=True, kw_only=True)
class Teams:
    """Teams, opened: what the bot says there, and what comes from there (`TeamsAdapter.turn`)."""

    conversations: Conversations
    turn: Turn


@asynccontextmanager
async def open_teams(
    *,
    session: aiohttp.ClientSession,
    credential: AsyncTokenCredential,
    app_id: str,
    hosts: ServiceHosts,
    routes: Routes,
    clock: Clock,
    responder: Callable[[Conversations], Responder],
    pace: Pace,
    meter: Meter,
    patience: Callable[[], float] = lambda: PATIENCE,
) -> AsyncIterator[Teams]:
    """Put the parts together; at the end wait for turns that are still being answered, `patience()` seconds at most.

    `responder` is made here, because it needs the conversations and the handler needs it. The session and the
    credential stay the caller's to close. Raises RuntimeError if the SDK would let anyone in.
    """
    tokens = AppToken(credential, clock)
    sender = Sender(session=session, tokens=tokens, hosts=hosts, clock=clock, meter=meter)
    conversations = TeamsConversations(sender)
    pacing = Pacing(pace=pace, clock=clock)
    to_people = Paced(conversations, pacing, to_person=True)
    authentication = Authentication(app_id=app_id)
    if await authentication.credentials.is_authentication_disabled():
        raise RuntimeError("authentication must not be off")
    replies = Replies(conversations=to_people, typing=conversations.typing, pacing=pacing)
    handler = Handler(
        responder=responder(to_people), routes=routes, conversations=to_people, clock=clock, replies=replies
    )
    adapter = TeamsAdapter(authentication=authentication, bot=handler)
    try:
        yield Teams(conversations=Paced(conversations, pacing), turn=adapter.turn)
    finally:
        replies.close()
        await adapter.close(patience())
