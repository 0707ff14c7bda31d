"""What happens in Teams, turned into commands and routes, and commands' answers turned into what Teams expects."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping
from typing import Any

from botbuilder.core import InvokeResponse, TurnContext
from botbuilder.core.teams import TeamsActivityHandler

from bot.asked import (
    AskActivity,
    AskCost,
    Asker,
    AskEvents,
    AskPerson,
    AskRaw,
    AskWho,
    Command,
    ForAsker,
    ShowBlindSpots,
    ShowClusters,
    TestIncident,
)
from bot.clicks import from_click
from bot.grammar import from_text
from bot.notices import notice_message
from bot.ports import Clock, Conversations, Message, Routes
from bot.teams import answers
from bot.teams.activity import asker_of, at, text_at
from bot.teams.adapter import RAW
from bot.teams.installation import Installation
from bot.teams.once import Once
from bot.teams.replies import Replies
from bot.teams.said import said_to_bot
from cards.notice import looking

log = logging.getLogger(__name__)

FAILED = "That did not work, and it has been logged. Please try again."
#: To a click that the responder says nothing to.
TWICE = "This has been asked already; the answer is on its way."
CLICK = "adaptiveCard/action"
DIALOGS = frozenset({"task/fetch", "task/submit"})

#: What asks a workspace, and so may take a while: the commands that `asks` says so of in bot.commands.
ASKING = (
    AskEvents
    | AskWho
    | AskPerson
    | AskActivity
    | AskCost
    | AskRaw
    | ShowClusters
    | ShowBlindSpots
    | TestIncident
    | ForAsker
)


class Handler(TeamsActivityHandler):
    """One for all conversations; between turns it keeps which messages it has had."""

    def __init__(
        self,
        *,
        responder: answers.Responder,
        routes: Routes,
        conversations: Conversations,
        clock: Clock,
        replies: Replies,
    ) -> None:
        self._responder = responder
        self._replies = replies
        self._once = Once()
        self._installation = Installation(
            responder=responder, routes=routes, conversations=conversations, clock=clock
        )

    async def on_message_activity(self, turn_context: TurnContext) -> None:
        raw = turn_context.get(RAW)
        if not self._once.first(raw):
            log.info("a message came twice", extra={"conversation": text_at(raw, "conversation", "id")})
            return
        asker = asker_of(raw)
        await self._installation.renew(asker.conversation)
        command = _asked_in(raw)
        await self._replies.say(asker, self._answer(command, asker), looking=_looking(raw, command))

    async def on_invoke_activity(self, turn_context: TurnContext) -> InvokeResponse:
        """Answer a click or a dialog; always 200 for those, because Teams shows anything else as its own error."""
        raw = turn_context.get(RAW)
        name = text_at(raw, "name")
        if name == CLICK:
            return InvokeResponse(status=200, body=await self._click(raw))
        if name in DIALOGS:
            return InvokeResponse(status=200, body=await self._dialog(raw))
        return InvokeResponse(status=400, body={"error": "This bot does not know this kind of invoke."})

    async def on_conversation_update_activity(self, turn_context: TurnContext) -> None:
        await self._installation.conversation_updated(turn_context.get(RAW))

    async def on_installation_update(self, turn_context: TurnContext) -> None:
        await self._installation.installation_updated(turn_context.get(RAW))

    async def _click(self, raw: Mapping[str, Any]) -> answers.Answer:
        action = at(raw, "value", "action")
        verb, data = text_at(action, "verb"), at(action, "data")
        if text_at(action, "type") != "Action.Execute" or not verb or not isinstance(data, Mapping):
            return answers.malformed("The action must be an Action.Execute with a verb and data.")
        asker = asker_of(raw)
        await self._installation.renew(asker.conversation)
        try:
            message = await self._responder.respond(from_click({**data, "a": verb}), asker)
            return answers.card(message) if message else answers.sentence(TWICE)
        except Exception:
            log.exception("a click was not answered", extra={"conversation": asker.conversation.id})
            return answers.sentence(FAILED)

    async def _dialog(self, raw: Mapping[str, Any]) -> answers.Answer:
        asker = asker_of(raw)
        try:
            command = from_click(at(raw, "value", "data"))
            message = await self._responder.respond(command, asker)
            return answers.dialog(message) if message else answers.dialog_sentence(TWICE)
        except Exception:
            log.exception("a dialog was not answered", extra={"conversation": asker.conversation.id})
            return answers.dialog_sentence(FAILED)

    async def _answer(self, command: Command, asker: Asker) -> Message | None:
        try:
            return await self._responder.respond(command, asker)
        except Exception:
            log.exception("a message was not answered", extra={"conversation": asker.conversation.id})
            return _plain(FAILED)


def _asked_in(raw: Mapping[str, Any]) -> Command:
    """A message with data and no text is a click from a client that knows neither dialogs nor Action.Execute.

    A button that says a line (`messageBack`) comes as a message with that line, and what else its data held beside.
    """
    if isinstance(raw.get("value"), Mapping) and not text_at(raw, "text").strip():
        command = from_click(raw["value"])
        return dataclasses.replace(command, no_dialog=True) if isinstance(command, ForAsker) else command
    return from_text(said_to_bot(raw))


def _looking(raw: Mapping[str, Any], command: Command) -> Message | None:
    """Return what a channel reads while a workspace is asked; None for what asks none."""
    if not isinstance(command, ASKING):
        return None
    return notice_message(looking(said_to_bot(raw) or "what the button asks for"))


def _plain(text: str) -> Message:
    body = [{"type": "TextBlock", "text": text, "wrap": True}]
    return Message(card={"type": "AdaptiveCard", "version": "1.5", "body": body}, summary=text)
