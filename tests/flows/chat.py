"""Asking by chat in a flow: the history that is there to ask about, and the answer to one line."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.flows.chat_lines import Line
from tests.flows.laptop import EVENTS, Json, Laptop, laptop
from tests.flows.reading import cards, click, conversation_id, incident, say, saying
from tests.samples import sample

HISTORY = sample("events/two-days.jsonl")
_KEY = re.compile(r"(?<![0-9a-f-])[0-9a-f]{32}(?![0-9a-f-])")


@asynccontextmanager
async def office(folder: Path, **more: Any) -> AsyncIterator[Laptop]:
    """A laptop whose workspace has two days of history, and whose clocks stand still."""
    log = folder / "log.jsonl"
    log.write_bytes(HISTORY.read_bytes() + EVENTS.read_bytes())
    async with laptop(folder, events=log, still=True, **more) as it:
        yield it


async def ask(it: Laptop, line: Line) -> Json:
    """Type the line and return the message that answers it."""
    if line.fired:
        await it.page.call("fire")
        message = await it.see(incident, "the incident")
        if line.acknowledged:
            await click(it, "Bob", "Acknowledge", message)
            await it.see(saying("Acknowledged by"))
    lands = line.lands or line.where
    before = {message["id"] for message in _said(await it.page.state(), lands)}
    await say(it, line.who, line.text, line.where)

    def answer(state: Json) -> Json | None:
        new = [m for m in _said(state, lands) if m["id"] not in before]
        done = [m for m in new if "Looking" not in str(m["card"])]
        return done[0] if done else None

    found = await it.see(answer, f"an answer to {line.text!r}", patience=20)
    # A further card, or a change of this one, may be on its way.
    await asyncio.sleep(0.2)
    return await it.see(lambda state: next((m for m in _said(state, lands) if m["id"] == found["id"]), None))


def _said(state: Json, conversation: str) -> list[Json]:
    try:
        conversation_id(state, conversation)
    except StopIteration:
        # A personal chat is there once something was said in it.
        return []
    return list(cards(state, conversation))


def kept(card: Json) -> Json:
    """Return the card as it is kept: opaque keys are another each time."""

    def told(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: told(each) for key, each in value.items()}
        if isinstance(value, list):
            return [told(each) for each in value]
        return _KEY.sub("0" * 32, value) if isinstance(value, str) else value

    found: Json = told(card)
    return found
