"""Row `kill`: kill -9 under load, again and again: nothing that was answered 202 is lost, and no more stands twice than was under way."""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from api.clocks import SystemClock
from audit.alert import Condition
from bench.alerts import Delivery, bodies, distinct
from bench.bot import SECRET, Bot, conversations, running, seed
from bench.copies import doubles
from bench.load import Shot, fire
from bench.postgres import database
from bench.result import Result
from bench.stage import not_shown, until
from bench.world_process import WorldProcess, world_process
from bot.ports import Conversation
from bot.store import open_store

KILLS = 50
#: Alerts that are answered before a kill, at least and at most; together KILLS times the middle.
FEWEST, MOST = 800, 1300
#: Offered in each round: more than are taken before the kill, so that it comes in the middle of them.
OFFERED = 1600
RULES = 20
TENANTS, EACH = 4, 5
#: Seconds that the connector takes, so that posts are under way at any moment.
CONNECTOR = 0.3
#: An answer that left the connector within this many seconds before the kill may not have been recorded any more.
ON_THE_WIRE = 0.25
#: Until everything stands that must: the last leases end, and the limits let the rest through.
PATIENCE = 900.0
CONNECTIONS = 32


@dataclass(kw_only=True)
class Tally:
    """What happened to one engine."""

    name: str
    kills: int = 0
    accepted: list[Delivery] = field(default_factory=list)
    incidents: set[int] = field(default_factory=set)
    refused: int = 0
    under_way: int = 0
    cut: int = 0
    lost: int = 0
    doubles: int = 0
    settled: float = 0.0

    @property
    def held(self) -> bool:
        return self.lost == 0 and self.doubles <= self.under_way

    def __str__(self) -> str:
        return (
            f"{self.name}: {self.kills} kills, {len(self.accepted):,} accepted, {len(self.incidents):,} incidents, "
            f"{self.refused:,} not answered; {self.lost} lost; {self.doubles} twice of {self.under_way} posts under way "
            f"({self.cut} cut off, the rest answered within {ON_THE_WIRE * 1000:.0f} ms before); "
            f"all stood {self.settled:.0f} s after the last kill"
        )


async def measure(scale: float) -> Result:
    """Kill the one on SQLite, then one of the two on PostgreSQL, half of the kills each."""
    kills = max(1, round(KILLS * scale / 2))
    tallies = [await _on_sqlite(kills), await _on_postgres(kills)]
    accepted = sum(len(tally.accepted) for tally in tallies)
    lost, twice = sum(t.lost for t in tallies), sum(t.doubles for t in tallies)
    under_way = sum(t.under_way for t in tallies)
    enough = accepted >= (FEWEST + MOST) // 2 * 2 * kills * 0.9
    return Result(
        row="kill",
        figure=f"{lost} lost of {accepted:,}, {twice} twice with {under_way} under way, {2 * kills} kills",
        bar="0 lost, doubles ≤ posts in flight at the kill",
        held=enough and all(tally.held for tally in tallies),
        notes=[str(tally) for tally in tallies],
    )


async def _on_sqlite(kills: int) -> Tally:
    async with _stage("", 1) as stage:
        return await _Drill(stage, Tally(name="SQLite"), seed=1).run(kills)


async def _on_postgres(kills: int) -> Tally:
    async with database() as url, _stage(url, 2) as stage:
        return await _Drill(stage, Tally(name="PostgreSQL, two replicas"), seed=2).run(kills)


@dataclass(frozen=True, kw_only=True)
class _Stage:
    world: WorldProcess
    bots: Sequence[Bot]
    channels: Sequence[Conversation]


@asynccontextmanager
async def _stage(url: str, replicas: int) -> AsyncIterator[_Stage]:
    async with AsyncExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        world = await opened.enter_async_context(world_process(latency=CONNECTOR))
        bots = [Bot(world_url=world.url, folder=folder, database_url=url) for _ in range(replicas)]
        channels = conversations(world.service_url, tenants=TENANTS, each=EACH)
        await seed(bots[0].database, channels)
        for bot in bots:
            await opened.enter_async_context(running(bot))
        yield _Stage(world=world, bots=bots, channels=channels)


