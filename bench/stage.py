"""What most rows begin with: a world, a database with subscribed channels, and the bot running on both."""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from bench.bot import Bot, conversations, running, seed
from bench.load import Shot
from bench.world_process import WorldProcess, world_process
from bot.ports import Conversation

#: "#12", or "#12–#40" for all from the one to the other, as cards and digests have it.
_NUMBERS = re.compile("#([0-9]+)(?:\N{EN DASH}#([0-9]+))?")


@dataclass(frozen=True, kw_only=True)
class Stage:
    """All that runs. `channels` are the subscribed conversations."""

    world: WorldProcess
    bot: Bot
    channels: Sequence[Conversation]


@asynccontextmanager
async def stage(
    *,
    tenants: int = 1,
    each: int = 1,
    latency: float = 0.0,
    limited: bool = False,
    database_url: str = "",
) -> AsyncIterator[Stage]:
    """Start a world and the bot, with `each` subscribed channels in every one of `tenants`.

    `latency` is the connector's, in seconds; `limited`: limits are enforced. Without `database_url` the bot keeps
    an SQLite file on the disk that temporary files lie on.
    """
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        async with world_process(latency=latency, limited=limited) as world:
            bot = Bot(world_url=world.url, folder=Path(folder), database_url=database_url)
            channels = conversations(world.service_url, tenants=tenants, each=each)
            await seed(bot.database, channels)
            async with running(bot):
                yield Stage(world=world, bot=bot, channels=channels)


def incidents_of(shots: Iterable[Shot]) -> set[int]:
    """Return the numbers of the incidents that accepted alerts became part of."""
    numbers = (orjson.loads(shot.body).get("incident") for shot in shots if shot.status == 202)
    return {number for number in numbers if number is not None}


def shown(messages: Iterable[Mapping[str, Any]]) -> Mapping[str, set[int]]:
    """Return by conversation the incidents whose numbers can be read there, on a card or on a digest."""
    found: dict[str, set[int]] = defaultdict(set)
    for message in messages:
        if not message["deleted"]:
            found[message["conversation"]] |= numbers_in(message["text"])
    return found


def numbers_in(text: str) -> set[int]:
    """Return the incidents' numbers in a card's text; a range stands for all that lie in it."""
    found: set[int] = set()
    for first, last in _NUMBERS.findall(text):
        found.update(range(int(first), int(last or first) + 1))
    return found


async def not_shown(world: WorldProcess, channels: Sequence[Conversation], wanted: set[int]) -> int:
    """Return how many of these incidents cannot be seen in one channel or another, counted per channel."""
    visible = shown(await world.messages())
    return sum(len(wanted - visible.get(channel.id, set())) for channel in channels)


async def until(is_so: Callable[[], Awaitable[bool]], *, patience: float, every: float = 0.5) -> float:
    """Wait until it is so; return the seconds that took. Raises TimeoutError."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    async with asyncio.timeout(patience):
        while not await is_so():
            await asyncio.sleep(every)
    return loop.time() - started


def milliseconds(seconds: float) -> str:
    """Write a duration as people read it: "38 ms"."""
    return f"{seconds * 1000:,.0f} ms"
