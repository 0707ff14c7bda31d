"""What Teams sends to the bot: messages, clicks and installations, each with a real token, and what came back."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import aiohttp

from sandbox.activities import Activities, Activity
from sandbox.answers import Answer, Result, of_card_action, of_message, of_task
from sandbox.issuer import Issuer
from sandbox.room import BOT_NAME, Conversation, Message, Person, Room, Said, Unknown
from sandbox.run import Clock, Run
from sandbox.run import Kind as EntryKind

#: How long Teams waits for a bot, in seconds.
PATIENCE = 15.0


class BotClient:
    """Speaks for Teams. No method raises for what the bot does wrong: the result says it."""

    def __init__(
        self,
        *,
        session: aiohttp.ClientSession,
        bot_url: str,
        service_url: str,
        issuer: Issuer,
        room: Room,
        run: Run,
        clock: Clock,
        patience: float = PATIENCE,
    ) -> None:
        """`bot_url` is where the bot takes activities (…/api/messages), `service_url` where it answers them."""
        self._session = session
        self._bot_url = bot_url
        self._service_url = service_url
        self._issuer = issuer
        self._room = room
        self._run = run
        self._patience = patience
        self._activities = Activities(room=room, clock=clock, service_url=service_url)

    async def install_in_team(
        self, person: Person | None = None, channel: Conversation | None = None
    ) -> Result:
        """Put the bot into the team, by the first person and for General unless told; return the second answer."""
        self._room.installed = True
        return await self._installation(person, channel, added=True)

    async def uninstall(self, person: Person | None = None) -> Result:
        """Take the bot out of the team: from now on its channels refuse it."""
        self._room.installed = False
        return await self._installation(person, None, added=False)

    def write(self, person: Person, conversation: Conversation, text: str, thread: str = "") -> Message:
        """Put a person's message into the room, without telling the bot. Raises Unknown."""
        if person not in conversation.people:
            raise Unknown("This person is not in this conversation.")
        root = self._room.thread_of(conversation, thread)
        return self._room.post(conversation, Said(text=text), by=person, thread=root)

    async def deliver(self, message: Message) -> Result:
        """Send the bot a message that a person wrote, as a mention if it stands in a channel."""
        person = self._room.person(message.sender_id)
        activity = self._activities.message(message, person)
        answer = await self._send(activity, EntryKind.MESSAGE, f"{person.name}: {message.said.text}")
        return of_message(answer)

    async def say(self, person: Person, conversation: Conversation, text: str, thread: str = "") -> Result:
        """Write and deliver; the bot's own messages come through the connector. Raises Unknown."""
        return await self.deliver(self.write(person, conversation, text, thread))

    async def click(self, person: Person, message_id: str, action: Mapping[str, Any]) -> Result:
        """Click an action of a message's card; `action` is as in the card, with the inputs in its `data`.

        Raises Unknown for a message that this person cannot see, ValueError for what Teams does not send to a bot.
        """
        message = self._seen(person, message_id)
        match action.get("type"):
            case "Action.Execute":
                return await self._execute(person, message, action)
            case "Action.Submit":
                return await self._submit(person, message, action.get("data"))
            case _:
                raise ValueError("Only Action.Execute and Action.Submit are sent to a bot.")

    async def dialog_submit(self, person: Person, message_id: str, data: Any) -> Result:
        """Submit the dialog that was opened from a message. Raises Unknown."""
        return await self._task("task/submit", person, self._seen(person, message_id), data)

    async def _installation(
        self, person: Person | None, channel: Conversation | None, *, added: bool
    ) -> Result:
        update, members = self._activities.installation(
            person or self._room.people[0], channel or self._room.channels[0], added=added
        )
        done = "put into" if added else "taken out of"
        await self._send(update, EntryKind.MESSAGE, f"{BOT_NAME} {done} the team")
        return of_message(await self._send(members, EntryKind.MESSAGE, f"{BOT_NAME} {done} the roster"))

    def _seen(self, person: Person, message_id: str) -> Message:
        message = self._room.message(message_id)
        if person not in message.conversation.people:
            raise Unknown("This person does not see that message.")
        return message

    async def _execute(self, person: Person, message: Message, action: Mapping[str, Any]) -> Result:
        sent = {key: action[key] for key in ("type", "id", "verb", "data") if key in action}
        value = {"action": sent, "trigger": "manual"}
        activity = self._activities.invoke("adaptiveCard/action", message, person, value)
        title = f"{person.name} clicked {action.get('title') or action.get('verb') or 'a button'}"
        result = of_card_action(await self._send(activity, EntryKind.INVOKE, title))
        if result.card is not None:
            self._replace(person, message, result.card)
        return result

    def _replace(self, person: Person, before: Message, card: Mapping[str, Any]) -> None:
        """Show the answer to who clicked, unless the bot changed or deleted the message for all meanwhile."""
        try:
            now = self._room.message(before.id)
        except Unknown:
            return
        if now.said is before.said:
            self._room.show_to(person, before.id, card)

    async def _submit(self, person: Person, message: Message, data: Any) -> Result:
        told = data.get("msteams") if isinstance(data, dict) else None
        kind = told.get("type") if isinstance(told, dict) else None
        if kind == "task/fetch":
            return await self._task("task/fetch", person, message, data)
        if kind == "messageBack":
            return await self._say_back(person, message, data)
        activity = self._activities.submitted(message, person, data)
        return of_message(await self._send(activity, EntryKind.MESSAGE, f"{person.name} clicked a button"))

    async def _say_back(self, person: Person, message: Message, data: Mapping[str, Any]) -> Result:
        """Show `displayText` as the person's, if there is one, and tell the bot `text`."""
        told = data["msteams"]
        shown, text, value = (told.get(key) for key in ("displayText", "text", "value"))
        if isinstance(shown, str) and shown:
            self.write(person, message.conversation, shown, message.id)
        more = {key: each for key, each in data.items() if key != "msteams"}
        more |= value if isinstance(value, dict) else {}
        line = text if isinstance(text, str) else ""
        activity = self._activities.said_back(message, person, line, more)
        return of_message(await self._send(activity, EntryKind.MESSAGE, f"{person.name} pressed: {line}"))

    async def _task(self, name: str, person: Person, message: Message, data: Any) -> Result:
        value = {"data": data, "context": {"theme": "default"}}
        activity = self._activities.invoke(name, message, person, value)
        opening = name == "task/fetch"
        title = f"{person.name} {'asked for' if opening else 'submitted'} a dialog"
        return of_task(await self._send(activity, EntryKind.INVOKE, title), opening=opening)

    async def _send(self, activity: Activity, kind: EntryKind, title: str) -> Answer:
        answer = await self._exchange(activity)
        self._run.add(
            kind,
            title,
            detail={"activity": activity, "answer": answer.json, "problem": answer.problem or None},
            ms=answer.milliseconds,
            status=answer.status,
            bytes=len(answer.body),
        )
        return answer

    async def _exchange(self, activity: Activity) -> Answer:
        started = time.perf_counter()
        status, body, problem = 0, b"", ""
        try:
            async with self._session.post(
                self._bot_url,
                json=activity,
                headers={"Authorization": f"Bearer {self._issuer.mint_for_bot(self._service_url)}"},
                timeout=aiohttp.ClientTimeout(total=self._patience),
            ) as response:
                body = await response.read()
                status = response.status
        except TimeoutError:
            problem = f"The bot did not answer within {self._patience:g} s."
        except aiohttp.ClientError as error:
            problem = f"The bot cannot be reached: {type(error).__name__}."
        milliseconds = (time.perf_counter() - started) * 1000
        return Answer(status=status, body=body, milliseconds=milliseconds, problem=problem)
