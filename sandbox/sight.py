"""What can be seen of bot and Teams through the page's API: waiting for it, and clicking."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sandbox.page_client import Json, PageClient, actions_of, text_of

#: What the bot says while it is still asking; the answer takes its place.
LOOKING = "This becomes the answer."
EVERY = 0.1
OK = 200
_Seen = TypeVar("_Seen")


class Red(Exception):
    """A step did not see what it must; the text says what it saw."""


@dataclass(frozen=True, kw_only=True)
class Sight:
    """Looks through the page's API. `patience()` is how long it waits for what it wants to see, in seconds."""

    page: PageClient
    patience: Callable[[], float]

    async def state(self) -> Json:
        return await self.page.state()

    async def now(self) -> datetime:
        """Return what the sandbox's clock shows."""
        return datetime.fromisoformat((await self.state())["now"])

    async def wait(self, what: str, look: Callable[[Json], _Seen | None]) -> _Seen:
        """Return what `look` finds in the state as soon as it finds something. Raises Red."""
        patience = self.patience()
        ends = time.perf_counter() + patience
        while time.perf_counter() < ends:
            if (found := look(await self.state())) is not None:
                return found
            await asyncio.sleep(EVERY)
        raise Red(f"did not see {what} within {patience:g} s")

    async def click(self, name: str, title: str, message: Json, *, kind: str = "card") -> Json:
        """Press a card's button and return the answer. Raises Red for an answer of another kind."""
        person = person_id(await self.state(), name)
        action = next((a for a in actions_of(message["card"]) if a.get("title") == title), None)
        if action is None:
            raise Red(f"the card has no button “{title}”")
        answer = await self.page.call("click", person=person, message=message["id"], action=action)
        if answer.get("kind") != kind:
            said = answer.get("text") or answer.get("error") or text_of(answer.get("card"))[:200]
            raise Red(f"{name}'s “{title}” was answered by no {kind} but by {answer.get('kind')}: {said}")
        return answer

    async def say(self, name: str, line: str) -> Json:
        """Say a line in General and return the bot's answer to it. Raises Red."""
        state = await self.state()
        before = {message["id"] for message in state["messages"]}
        await self.page.call(
            "say", person=person_id(state, name), conversation=channel_id(state, "General"), text=line
        )

        def answer(state: Json) -> Json | None:
            new = (m for m in cards_of_bot(state) if m["id"] not in before)
            return next((m for m in new if LOOKING not in text_of(m["card"])), None)

        return await self.wait(f"an answer to “{line}”", answer)


def cards_of_bot(state: Json) -> Iterator[Json]:
    """Yield the bot's messages in General that have a card, oldest first."""
    channel = channel_id(state, "General")
    for message in state["messages"]:
        if message["from"]["bot"] and message["conversation"] == channel and message["card"]:
            yield message


def message_of(state: Json, message: Json) -> Json | None:
    """Return the message as it stands now; None when it is gone."""
    return next((m for m in state["messages"] if m["id"] == message["id"]), None)


def queries(state: Json) -> list[Json]:
    """Return the queries that the workspace was asked so far."""
    return [entry for entry in state["run"] if entry["kind"] == "query"]


def all_answered(asked: list[Json]) -> str:
    """Return how long the queries took. Raises Red if one of them was not answered 200."""
    for entry in asked:
        if entry["status"] != OK:
            raise Red(
                f"the workspace answered {entry['status']}: {entry['detail']['error'] or entry['title']}"
            )
    return ", ".join(f"{entry['ms']:.0f} ms" for entry in asked)


def channel_id(state: Json, name: str) -> str:
    return str(_only(c["id"] for c in state["conversations"] if c["name"] == name))


def person_id(state: Json, name: str) -> str:
    return str(_only(p["id"] for p in state["people"] if p["name"] == name))


def _only(found: Iterator[object]) -> object:
    one = next(found, None)
    if one is None:
        raise Red("the page's state lacks a person or channel that the check needs")
    return one
