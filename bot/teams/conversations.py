"""Speaking in Teams without anybody having spoken first: implements `bot.ports.Conversations`.

Bare HTTP, because the SDK would build its models for every card only to write them out as the same JSON.
https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-api-reference
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import orjson

from bot.errors import Reason, Rejected, Unavailable
from bot.ports import Conversation, ConversationKind, Member, Message
from bot.teams.sender import Sender

CARD_TYPE = "application/vnd.microsoft.card.adaptive"
THREAD = ";messageid="


class TeamsConversations:
    """Tries everything once; the worker decides about trying again."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    async def post(self, where: Conversation, message: Message, *, thread: str = "") -> str:
        id_ = f"{where.id}{THREAD}{thread}" if thread else where.id
        body = _activity(where, id_, message)
        answer = await self._sender.send("POST", where.service_url, f"{_path(id_)}/activities", body)
        return _id(answer)

    async def typing(self, where: Conversation) -> None:
        """Show the bot typing, which Teams does for a few seconds, and not in channels. Raises as `post` does."""
        activity = {"type": "typing", "from": {"id": where.bot_id}, "conversation": {"id": where.id}}
        await self._sender.send(
            "POST", where.service_url, f"{_path(where.id)}/activities", orjson.dumps(activity)
        )

    async def update(self, where: Conversation, activity_id: str, message: Message) -> None:
        body = _activity(where, where.id, message, activity_id)
        path = f"{_path(where.id)}/activities/{quote(activity_id, safe='')}"
        await self._sender.send("PUT", where.service_url, path, body)

    async def delete(self, where: Conversation, activity_id: str) -> None:
        path = f"{_path(where.id)}/activities/{quote(activity_id, safe='')}"
        try:
            await self._sender.send("DELETE", where.service_url, path)
        except Rejected as failure:
            if failure.reason is not Reason.NOT_FOUND:
                raise

    async def member(self, where: Conversation, user_id: str) -> Member:
        path = f"{_path(where.id)}/members/{quote(user_id, safe='')}"
        found = await self._sender.send("GET", where.service_url, path)
        if not _text(found, "id"):
            raise Unavailable(Reason.GARBAGE, "a roster entry without an id")
        tenant = _text(found, "tenantId")
        # A roster entry that does not name its tenant is nobody of ours.
        outside = tenant.lower() != where.tenant_id.lower()
        return Member(
            id=_text(found, "id"),
            object_id=_text(found, "aadObjectId") or _text(found, "objectId"),
            name=_text(found, "name"),
            tenant_id=tenant,
            is_guest=outside or _text(found, "userRole").lower() == "guest",
        )

    async def personal(self, where: Conversation, member: Member) -> Conversation:
        body = {
            "bot": {"id": where.bot_id},
            "members": [{"id": member.id}],
            "isGroup": False,
            "tenantId": where.tenant_id,
            "channelData": {"tenant": {"id": where.tenant_id}},
        }
        answer = await self._sender.send("POST", where.service_url, "v3/conversations", orjson.dumps(body))
        return Conversation(
            id=_id(answer),
            kind=ConversationKind.PERSONAL,
            service_url=where.service_url,
            tenant_id=where.tenant_id,
            bot_id=where.bot_id,
            user_object_id=member.object_id,
            name=member.name,
        )


def _path(conversation_id: str) -> str:
    return f"v3/conversations/{quote(conversation_id, safe='')}"


def _activity(where: Conversation, conversation_id: str, message: Message, id_: str = "") -> bytes:
    """Write the card alone: with a text beside it Teams makes two messages and gives no id.

    https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/conversation-messages
    """
    activity: dict[str, Any] = {
        "type": "message",
        "from": {"id": where.bot_id},
        "conversation": {"id": conversation_id, "tenantId": where.tenant_id},
        "summary": message.summary,
        "attachments": [{"contentType": CARD_TYPE, "content": message.card}],
    }
    if id_:
        activity["id"] = id_
    try:
        return orjson.dumps(activity)
    except orjson.JSONEncodeError as bad:
        raise Rejected(Reason.BAD_REQUEST, f"the card is no JSON: {bad}") from bad


def _text(found: Mapping[str, Any], key: str) -> str:
    value = found.get(key)
    return value if isinstance(value, str) else ""


def _id(answer: Mapping[str, Any]) -> str:
    if id_ := _text(answer, "id"):
        return id_
    raise Unavailable(Reason.UNKNOWN, "accepted without an id")
