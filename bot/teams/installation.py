"""Where the bot is: installs, uninstalls and what becomes of channels, kept as routes.

https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/subscribe-to-conversation-events
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging

from bot.asked import Welcome
from bot.errors import OutsideError
from bot.ports import Clock, Conversation, ConversationKind, Conversations, Routes
from bot.teams.activity import Activity, asker_of, conversation_of, has_member, text_at
from bot.teams.answers import Responder

log = logging.getLogger(__name__)

TEAM_GONE = frozenset({"teamDeleted", "teamHardDeleted"})


class Installation:
    """Keeps the routes as Teams tells of them. A failing store raises Unavailable, except in `renew`."""

    def __init__(
        self, *, responder: Responder, routes: Routes, conversations: Conversations, clock: Clock
    ) -> None:
        self._responder = responder
        self._routes = routes
        self._conversations = conversations
        self._clock = clock
        # Teams tells of one install twice at the same time; only one of the two may say hello.
        self._installing = asyncio.Lock()

    async def conversation_updated(self, activity: Activity) -> None:
        event = text_at(activity, "channelData", "eventType")
        if has_member(activity, "membersAdded"):
            await self._installed(activity)
        elif has_member(activity, "membersRemoved") or event in TEAM_GONE:
            await self._gone(activity)
        elif event == "channelDeleted":
            channel = text_at(activity, "channelData", "channel", "id")
            if channel:
                await self._routes.end(self._clock.now(), conversation_id=channel)
        elif event == "channelRenamed":
            await self._renamed(activity)

    async def installation_updated(self, activity: Activity) -> None:
        """Only "add" and "remove": an upgrade ("add-upgrade", "remove-upgrade") changes no route."""
        action = text_at(activity, "action")
        if action == "add":
            await self._installed(activity)
        elif action == "remove":
            await self._gone(activity)

    async def renew(self, conversation: Conversation) -> None:
        """Keep the conversation reference up to date: the service URL may change. Never raises."""
        try:
            known = await self._routes.conversation(conversation.id)
            if known:
                conversation = _filled(conversation, known)
            if known != conversation:
                await self._routes.remember(conversation, self._clock.now())
        except OutsideError as failure:
            log.warning("a conversation reference was not renewed", extra={"reason": failure.reason})

    async def _installed(self, activity: Activity) -> None:
        here = conversation_of(activity)
        async with self._installing:
            if here.kind is ConversationKind.CHANNEL:
                here = _chosen_channel(activity, here)
                new = await self._subscribe(here, chosen=bool(_selected(activity)))
            else:
                new = await self._routes.conversation(here.id) is None
                await self._routes.remember(here, self._clock.now())
        if new:
            await self._welcome(activity, here)

    async def _subscribe(self, channel: Conversation, *, chosen: bool) -> bool:
        """Subscribe one channel of the team: the chosen one, else General unless there is one already."""
        now = self._clock.now()
        others = [
            other
            for other in await self._routes.subscribed()
            if other.team_id == channel.team_id and other.id != channel.id
        ]
        if others and not chosen:
            return False
        for other in others:
            # The sibling event of the same install did not name the chosen channel, so General stood in.
            if other.id == channel.team_id:
                await self._routes.unsubscribe(other.id, now)
        await self._routes.remember(channel, now)
        return await self._routes.subscribe(channel.id, now)

    async def _welcome(self, activity: Activity, where: Conversation) -> None:
        asker = dataclasses.replace(asker_of(activity), conversation=where)
        try:
            if message := await self._responder.respond(Welcome(), asker):
                await self._conversations.post(where, message)
        except OutsideError as failure:
            log.warning("no welcome was said", extra={"conversation": where.id, "reason": failure.reason})

    async def _gone(self, activity: Activity) -> None:
        here = conversation_of(activity)
        now = self._clock.now()
        if here.team_id:
            await self._routes.end(now, team_id=here.team_id)
        else:
            await self._routes.end(now, conversation_id=here.id)

    async def _renamed(self, activity: Activity) -> None:
        known = await self._routes.conversation(text_at(activity, "channelData", "channel", "id"))
        name = text_at(activity, "channelData", "channel", "name")
        if known and name:
            renewed = dataclasses.replace(known, name=name, service_url=text_at(activity, "serviceUrl"))
            await self._routes.remember(renewed, self._clock.now())


def _filled(seen: Conversation, known: Conversation) -> Conversation:
    """Keep what this activity does not say: a channel's messages do not carry its name, some clicks not the team."""
    return dataclasses.replace(
        seen,
        name=seen.name or known.name,
        team_id=seen.team_id or known.team_id,
        user_object_id=seen.user_object_id or known.user_object_id,
    )


def _selected(activity: Activity) -> str:
    return text_at(activity, "channelData", "settings", "selectedChannel", "id")


def _chosen_channel(activity: Activity, here: Conversation) -> Conversation:
    """Return the channel that was chosen at the install, else General, whose id is the team's."""
    id_ = _selected(activity) or here.team_id or here.id
    name = text_at(activity, "channelData", "settings", "selectedChannel", "name")
    return dataclasses.replace(here, id=id_, name=name or ("General" if id_ == here.team_id else ""))
