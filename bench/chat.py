"""Row `chat`: from somebody's message to the card that answers it, without the workspace's and the connector's own time."""

from __future__ import annotations

import asyncio
import random
import re
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from bench.bot import Bot, conversations, running, seed
from bench.load import percentile
from bench.result import Result
from bench.stage import milliseconds, until
from bench.world_process import WorldProcess, world_process
from bot.ports import Conversation

PEOPLE = 20
QUESTIONS = 2_000
#: Seconds between two questions of one person, give or take half: twelve times as often as the bot lets people ask.
PAUSE = 1.0
#: Where one person asks, in turn: in one channel alone it would be Teams' limit for a thread that is timed, one
#: message a second over a while (bot.pacing).
CHANNELS = 2
MEDIAN, TAIL = 0.050, 0.250
PATIENCE = 60.0
#: What is asked; {} is a word that no other question has.
LINES = (
    "audits {} last 1h",
    "who changed cm/{} today",
    "audits cm/{} verb patch by alice last 24h",
    "activity {} last 24h",
    "exec {} last 24h",
)
_WORD = re.compile("q[0-9]{2}x[0-9]{5}")
EVERYBODY = {
    "CHAT_PER_PERSON": "1000000",
    "CHAT_PER_CONVERSATION": "1000000",
    "QUERIES_PER_HALF_MINUTE": "1000000",
}


@dataclass(kw_only=True)
class Asking:
    """Twenty people, each in channels of their own, so that Teams' limits for one channel are kept."""

    world: WorldProcess
    bot_url: str
    channels: Sequence[Conversation]
    session: aiohttp.ClientSession
    token: str = ""
    #: word -> when it was asked for, by time.perf_counter.
    asked_at: dict[str, float] = field(default_factory=dict)
    statuses: list[int] = field(default_factory=list)

    async def everybody(self, each: int) -> None:
        """Let all ask `each` questions, one after another and all at once."""
        self.token = await self.world.token()
        await asyncio.gather(*(self._one(person, each) for person in range(PEOPLE)))

    async def _one(self, person: int, each: int) -> None:
        draw = random.Random(person)
        due = time.perf_counter() + draw.uniform(0, PAUSE)
        for number in range(each):
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            await self._ask(person, number)
            due += draw.uniform(0.5 * PAUSE, 1.5 * PAUSE)

    async def _ask(self, person: int, number: int) -> None:
        word = f"q{person:02d}x{number:05d}"
        line = LINES[(person + number) % len(LINES)].format(word)
        headers = {"Authorization": f"Bearer {self.token}"}
        channel = self.channels[person * CHANNELS + number % CHANNELS]
        activity = self._activity(person, channel, f"{person}-{number}", line)
        self.asked_at[word] = time.perf_counter()
        async with self.session.post(self.bot_url, json=activity, headers=headers) as answer:
            await answer.read()
            self.statuses.append(answer.status)

    def _activity(self, person: int, channel: Conversation, id_: str, line: str) -> dict[str, Any]:
        who = f"00000000-0000-4000-8000-{person:012d}"
        return {
            "type": "message",
            "id": id_,
            "channelId": "msteams",
            "serviceUrl": self.world.service_url,
            "from": {"id": f"29:{who}", "name": f"Person {person}", "aadObjectId": who},
            "recipient": {"id": channel.bot_id, "name": "Auditor"},
            "conversation": {
                "id": f"{channel.id};messageid={id_}",
                "conversationType": "channel",
                "isGroup": True,
                "tenantId": channel.tenant_id,
            },
            "channelData": {
                "tenant": {"id": channel.tenant_id},
                "team": {"id": channel.team_id},
                "channel": {"id": channel.id},
            },
            "text": line,
        }


async def measure(scale: float) -> Result:
    """Let 20 people ask at once, and time every answer."""
    each = max(5, int(QUESTIONS * scale) // PEOPLE)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        async with world_process() as world, aiohttp.ClientSession() as session:
            bot = Bot(world_url=world.url, folder=Path(folder), more=EVERYBODY)
            channels = conversations(world.service_url, each=PEOPLE * CHANNELS)
            await seed(bot.database, channels)
            async with running(bot):
                asking = Asking(
                    world=world, bot_url=f"{bot.url}/api/messages", channels=channels, session=session
                )
                await asking.everybody(each)
                return await _result(asking, PEOPLE * each)


async def _result(asking: Asking, count: int) -> Result:
    world = asking.world

    async def all_there() -> bool:
        return int((await world.counts())["teams"]["posts"]) >= count

    await until(all_there, patience=PATIENCE)
    asked = (await world.counts())["workspace"]
    # An answer asks for rows and numbers side by side, so one question's time is what it waits for at least.
    workspace = asked["busy"] / max(1, sum(asked["calls"].values()))
    times = [each - workspace for each in _times(asking, await world.messages())]
    median, tail = percentile(times, 0.5), percentile(times, 0.99)
    return Result(
        row="chat",
        figure=f"p50 {milliseconds(median)}, p99 {milliseconds(tail)}",
        bar=f"p50 < {milliseconds(MEDIAN)}, p99 < {milliseconds(TAIL)}",
        held=len(times) == count and median < MEDIAN and tail < TAIL,
        notes=[
            (
                f"{len(times):,} of {count:,} questions answered, {PEOPLE} people, each every {PAUSE:g} s or so, "
                f"the slowest {milliseconds(max(times))}; the workspace's {workspace * 1000:.1f} ms taken off"
            )
        ],
    )


def _times(asking: Asking, messages: Sequence[dict[str, Any]]) -> list[float]:
    """Return the seconds from each question to the first sight of its answer."""
    told = [(_WORD.search(message["text"]), message["posted_at"]) for message in messages]
    first: dict[str, float] = {}
    for word, at in told:
        if word:
            first.setdefault(word[0], at)
    return [at - asking.asked_at[word] for word, at in first.items() if word in asking.asked_at]
