"""Activities as Teams sends them to a bot, field by field; ids and shapes as in real ones.

https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/subscribe-to-conversation-events
https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/universal-actions-for-adaptive-cards/work-with-universal-actions-for-adaptive-cards
"""

from __future__ import annotations

import html
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.connector import address
from sandbox.room import BOT_NAME, TEAM_NAME, TENANT, Conversation, Kind, Message, Person, Room
from sandbox.run import Clock, iso

Activity = dict[str, Any]
_MENTION = f"<at>{BOT_NAME}</at>"


@dataclass(frozen=True, kw_only=True)
class Activities:
    """Writes the activities of one room; `service_url` is where the bot is to answer: `{SANDBOX_URL}/teams/`."""

    room: Room
    clock: Clock
    service_url: str

    def message(self, message: Message, person: Person) -> Activity:
        """What somebody typed. Where there are several people a bot only hears what mentions it."""
        text = message.said.text
        mentions = []
        if message.conversation.kind is not Kind.PERSONAL:
            text = _with_mention(text)
            mentioned = {"id": self.room.bot_id, "name": BOT_NAME}
            mentions = [{"type": "mention", "mentioned": mentioned, "text": _MENTION}]
        return self._common("message", person, message.conversation, address(message)) | {
            "id": message.id,
            "text": text,
            "textFormat": "plain",
            "attachments": [{"contentType": "text/html", "content": _as_html(text)}],
            "entities": [*mentions, _client_info(person)],
            "channelData": self._channel_data(message.conversation),
        }

    def submitted(self, message: Message, person: Person, data: Any) -> Activity:
        """A plain Action.Submit: a message without text, whose `value` is the action's data."""
        legacy = {"legacy": {"replyToId": message.id}}
        return self._common("message", person, message.conversation, address(message)) | {
            "value": data,
            "replyToId": message.id,
            "channelData": self._channel_data(message.conversation)
            | {"source": {"name": "message"}}
            | legacy,
        }

    def said_back(self, message: Message, person: Person, text: str, data: Mapping[str, Any]) -> Activity:
        """An Action.Submit of `messageBack`: a message with the line, without a mention, also in a channel.

        https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/cards-actions#action-type-messageback
        """
        said = self.submitted(message, person, dict(data)) | {"text": text, "textFormat": "plain"}
        return said if data else {key: value for key, value in said.items() if key != "value"}

    def invoke(self, name: str, message: Message, person: Person, value: Mapping[str, Any]) -> Activity:
        """A click that waits for its answer: `adaptiveCard/action`, `task/fetch` or `task/submit`."""
        return self.submitted(message, person, dict(value)) | {"type": "invoke", "name": name}

    def installation(
        self, person: Person, channel: Conversation, *, added: bool
    ) -> tuple[Activity, Activity]:
        """The two activities of a bot that is put into a team by `person`, or taken out of it.

        `channel` is the one that was chosen for the bot's posts.
        """
        base = self._common("installationUpdate", person, channel, channel.id)
        # A person who only installs has no name there.
        del base["from"]["name"]
        settings = {"settings": {"selectedChannel": {"id": channel.id}}} if added else {}
        team = {
            "team": {"id": self.room.team_id, "name": TEAM_NAME, "aadGroupId": self.room.team_group_id},
            "tenant": {"id": TENANT},
        }
        update = base | {
            "action": "add" if added else "remove",
            "channelData": settings | team | {"channel": {"id": channel.id}, "source": {"name": "message"}},
        }
        members = base | {
            "type": "conversationUpdate",
            "id": f"f:{uuid.uuid4()}",
            "membersAdded" if added else "membersRemoved": [{"id": self.room.bot_id}],
            "channelData": settings | team | {"eventType": f"teamMember{'Added' if added else 'Removed'}"},
        }
        return update, members

    def _common(self, kind: str, person: Person, where: Conversation, conversation_id: str) -> Activity:
        now = self.clock.now()
        return {
            "type": kind,
            "id": f"f:{uuid.uuid4()}",
            "timestamp": iso(now),
            "localTimestamp": now.astimezone(ZoneInfo(person.time_zone)).isoformat(timespec="milliseconds"),
            "localTimezone": person.time_zone,
            "locale": person.locale,
            "channelId": "msteams",
            "serviceUrl": self.service_url,
            "from": {"id": person.id, "name": person.name, "aadObjectId": person.object_id},
            "conversation": _conversation(where, conversation_id),
            "recipient": {"id": self.room.bot_id, "name": BOT_NAME},
            "entities": [_client_info(person)],
        }

    def _channel_data(self, where: Conversation) -> dict[str, Any]:
        tenant = {"tenant": {"id": TENANT}}
        if where.kind is not Kind.CHANNEL:
            return tenant
        return tenant | {
            "teamsChannelId": where.id,
            "teamsTeamId": self.room.team_id,
            "channel": {"id": where.id},
            "team": {"id": self.room.team_id},
        }


def _conversation(where: Conversation, conversation_id: str) -> dict[str, Any]:
    group = {"isGroup": True} if where.kind is not Kind.PERSONAL else {}
    return group | {"conversationType": where.kind.value, "tenantId": TENANT, "id": conversation_id}


def _client_info(person: Person) -> dict[str, str]:
    country = person.locale.partition("-")[2]
    return {
        "type": "clientInfo",
        "locale": person.locale,
        "country": country,
        "platform": "Web",
        "timezone": person.time_zone,
    }


def _with_mention(text: str) -> str:
    """Turn what was typed as @Auditor into a mention; put one in front where there is none."""
    typed = re.compile(rf"@{re.escape(BOT_NAME)}\b", re.IGNORECASE)
    # A function, so that nothing in the text is read as a group of the pattern.
    marked, count = typed.subn(lambda _: _MENTION, text, count=1)
    return marked if count else f"{_MENTION} {text}"


def _as_html(text: str) -> str:
    return f"<p>{html.escape(text, quote=False)}</p>"
