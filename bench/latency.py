"""Row `latency`: from the webhook's first byte to the card at the connector, without the workspace's own time."""

from __future__ import annotations

import asyncio
import random

import orjson

from api.clocks import SystemClock
from bench.alerts import Writer
from bench.bot import SECRET
from bench.load import Report, fire, percentile
from bench.result import Result
from bench.stage import Stage, incidents_of, milliseconds, not_shown, numbers_in, stage, until

ALERTS = 200
#: Seconds between two alerts, at random: what Teams' limits hold back is the row `storm`.
SHORTEST_GAP, LONGEST_GAP = 0.75, 1.75
MEDIAN, TAIL = 0.150, 1.0
CONNECTOR = 0.02
PATIENCE = 60.0


async def measure(scale: float) -> Result:
    """Let different rules fire one after another, at random moments, and time each one's card."""
    count = max(20, int(ALERTS * scale))
    async with stage(latency=CONNECTOR) as on:
        report = await _fired(on, count)
        numbers = incidents_of(report.shots)

        async def all_there() -> bool:
            return await not_shown(on.world, on.channels, numbers) == 0

        await until(all_there, patience=PATIENCE)
        asked = (await on.world.counts())["workspace"]
        # Rows and count are asked for side by side, so one question's time is what a card waits for.
        workspace = asked["busy"] / max(1, sum(asked["calls"].values()))
        times = [each - workspace for each in await _times(on, report)]
    median, tail = percentile(times, 0.5), percentile(times, 0.99)
    return Result(
        row="latency",
        figure=f"p50 {milliseconds(median)}, p99 {milliseconds(tail)}",
        bar=f"p50 < {milliseconds(MEDIAN)}, p99 < {milliseconds(TAIL)}",
        held=len(times) == count and median < MEDIAN and tail < TAIL,
        notes=[
            (
                f"{len(times):,} of {count:,} alerts, one every {SHORTEST_GAP} to {LONGEST_GAP} s, the slowest {milliseconds(max(times))}; "
                f"the workspace's {workspace * 1000:.1f} ms taken off"
            )
        ],
    )


async def _fired(on: Stage, count: int) -> Report:
    draw, clock, writer = random.Random(7), SystemClock(), Writer()
    report = Report()
    for number in range(count):
        delivery = writer.write(
            rule=f"Bench rule {number}",
            alert_id=f"00000000-0000-4000-8000-{number:012d}",
            fired_at=clock.now(),
        )
        one = await fire(on.bot.alerts_url, [delivery.body], secret=SECRET)
        report.shots += one.shots
        await asyncio.sleep(draw.uniform(SHORTEST_GAP, LONGEST_GAP))
    return report


async def _times(on: Stage, report: Report) -> list[float]:
    """Return the seconds from each alert's sending to the first sight of its card."""
    posted: dict[int, float] = {}
    for message in await on.world.messages():
        for number in numbers_in(message["text"]):
            posted.setdefault(number, message["posted_at"])
    accepted = [shot for shot in report.shots if shot.status == 202]
    return [posted[orjson.loads(shot.body)["incident"]] - shot.sent_at for shot in accepted]
