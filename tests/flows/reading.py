"""What a flow looks for in the page's state."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from sandbox.check import actions_of, text_of
from tests.flows.laptop import Json, Laptop


def cards(state: Json, conversation: str = "General") -> Iterator[Json]:
    """Yield the bot's messages in a conversation, oldest first."""
    where = conversation_id(state, conversation)
    for message in state["messages"]:
        if message["conversation"] == where and message["from"]["bot"] and message["card"]:
            yield message


def incidents(state: Json, conversation: str = "General") -> list[Json]:
    """The messages that are incidents' cards: those that say their number."""
    return [m for m in cards(state, conversation) if re.search(r"#\d+ · ", text_of(m["card"]))]


def incident(state: Json, conversation: str = "General") -> Json | None:
    return next(iter(incidents(state, conversation)), None)


def saying(words: str, conversation: str = "General") -> Any:
    """Return a look for the newest card that says the words."""

    def look(state: Json) -> Json | None:
        found = [m for m in cards(state, conversation) if words in text_of(m["card"])]
        return found[-1] if found else None

    return look


def conversation_id(state: Json, name: str) -> str:
    """Return a channel's id by its name, or a person's chat with the bot by hers."""
    for conversation in state["conversations"]:
        if conversation["kind"] != "personal" and conversation["name"] == name:
            return str(conversation["id"])
    owner = person_id(state, name)
    return next(str(c["id"]) for c in state["conversations"] if c.get("person") == owner)


def person_id(state: Json, name: str) -> str:
    return next(str(p["id"]) for p in state["people"] if p["name"].startswith(name))


async def click(laptop: Laptop, name: str, title: str, message: Json) -> Json:
    """Press the card's button of that title as this person."""
    state = await laptop.page.state()
    action = next(a for a in actions_of(message["card"]) if a.get("title") == title)
    return await laptop.page.call(
        "click", person=person_id(state, name), message=message["id"], action=action
    )


async def say(laptop: Laptop, name: str, text: str, conversation: str = "General") -> None:
    state = await laptop.page.state()
    where = conversation_id(state, conversation)
    await laptop.page.call("say", person=person_id(state, name), conversation=where, text=text)
