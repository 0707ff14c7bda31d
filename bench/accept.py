"""Row `accept`: committed alerts a second against the least that keeps its word, and the tail at 500 a second."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
from pathlib import Path

import aiohttp

from api.clocks import SystemClock
from bench.alerts import bodies, distinct
from bench.bot import SECRET
from bench.load import Report, fire
from bench.result import Result
from bench.stage import milliseconds, stage
from bench.world import LOOPBACK
from bench.world_process import started, until_answering
from sandbox.ports import free_ports

FLAT_OUT = 8000
ROUNDS = 3
RATE = 500.0
SECONDS = 30.0
SHARE, TAIL = 0.5, 0.100
#: Channels that the alerts are delivered to meanwhile: by tenants and in each.
TENANTS, EACH = 4, 2
CONNECTOR = 0.02


async def measure(scale: float) -> Result:
    """Measure floor and bot in turns, so that what else the machine does meets both; then the bot at its rate."""
    count = max(500, int(FLAT_OUT * scale))
    floors, bots, notes = [], [], []
    for turn in range(ROUNDS):
        floor = await _floor(count, turn)
        bot = await _flat_out(count, turn)
        floors.append(floor.rate)
        bots.append(bot.rate)
        notes.append(f"turn {turn + 1}: floor {floor.rate:,.0f}/s, bot {bot.rate:,.0f}/s of {count:,} alerts")
    share = statistics.median(bots) / statistics.median(floors)
    paced, delivered = await _at_rate(max(5.0, SECONDS * scale))
    tail = paced.percentile(0.99)
    accepted = paced.statuses[202] == len(paced.shots)
    notes.append(
        f"at {RATE:.0f}/s: {len(paced.shots):,} alerts, p50 {milliseconds(paced.percentile(0.5))}, "
        f"statuses {dict(paced.statuses)}; {delivered:,} calls of the connector meanwhile"
    )
    return Result(
        row="accept",
        figure=f"{share:.2f} of the floor, p99 {milliseconds(tail)} at {RATE:.0f}/s",
        bar=f"≥ {SHARE} of the floor, p99 < {milliseconds(TAIL)}",
        held=share >= SHARE and tail < TAIL and accepted and delivered > 0,
        notes=notes,
    )


async def _floor(count: int, turn: int) -> Report:
    port = free_ports(1)[0]
    wanted = bodies(distinct(count, now=SystemClock().now(), seed=turn))
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        file = str(Path(folder) / "floor.db")
        async with (
            aiohttp.ClientSession() as session,
            started("bench.floor", ["--port", str(port), "--database", file]) as process,
        ):
            url = f"http://{LOOPBACK}:{port}/api/alerts"
            await until_answering(session, url, process)
            return await _timed(url, wanted)


async def _flat_out(count: int, turn: int) -> Report:
    wanted = bodies(distinct(count, now=SystemClock().now(), seed=turn))
    async with stage(tenants=TENANTS, each=EACH, latency=CONNECTOR) as on:
        return await _timed(on.bot.alerts_url, wanted)


async def _at_rate(seconds: float) -> tuple[Report, int]:
    """Return the report, and how many cards were posted or brought up to date while the alerts came."""
    wanted = bodies(distinct(int(RATE * seconds), now=SystemClock().now(), seed=99))
    async with stage(tenants=TENANTS, each=EACH, latency=CONNECTOR) as on:
        # The first look and the first token are not what is measured.
        await fire(on.bot.alerts_url, wanted[:1], secret=SECRET)
        await asyncio.sleep(1)
        before = (await on.world.counts())["teams"]
        report = await fire(on.bot.alerts_url, wanted[1:], secret=SECRET, rate=RATE)
        after = (await on.world.counts())["teams"]
        return report, sum(after[each] - before[each] for each in ("posts", "updates"))


async def _timed(url: str, wanted: list[bytes]) -> Report:
    """Fire flat out, a twentieth of it before the watch starts.

    Refuses to measure what was refused: an error is answered faster than an alert is committed.
    """
    cold = len(wanted) // 20
    await fire(url, wanted[:cold], secret=SECRET)
    report = await fire(url, wanted[cold:], secret=SECRET)
    if set(report.statuses) != {202}:
        raise RuntimeError(f"not every alert was accepted: {dict(report.statuses)}")
    return report