class _Drill:
    def __init__(self, stage: _Stage, tally: Tally, *, seed: int) -> None:
        self._stage = stage
        self._tally = tally
        self._draw = random.Random(seed)
        self._back: asyncio.Task[None] | None = None

    async def run(self, kills: int) -> Tally:
        for round_ in range(kills):
            await self._round(round_)
        await self._come_back()
        ended = time.perf_counter()
        await until(self._all_stands, patience=PATIENCE, every=2)
        self._tally.settled = time.perf_counter() - ended
        await self._count()
        return self._tally

    async def _round(self, round_: int) -> None:
        """Offer alerts to who is ready, and kill one of all in the middle of them."""
        living = [bot for bot in self._stage.bots if bot.running and self._is_back(bot)]
        wanted = distinct(
            OFFERED, now=SystemClock().now(), rules=RULES, resolved=0.3, seed=round_, tag=f"{round_}-"
        )
        enough = asyncio.Event()
        goal = len(self._tally.accepted) + self._draw.randint(FEWEST, MOST)
        parts = [wanted[n :: len(living)] for n in range(len(living))]

        left = len(parts)

        async def offer(bot: Bot, part: Sequence[Delivery]) -> None:
            def heard(shot: Shot) -> None:
                self._heard(part[shot.index], shot)
                if len(self._tally.accepted) >= goal:
                    enough.set()

            nonlocal left
            await fire(bot.alerts_url, bodies(part), secret=SECRET, connections=CONNECTIONS, heard=heard)
            left -= 1
            if not left:
                enough.set()

        async with asyncio.TaskGroup() as offering:
            for bot, part in zip(living, parts, strict=True):
                offering.create_task(offer(bot, part))
            await enough.wait()
            await self._come_back()
            await self._kill(self._draw.choice(self._stage.bots))

    def _is_back(self, bot: Bot) -> bool:
        return self._back is None or self._back.done() or self._back.get_name() != str(bot.port)

    def _heard(self, delivery: Delivery, shot: Shot) -> None:
        if shot.status != 202:
            self._tally.refused += 1
            return
        self._tally.accepted.append(delivery)
        number = orjson.loads(shot.body).get("incident")
        if number is not None:
            self._tally.incidents.add(number)

    async def _kill(self, bot: Bot) -> None:
        # Anywhere in the next moments: between two answers, in a commit, in a post.
        await asyncio.sleep(self._draw.random() * 0.2)
        before = await self._stage.world.flight()
        at = time.perf_counter()
        await bot.kill()
        after = await self._stage.world.flight(time.perf_counter() - at + ON_THE_WIRE)
        await asyncio.sleep(CONNECTOR + 0.1)
        cut = (await self._stage.world.flight())["cut"] - before["cut"]
        self._tally.kills += 1
        self._tally.cut += cut
        self._tally.under_way += cut + len(after["answered"])
        self._back = asyncio.create_task(bot.start(), name=str(bot.port))
        if len(self._stage.bots) == 1:
            await self._back

    async def _come_back(self) -> None:
        if self._back is not None:
            await self._back

    async def _all_stands(self) -> bool:
        """Whether nothing is due or held any more, and every incident can be seen in every channel."""
        async with open_store(self._stage.bots[0].database, beside=True) as store:
            load = (await store.load(SystemClock().now()))["notification"]
        if load.due or load.held:
            return False
        return await self._missing() == 0 or load.failed > 0

    async def _missing(self) -> int:
        return await not_shown(self._stage.world, self._stage.channels, self._tally.incidents)

    async def _count(self) -> None:
        tally, url = self._tally, self._stage.bots[0].database
        async with open_store(url, beside=True) as store:
            known = await store.known([delivery.alert_id for delivery in tally.accepted])
        gone = [
            one
            for one in tally.accepted
            if Condition(one.condition) not in known.get(one.alert_id.lower(), frozenset())
        ]
        tally.lost = len(gone) + await self._missing()
        tally.doubles = len(await doubles(self._stage.world, url))
