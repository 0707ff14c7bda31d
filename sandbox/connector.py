"""The calls of the Bot Connector API, on the sandbox's room. Who may call is checked in front of it (`teams.py`)."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from sandbox.room import TEAM_NAME, TENANT, Conversation, Message, Person, Room, Said, Unknown
from sandbox.room import Kind as ConversationKind
from sandbox.run import Kind, Run
from sandbox.teams_faults import TeamsError, bad_request, no_conversation, not_installed

#: In bytes of UTF-16: https://learn.microsoft.com/microsoftteams/platform/bots/how-to/format-your-bot-messages
MESSAGE_LIMIT = 100 * 1024
ADAPTIVE_CARD = "application/vnd.microsoft.card.adaptive"


@dataclass(frozen=True, kw_only=True)
class _Call:
    """A body as it was sent: its size in bytes of UTF-8, and when reading it began."""

    body: Mapping[str, Any]
    size: int
    started: float


class Connector:
    """Every method is an aiohttp handler; errors are raised as TeamsError."""

    def __init__(self, room: Room, run: Run) -> None:
        self._room = room
        self._run = run

    async def create(self, request: web.Request) -> web.Response:
        """Open the chat with one person (always the same one), or a new thread in a channel."""
        call = await _read(request)
        channel = _at(call.body, "channelData", "channel", "id")
        where = self._open(channel) if channel else self._room.personal(self._only_member(call.body))
        activity = call.body.get("activity")
        if not isinstance(activity, dict):
            if channel:
                raise bad_request("A new thread needs its first activity.")
            return web.json_response({"id": where.id}, status=201)
        message = self._say(where, "", activity, call)
        return web.json_response({"id": address(message), "activityId": message.id}, status=201)

    async def post(self, request: web.Request) -> web.Response:
        """Post a message: into the thread of the activity it replies to, or that the conversation's id names."""
        call = await _read(request)
        where = self._open(request.match_info["conversation"])
        if call.body.get("type") == "typing":
            return self._typing(where)
        root = request.match_info.get("activity") or _root(request.match_info["conversation"])
        message = self._say(where, self._thread(where, root), call.body, call)
        return web.json_response({"id": message.id}, status=201)

    def _typing(self, where: Conversation) -> web.Response:
        """Take a sign of typing: it has no id, and in a channel nobody sees it."""
        self._room.typing(where)
        seen = "" if where.kind is not ConversationKind.CHANNEL else ", which nobody sees in a channel"
        self._run.add(Kind.NOTE, f"Typing shown in {_place(where)}{seen}", status=201)
        return web.json_response({}, status=201)

    async def update(self, request: web.Request) -> web.Response:
        """Put another message in the place of one of the bot's own."""
        call = await _read(request)
        message = self._room.update(self._own(request).id, _said(call.body))
        self._note(Kind.UPDATE, "changed", message, call)
        return web.json_response({"id": message.id})

    async def delete(self, request: web.Request) -> web.Response:
        """Take away one of the bot's own messages."""
        started = time.perf_counter()
        message = self._room.delete(self._own(request).id)
        self._note(Kind.DELETE, "deleted", message, _Call(body={}, size=0, started=started))
        return web.Response()

    async def members(self, request: web.Request) -> web.Response:
        where = self._open(request.match_info["conversation"])
        return web.json_response([_account(person) for person in where.people])

    async def paged_members(self, request: web.Request) -> web.Response:
        """All members on one page: Teams' smallest page holds 50."""
        where = self._open(request.match_info["conversation"])
        return web.json_response({"members": [_account(person) for person in where.people]})

    async def member(self, request: web.Request) -> web.Response:
        where = self._open(request.match_info["conversation"])
        wanted = request.match_info["member"]
        for person in where.people:
            if wanted in {person.id, person.object_id, person.upn}:
                return web.json_response(_account(person))
        raise TeamsError(404, "MemberNotFoundInConversation", "Member not found in conversation.")

    async def team(self, request: web.Request) -> web.Response:
        self._check_team(request)
        channels = self._room.channels
        return web.json_response(
            {
                "id": self._room.team_id,
                "name": TEAM_NAME,
                "type": "standard",
                "aadGroupId": self._room.team_group_id,
                "tenantId": TENANT,
                "channelCount": len(channels),
                "memberCount": len(channels[0].people),
            }
        )

    async def channels(self, request: web.Request) -> web.Response:
        """List the team's channels. General comes without a name: clients translate it."""
        self._check_team(request)
        named = [
            {"id": c.id, "type": "standard", "name": None if c.id == self._room.team_id else c.name}
            for c in self._room.channels
        ]
        return web.json_response({"conversations": named})

    def _check_team(self, request: web.Request) -> None:
        if request.match_info["team"] != self._room.team_id:
            raise TeamsError(404, "TeamNotFound", "Team not found.")
        if not self._room.installed:
            raise not_installed()

    def _open(self, conversation_id: str) -> Conversation:
        """Return the conversation if the bot is in it."""
        try:
            where = self._room.conversation(conversation_id)
        except Unknown as problem:
            raise no_conversation() from problem
        if where.kind is ConversationKind.CHANNEL and not self._room.installed:
            raise not_installed()
        return where

    def _only_member(self, body: Mapping[str, Any]) -> Person:
        members = body.get("members")
        if not isinstance(members, list) or len(members) != 1 or not isinstance(members[0], dict):
            raise bad_request("A bot may open a chat with exactly one member.", "BadArgument")
        if not (_at(body, "tenantId") or _at(body, "channelData", "tenant", "id")):
            raise bad_request("The tenant's id is missing.", "BadArgument")
        try:
            return self._room.person(_at(members[0], "id"))
        except Unknown as problem:
            raise bad_request("The member is not known.", "BadArgument") from problem

    def _thread(self, where: Conversation, root: str) -> str:
        try:
            return self._room.thread_of(where, root)
        except Unknown as problem:
            raise _no_activity() from problem

    def _own(self, request: web.Request) -> Message:
        """Return the message to change: the bot's own, in the conversation that is named."""
        where = self._open(request.match_info["conversation"])
        self._thread(where, request.match_info["activity"])
        message = self._room.message(request.match_info["activity"])
        if message.sender_id != self._room.bot_id:
            raise TeamsError(403, "NotEnoughPermissions", "The message is not the bot's.")
        return message

    def _say(self, where: Conversation, thread: str, activity: Mapping[str, Any], call: _Call) -> Message:
        message = self._room.post(where, _said(activity), by=None, thread=thread)
        self._note(Kind.POST, "posted", message, call)
        return message

    def _note(self, kind: Kind, done: str, message: Message, call: _Call) -> None:
        self._run.add(
            kind,
            f"{'Card' if message.said.card else 'Message'} {done} in {_place(message.conversation)}",
            detail={"conversation": address(message), "id": message.id, "activity": call.body},
            ms=(time.perf_counter() - call.started) * 1000,
            status=201 if kind is Kind.POST else 200,
            bytes=call.size,
        )


