"""People in Teams at load: what they write to the bot, with the tokens that Teams would send along."""

from __future__ import annotations

import asyncio
from collections import Counter
from itertools import count

import aiohttp

from api.clocks import SystemClock
from bench.world_process import WorldProcess
from sandbox.activities import Activities
from sandbox.bot_process import APP_ID
from sandbox.room import Room, Said

LINES = ("help", "status", "audits coredns last 1h", "incident 1", "what is this?")


class People:
    """Writes one line after another to the bot in a personal chat."""

    def __init__(self, world: WorldProcess, session: aiohttp.ClientSession, bot_url: str) -> None:
        clock = SystemClock()
        self._world = world
        self._session = session
        self._url = f"{bot_url}/api/messages"
        self._room = Room(app_id=APP_ID, clock=clock)
        self._activities = Activities(room=self._room, clock=clock, service_url=world.service_url)
        self._numbers = count()
        #: HTTP statuses of the answers.
        self.statuses: Counter[int] = Counter()

    async def write(self, seconds: float, pause: float = 1.0) -> None:
        """Write a line every `pause` seconds, for that long."""
        for _ in range(max(1, int(seconds / pause))):
            await self._say(LINES[next(self._numbers) % len(LINES)])
            await asyncio.sleep(pause)

    async def _say(self, line: str) -> None:
        alice = self._room.people[0]
        chat = self._room.personal(alice)
        message = self._room.post(chat, Said(text=line), by=alice)
        self._room.delete(message.id)
        activity = self._activities.message(message, alice)
        headers = {"Authorization": f"Bearer {await self._world.token()}"}
        async with self._session.post(self._url, json=activity, headers=headers) as answer:
            await answer.read()
            self.statuses[answer.status] += 1
