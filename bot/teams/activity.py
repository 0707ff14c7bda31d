"""Reads activities as they came: plain JSON, whose every field may be missing or of another type.

The SDK's models lose `tenantId` and raise for unexpected types, so nothing here is read out of them.
https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/conversation-messages
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from bot.asked import Asker
from bot.ports import Conversation, ConversationKind

Activity = Mapping[str, Any]

THREAD = ";messageid="
LONGEST_NAME = 200
_KINDS = {kind.value: kind for kind in ConversationKind}
_ZONE = re.compile(r"[A-Za-z0-9_+/-]{1,64}")


def text_at(value: object, *path: str) -> str:
    """Return the string at this path of keys; "" where there is none."""
    found = at(value, *path)
    return found if isinstance(found, str) else ""


def at(value: object, *path: str) -> Any:
    """Return what is at this path of keys; None where there is nothing."""
    for key in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def objects_at(value: object, *path: str) -> Iterator[Mapping[str, Any]]:
    """Yield the objects of the list at this path; nothing where there is no list."""
    found = at(value, *path)
    for item in found if isinstance(found, list) else ():
        if isinstance(item, Mapping):
            yield item


def tenants_of(activity: Activity) -> frozenset[str]:
    """Return every tenant that the activity names as its own, lower case; empty for none."""
    named = (
        text_at(activity, "conversation", "tenantId"),
        text_at(activity, "channelData", "tenant", "id"),
    )
    return frozenset(tenant.lower() for tenant in named if tenant)


def conversation_of(activity: Activity) -> Conversation:
    """Return where the activity happened, without a thread's `;messageid=`."""
    id_ = text_at(activity, "conversation", "id").partition(THREAD)[0]
    kind = _kind(activity)
    team_id = text_at(activity, "channelData", "team", "id")
    name = text_at(activity, "channelData", "channel", "name") or text_at(activity, "conversation", "name")
    if kind is ConversationKind.CHANNEL and id_ == team_id:
        # Teams gives General no name, and its id is the team's.
        name = name or "General"
    personal = kind is ConversationKind.PERSONAL
    return Conversation(
        id=id_,
        kind=kind,
        service_url=text_at(activity, "serviceUrl"),
        tenant_id=_tenant(activity),
        bot_id=text_at(activity, "recipient", "id"),
        team_id=team_id,
        user_object_id=text_at(activity, "from", "aadObjectId") if personal else "",
        name=(text_at(activity, "from", "name") if personal else name)[:LONGEST_NAME],
    )


def asker_of(activity: Activity) -> Asker:
    """Return who asks and where. `object_id` is "" for an activity without a person behind it."""
    conversation = conversation_of(activity)
    is_message = text_at(activity, "type") == "message"
    typed = is_message and bool(text_at(activity, "text").strip())
    return Asker(
        user_id=text_at(activity, "from", "id"),
        object_id=text_at(activity, "from", "aadObjectId"),
        name=text_at(activity, "from", "name")[:LONGEST_NAME],
        tenant_id=conversation.tenant_id,
        conversation=conversation,
        thread=_thread(activity) if conversation.kind is ConversationKind.CHANNEL else "",
        clicked="" if typed else text_at(activity, "replyToId"),
        time_zone=_time_zone(activity),
        # A click waits for an answer, the second time as well.
        activity_id=text_at(activity, "id") if is_message else "",
    )


def has_member(activity: Activity, key: str) -> bool:
    """Tell whether the bot itself is among `membersAdded` or `membersRemoved`."""
    bot_id = text_at(activity, "recipient", "id")
    return any(bot_id and text_at(member, "id") == bot_id for member in objects_at(activity, key))


def _kind(activity: Activity) -> ConversationKind:
    stated = text_at(activity, "conversation", "conversationType")
    if known := _KINDS.get(stated):
        return known
    if text_at(activity, "channelData", "team", "id"):
        return ConversationKind.CHANNEL
    group = at(activity, "conversation", "isGroup") is True
    return ConversationKind.GROUP if group else ConversationKind.PERSONAL


def _tenant(activity: Activity) -> str:
    return text_at(activity, "channelData", "tenant", "id") or text_at(activity, "conversation", "tenantId")


def _thread(activity: Activity) -> str:
    root = text_at(activity, "conversation", "id").partition(THREAD)[2]
    return root or text_at(activity, "replyToId") or text_at(activity, "id")


def _time_zone(activity: Activity) -> str:
    named = [text_at(activity, "localTimezone")]
    named += [text_at(entity, "timezone") for entity in objects_at(activity, "entities")]
    return next((zone for zone in named if _ZONE.fullmatch(zone)), "")
