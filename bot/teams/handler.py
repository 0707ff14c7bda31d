"""What happens in Teams, turned into commands and routes, and commands' answers turned into what Teams expects."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from botbuilder.core import InvokeResponse, TurnContext
from botbuilder.core.teams import TeamsActivityHandler
from botbuilder.schema import Activity, Attachment

from bot.commands import Command, ForAsker, from_click, from_text
from bot.errors import OutsideError, Reason, Unavailable
from bot.pacing import Pacing
from bot.ports import Clock, Conversation, Conversations, Message, Routes, Send
from bot.retry import wait_before
from bot.teams import answers
from bot.teams.activity import asker_of, at, said_to_bot, text_at
from bot.teams.adapter import RAW
from bot.teams.conversations import CARD_TYPE
from bot.teams.installation import Installation

log = logging.getLogger(__name__)

FAILED = "That did not work, and it has been logged. Please try again."
#: How often an answer to somebody is tried; Teams asks for it on 429, 412 and gateway errors.
TRIES = 3
CLICK = "adaptiveCard/action"
DIALOGS = frozenset({"task/fetch", "task/submit"})

Sleep = Callable[[float], Awaitable[None]]


class Handler(TeamsActivityHandler):
    """One for all conversations; keeps nothing between turns."""

    def __init__(
        self,
        *,
        responder: answers.Responder,
        routes: Routes,
        conversations: Conversations,
        clock: Clock,
        pacing: Pacing,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._responder = responder
        self._pacing = pacing
        self._sleep = sleep
        self._installation = Installation(
            responder=responder, routes=routes, conversations=conversations, clock=clock
        )

    async def on_message_activity(self, turn_context: TurnContext) -> None:
        raw = turn_context.get(RAW)
        asker = asker_of(raw)
        await self._installation.renew(asker.conversation)
        try:
            message = await self._responder.respond(_asked_in(raw), asker)
        except Exception:
            log.exception("a message was not answered", extra={"conversation": asker.conversation.id})
            message = _plain(FAILED)
        await self._say(turn_context, asker.conversation, message)

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
            return answers.card(await self._responder.respond(from_click({**data, "a": verb}), asker))
        except Exception:
            log.exception("a click was not answered", extra={"conversation": asker.conversation.id})
            return answers.sentence(FAILED)

    async def _dialog(self, raw: Mapping[str, Any]) -> answers.Answer:
        asker = asker_of(raw)
        try:
            command = from_click(at(raw, "value", "data"))
            return answers.dialog(await self._responder.respond(command, asker))
        except Exception:
            log.exception("a dialog was not answered", extra={"conversation": asker.conversation.id})
            return answers.dialog_sentence(FAILED)

    async def _say(self, turn_context: TurnContext, where: Conversation, message: Message) -> None:
        """Answer where it was asked. What may have arrived already is not said twice."""
        send = Send(conversation_id=where.id, tenant_id=where.tenant_id, to_person=True)
        for attempt in range(1, TRIES + 1):
            await self._pacing.room(send)
            try:
                await turn_context.send_activity(_activity(message))
            except OutsideError as failure:
                hopeless = not isinstance(failure, Unavailable) or failure.reason is Reason.UNKNOWN
                if hopeless or attempt == TRIES:
                    log.warning(
                        "an answer was not delivered", extra={"reason": failure.reason, "attempt": attempt}
                    )
                    return
                asked = failure.retry_after if isinstance(failure, Unavailable) else None
                await self._sleep(wait_before(attempt, asked).total_seconds())
            else:
                return


def _asked_in(raw: Mapping[str, Any]) -> Command:
    """A message with data and no text is a click from a client that knows neither dialogs nor Action.Execute."""
    if isinstance(raw.get("value"), Mapping) and not text_at(raw, "text").strip():
        command = from_click(raw["value"])
        return dataclasses.replace(command, no_dialog=True) if isinstance(command, ForAsker) else command
    return from_text(said_to_bot(raw))


def _activity(message: Message) -> Activity:
    """Write the card alone: with a text beside it Teams makes two messages of it."""
    attachment = Attachment(content_type=CARD_TYPE, content=message.card)
    return Activity(type="message", summary=message.summary, attachments=[attachment])


def _plain(text: str) -> Message:
    body = [{"type": "TextBlock", "text": text, "wrap": True}]
    return Message(card={"type": "AdaptiveCard", "version": "1.5", "body": body}, summary=text)
