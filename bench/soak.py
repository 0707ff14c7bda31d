"""Row `soak`: alerts and people for two hours, with rests in which what a process holds must be what it was before."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import aiohttp
import psutil

from api.clocks import SystemClock
from bench.alerts import bodies, distinct
from bench.bot import SECRET, Bot, conversations, running, seed
from bench.load import fire
from bench.people import People
from bench.result import Result
from bench.world_process import WorldProcess, world_process

#: Seconds of the recorded run; and below which a run is a short one, whose slope would tell nothing.
DURATION, SHORT = 7200.0, 1800.0
#: A cycle is this many seconds of load and then a rest. In a short run everything is shorter.
LOAD, REST = 45.0, 15.0
SHORT_LOAD, SHORT_REST = 3.0, 2.0
#: Of the whole, what comes before the first sample: caches fill, and memory is taken that is kept for later.
WARM_UP = 0.1
#: Alerts a second, of so many rules; half of them are over again.
RATE, RULES, RESOLVED = 10.0, 40, 0.5
CHANNELS = 3
CONNECTOR = 0.02
GROWTH, SLOPE = 8e6, 1e6
#: What a task that does one row of due work runs.
IN_HAND = "Worker._guarded"
#: Samples in one rest.
LOOKS = 5
#: Tasks or handles more or less that are no leak: a line that somebody is just being answered.
SPREAD = 2


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What the process held in a rest. `at` in seconds, `memory` in bytes."""

    at: float
    memory: int
    #: By what they run.
    running: Counter[str]
    #: Open files and sockets, without connections that are kept open to Teams and Azure.
    handles: int
    threads: int

    @property
    def tasks(self) -> int:
        """How many tasks there are, but for rows in the worker's hands: cards that wait for room within Teams' limits."""
        return self.running.total() - self.running[IN_HAND]


async def measure(scale: float) -> Result:
    """Load the bot and let it rest, again and again."""
    duration = DURATION * scale
    is_short = duration < SHORT
    load, rest = (SHORT_LOAD, SHORT_REST) if is_short else (LOAD, REST)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        async with world_process(latency=CONNECTOR) as world, aiohttp.ClientSession() as session:
            bot = Bot(world_url=world.url, folder=Path(folder), module="bench.counted")
            await seed(bot.database, conversations(world.service_url, each=CHANNELS))
            async with running(bot):
                soak = Soak(bot=bot, world=world, session=session)
                await soak.go_on(max(duration * WARM_UP, load), load, rest)
                soak.samples.clear()
                await soak.go_on(duration, load, rest)
                return _result(soak, is_short=is_short)


class Soak:
    """Cycles of load and rest, and what was seen in the rests."""

    def __init__(self, *, bot: Bot, world: WorldProcess, session: aiohttp.ClientSession) -> None:
        self._bot = bot
        self._world = world
        self._session = session
        self.people = People(world, session, bot.url)
        self.samples: list[Sample] = []
        self.accepted = 0
        self.refused = 0
        self._cycles = 0

    async def go_on(self, seconds: float, load: float, rest: float) -> None:
        """Run whole cycles for about that long; take a sample at the end of each rest."""
        ends = time.perf_counter() + seconds
        while time.perf_counter() < ends or not self.samples:
            await self._cycle(load)
            await asyncio.sleep(rest / 2)
            self.samples.append(await self._resting(rest / 2))

    async def _cycle(self, seconds: float) -> None:
        self._cycles += 1
        wanted = distinct(
            int(RATE * seconds),
            now=SystemClock().now(),
            rules=RULES,
            resolved=RESOLVED,
            seed=self._cycles,
        )
        report, _ = await asyncio.gather(
            fire(self._bot.alerts_url, bodies(wanted), secret=SECRET, rate=RATE), self.people.write(seconds)
        )
        self.accepted += report.statuses[202]
        self.refused += len(report.shots) - report.statuses[202]

    async def _resting(self, seconds: float) -> Sample:
        """Return the last sample of that time, with the least of tasks and handles: what is due now and then goes by."""
        seen = []
        for _ in range(LOOKS):
            await asyncio.sleep(seconds / LOOKS)
            seen.append(await self._sample())
        calmest = min(seen, key=lambda one: one.tasks)
        return replace(seen[-1], running=calmest.running, handles=min(one.handles for one in seen))

    async def _sample(self) -> Sample:
        async with self._session.get(f"{self._bot.url}/bench/tasks") as answer:
            tasks = Counter(await answer.json())
        kept = psutil.Process(self._bot.pid).net_connections(kind="tcp")
        port = int(self._world.url.rsplit(":", 1)[1])
        outside = sum(bool(one.raddr) and one.raddr.port == port for one in kept)
        return Sample(
            at=time.perf_counter(),
            memory=self._bot.memory(),
            running=tasks,
            handles=self._bot.handles() - outside,
            threads=self._bot.threads(),
        )


def slope(samples: Sequence[Sample]) -> float:
    """Return by how many bytes an hour the memory grows, by least squares; 0 for fewer than two samples."""
    count = len(samples)
    if count < 2:
        return 0.0
    middle = sum(sample.at for sample in samples) / count
    level = sum(sample.memory for sample in samples) / count
    square = sum((sample.at - middle) ** 2 for sample in samples)
    product = sum((sample.at - middle) * (sample.memory - level) for sample in samples)
    return product / square * 3600 if square else 0.0


def _result(soak: Soak, *, is_short: bool) -> Result:
    first, last = soak.samples[0], soak.samples[-1]
    growth, tilt = last.memory - first.memory, slope(soak.samples)
    spreads = {name: _spread(soak.samples, name) for name in ("tasks", "handles", "threads")}
    constant = spreads["tasks"] <= SPREAD and spreads["handles"] <= SPREAD
    steady = growth < GROWTH if is_short else tilt < SLOPE
    minutes = (last.at - first.at) / 60
    figure = f"RSS {growth / 1e6:+.1f} MB" if is_short else f"{tilt / 1e6:+.2f} MB/h"
    bar = f"RSS < +{GROWTH / 1e6:.0f} MB" if is_short else f"< {SLOPE / 1e6:.0f} MB/h"
    held = f"{spreads['tasks']} tasks and {spreads['handles']} handles"
    return Result(
        row="soak",
        figure=f"{minutes:.1f} min: {figure}, at rest never more than {held} apart",
        bar=f"{bar}, at most {SPREAD} apart",
        held=constant and steady and not soak.refused and soak.accepted > 0,
        notes=[
            f"{soak.accepted:,} alerts taken, {soak.refused:,} not; people answered {dict(soak.people.statuses)}",
            f"tasks only at times: {_only_at_times(soak.samples) or 'none'}",
            (
                f"{len(soak.samples)} rests: RSS {first.memory / 1e6:.1f} to {last.memory / 1e6:.1f} MB "
                f"(slope {tilt / 1e6:+.2f} MB/h), {last.tasks} tasks, {last.handles} handles, {last.threads} threads"
            ),
        ],
    )


def _spread(samples: Sequence[Sample], name: str) -> int:
    values = [int(getattr(sample, name)) for sample in samples]
    return max(values) - min(values)


def _only_at_times(samples: Sequence[Sample]) -> str:
    """Say what ran in the busiest rest and not in the calmest one."""
    most, least = (pick(samples, key=lambda one: one.tasks).running for pick in (max, min))
    return ", ".join(f"{count} {name}" for name, count in (most - least).items())
