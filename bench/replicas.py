"""Row `replicas`: two replicas on one PostgreSQL: what the second adds, who takes over from a dead one, what a frozen one does when it wakes."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from api.clocks import SystemClock
from audit.alert import parse_alert
from bench.alerts import distinct
from bench.bot import Bot, conversations, seed
from bench.copies import doubles, rows
from bench.postgres import server
from bench.result import Result
from bench.stage import not_shown, until
from bench.world_process import WorldProcess, world_process
from bot.ports import Conversation
from bot.store import open_store
from sandbox.postgres import fresh_database

#: Seconds that the connector takes, and in how many conversations a replica speaks at once.
CONNECTOR, AT_ONCE = 0.3, 8
TENANTS, EACH = 20, 10
#: Incidents, each of which has its card in every channel.
INCIDENTS = 6
TIMES = 1.6
#: Seconds within which the dead one's work has to be somebody else's.
TAKEN_OVER = 30.0
#: How long the frozen one is away: past its lease, and past the next one's look for what is free.
FROZEN = 35.0
#: Seconds after the start of the work at which one is killed or frozen.
INTO_IT = (2.0, 3.1, 4.7)
PATIENCE = 300.0


@dataclass(frozen=True, kw_only=True)
class _Stage:
    world: WorldProcess
    bots: Sequence[Bot]
    channels: Sequence[Conversation]
    url: str

    async def times(self) -> list[float]:
        """Return when each card was posted, oldest first."""
        return sorted(message["posted_at"] for message in await self.world.messages())

    async def begun(self) -> None:
        await until(self._some, patience=PATIENCE, every=0.05)

    async def _some(self) -> bool:
        return bool((await self.world.counts())["teams"]["posts"])

    async def stands(self) -> bool:
        """Whether nothing is due or held, and every incident can be seen in every channel."""
        async with open_store(self.url, beside=True) as store:
            load = (await store.load(SystemClock().now()))["notification"]
        numbers = set(range(1, INCIDENTS + 1))
        return not (load.due or load.held or await not_shown(self.world, self.channels, numbers))


async def measure(scale: float) -> Result:
    """Measure each of the three; the last two as often as there are moments in INTO_IT, times `scale`."""
    moments = INTO_IT[: max(1, round(len(INTO_IT) * scale))]
    with server() as url:
        one, two = await _throughput(url, 1), await _throughput(url, 2)
        killed = [await _killed(url, moment) for moment in moments]
        frozen = [await _frozen(url, moment) for moment in moments]
    times, slowest = two / one, max(after for after, _ in killed)
    twice = sum(left for left, _ in frozen)
    unexplained = sum(max(0, copies - under_way) for copies, under_way in (pair for _, pair in killed))
    return Result(
        row="replicas",
        figure=f"{times:.2f}x of one, taken over after {slowest:.1f} s at most, {twice} twice by the woken one",
        bar=f"≥ {TIMES}x, ≤ {TAKEN_OVER:.0f} s, 0 twice",
        held=times >= TIMES and slowest <= TAKEN_OVER and not twice and not unexplained,
        notes=[
            f"{AT_ONCE} sends at once, connector {CONNECTOR * 1000:.0f} ms, {TENANTS * EACH * INCIDENTS:,} cards",
            f"{TENANTS} tenants, {TENANTS * EACH} channels",
            f"one replica {one:.1f} cards/s, two {two:.1f} cards/s",
            *(
                f"killed: taken over after {after:.1f} s; {copies} twice, {under_way} posts under way"
                for after, (copies, under_way) in killed
            ),
            *(
                f"frozen for {FROZEN:.0f} s: {left} twice in the end; {taken_away} taken away by it"
                for left, taken_away in frozen
            ),
        ],
    )


@asynccontextmanager
async def _stage(server_url: str, replicas: int) -> AsyncIterator[_Stage]:
    """Run the replicas on a database that holds INCIDENTS alerts, which nobody has worked on yet."""
    async with AsyncExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        url = await opened.enter_async_context(fresh_database(server_url))
        world = await opened.enter_async_context(world_process(latency=CONNECTOR))
        channels = conversations(world.service_url, tenants=TENANTS, each=EACH)
        await seed(url, channels)
        await _alerts(url)
        bots = [
            Bot(
                world_url=world.url,
                folder=folder,
                database_url=url,
                module="bench.replica",
                arguments=[str(AT_ONCE)],
            )
            for _ in range(replicas)
        ]
        for bot in bots:
            opened.push_async_callback(_ended, bot)
        await asyncio.gather(*(bot.start() for bot in bots))
        yield _Stage(world=world, bots=bots, channels=channels, url=url)


async def _alerts(url: str) -> None:
    now = SystemClock().now()
    async with open_store(url) as store:
        for number in range(INCIDENTS):
            for delivery in distinct(1, now=now, rules=1, seed=number, tag=f"{number}-"):
                await store.record(parse_alert(delivery.body), delivery.body, now)


async def _ended(bot: Bot) -> None:
    if bot.running:
        bot.thaw()
    await bot.stop()


async def _throughput(server_url: str, replicas: int) -> float:
    """Return cards a second between the first and the last tenth of them."""
    async with _stage(server_url, replicas) as on:
        await until(on.stands, patience=PATIENCE)
        times = await on.times()
    first, last = len(times) // 10, len(times) * 9 // 10
    return (last - first) / (times[last] - times[first])


async def _killed(server_url: str, moment: float) -> tuple[float, tuple[int, int]]:
    """Kill one in the middle of its work; return the seconds until all that it held was taken over, and its doubles with the posts that were under way."""
    async with _stage(server_url, 2) as on:
        await on.begun()
        await asyncio.sleep(moment)
        before = await on.world.flight()
        at = SystemClock().now()
        began = time.perf_counter()
        await on.bots[0].kill()
        recent = await on.world.flight(time.perf_counter() - began + 0.25)
        await asyncio.sleep(CONNECTOR + 0.1)
        cut = (await on.world.flight())["cut"] - before["cut"]
        await until(on.stands, patience=PATIENCE)
        taken = [row[0] for row in await rows(on.url, _TAKEN_OVER)]
        copies = len(await doubles(on.world, on.url))
    if not taken:
        raise RuntimeError("the killed one held nothing: there was nothing to take over")
    return (max(taken) - at).total_seconds(), (copies, cut + len(recent["answered"]))


_TAKEN_OVER = "SELECT at FROM traces WHERE step = 'taken over'"


async def _frozen(server_url: str, moment: float) -> tuple[int, int]:
    """Freeze one with posts under way until its lease is over, and wake it; return what stands twice in the end, and what it took away itself."""
    async with _stage(server_url, 2) as on:
        await on.begun()
        await asyncio.sleep(moment)
        on.bots[0].freeze()
        await asyncio.sleep(FROZEN)
        on.bots[0].thaw()
        await until(on.stands, patience=PATIENCE)
        # What the woken one still has to say, if it does, it says now.
        await asyncio.sleep(5)
        copies = len(await doubles(on.world, on.url))
        return copies, (await on.world.counts())["teams"]["deletes"]