def _place(where: Conversation) -> str:
    personal = where.kind is ConversationKind.PERSONAL
    return f"the chat of {where.people[0].name}" if personal else where.name


def address(message: Message) -> str:
    """Return `conversation.id` as activities about this message have it: with its thread, in channels."""
    return (
        f"{message.conversation.id};messageid={message.thread}" if message.thread else message.conversation.id
    )


async def _read(request: web.Request) -> _Call:
    started = time.perf_counter()
    try:
        raw = await request.read()
        text = raw.decode()
        too_large = len(text.encode("utf-16-le")) > MESSAGE_LIMIT
    except web.HTTPRequestEntityTooLarge:
        too_large = True
    except UnicodeDecodeError as problem:
        raise bad_request("The body is not UTF-8.") from problem
    if too_large:
        raise TeamsError(413, "MessageSizeTooBig", "Message size too large.")
    try:
        body = json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise bad_request("The body is not JSON.") from problem
    if not isinstance(body, dict):
        raise bad_request("The body is not a JSON object.")
    return _Call(body=body, size=len(raw), started=started)


def _said(activity: Mapping[str, Any]) -> Said:
    """Return what a message activity says. Raises TeamsError (400) for what Teams would not show."""
    if activity.get("type") != "message":
        raise bad_request("The activity's type is not message.")
    text, attachments = activity.get("text") or "", activity.get("attachments") or []
    if not isinstance(text, str) or not isinstance(attachments, list):
        raise bad_request("text must be a string and attachments a list.")
    card = next((_card(a) for a in attachments), None)
    if not text and card is None:
        raise bad_request("The activity has neither text nor attachments.")
    return Said(text=text, card=card, summary=_at(activity, "summary"))


def _card(attachment: Any) -> Mapping[str, Any]:
    content = attachment.get("content") if isinstance(attachment, dict) else None
    if not isinstance(content, dict) or attachment.get("contentType") != ADAPTIVE_CARD:
        raise bad_request("The attachment is not an Adaptive Card.")
    if content.get("type") != "AdaptiveCard":
        raise bad_request("The card's type is not AdaptiveCard.")
    return content


def _root(conversation_id: str) -> str:
    _, _, thread = conversation_id.partition(";messageid=")
    return thread


def _at(body: Mapping[str, Any], *path: str) -> str:
    """Return the string at a path of nested objects; "" if there is none."""
    found: Any = body
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, str) else ""


def _no_activity() -> TeamsError:
    return TeamsError(404, "ActivityNotFoundInConversation", "Activity not found in conversation.")


def _account(person: Person) -> dict[str, str]:
    """Return a member as the roster tells it: with the object id under the REST API's name and under the SDK's."""
    given_name, _, surname = person.name.partition(" ")
    return {
        "id": person.id,
        "objectId": person.object_id,
        "aadObjectId": person.object_id,
        "name": person.name,
        "givenName": given_name,
        "surname": surname,
        "email": person.upn,
        "userPrincipalName": person.upn,
        "tenantId": person.tenant_id,
        "userRole": "guest" if person.role == "guest" else "user",
    }
