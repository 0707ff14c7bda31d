"""Row `stop`: SIGTERM under load, again and again; every request is answered or never left, and nothing is lost."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from api.clocks import SystemClock
from bench.alerts import bodies, distinct
from bench.bot import SECRET, Bot
from bench.load import Report, Shot, fire
from bench.result import Result
from bench.stage import Stage, incidents_of, not_shown, stage, until

ROUNDS = 50
#: Alerts a second; and how many are sent in a round, most of them after the signal.
RATE, EACH = 200.0, 400
RULES, RESOLVED = 20, 0.3
CHANNELS = 3
#: So slow that some posts are always under way.
CONNECTOR = 0.1
#: The signal comes at a moment between these, seconds after the first alert of a round.
EARLIEST, LATEST = 0.2, 1.2
LONGEST_STOP = 20.0
PATIENCE = 180.0


@dataclass(kw_only=True)
class _Seen:
    """What all rounds came to."""

    shots: list[Shot] = field(default_factory=list)
    #: Seconds from the signal to the process's end, and what it ended with.
    stops: list[float] = field(default_factory=list)
    codes: set[int] = field(default_factory=set)
    starts: list[float] = field(default_factory=list)
    #: Seconds from the signal to each request that was cut.
    cut_after: list[float] = field(default_factory=list)

    @property
    def cut(self) -> int:
        """Requests that were sent and got no whole answer."""
        return len(self.cut_after)

    def add(self, shots: Sequence[Shot], signal_at: float) -> None:
        """Count a round's requests."""
        self.shots += shots
        self.cut_after += [s.sent_at - signal_at for s in shots if s.status == 0 and s.sent_at > 0]


async def measure(scale: float) -> Result:
    """Stop and start the bot while alerts come, then look for every one that was taken."""
    rounds, seen = max(3, int(ROUNDS * scale)), _Seen()
    async with stage(each=CHANNELS, latency=CONNECTOR) as on:
        draw = random.Random(5)
        for number in range(rounds):
            await _round(on.bot, number, draw.uniform(EARLIEST, LATEST), seen)
        lost = await _lost(on, seen)
        errors = [line for line in on.bot.log.read_text().splitlines() if '"level": "ERROR"' in line]
    statuses = Report(shots=seen.shots).statuses
    wrong = sum(count for status, count in statuses.items() if status not in {0, 202, 503})
    slowest = max(seen.stops)
    return Result(
        row="stop",
        figure=f"{rounds} stops: {seen.cut} requests cut, {lost} alerts lost, slowest stop {slowest:.1f} s",
        bar=f"0 cut, 0 lost, each stop ≤ {LONGEST_STOP:.0f} s",
        held=not (seen.cut or lost or wrong) and slowest <= LONGEST_STOP and seen.codes == {0},
        notes=[
            (
                f"{len(seen.shots):,} requests at {RATE:.0f}/s: {statuses[202]:,} taken, {statuses[503]:,} times 503, "
                f"{statuses[0] - seen.cut:,} refused before they were sent, {wrong:,} answered anything else"
            ),
            f"exit codes {sorted(seen.codes)}; from launch to ready at most {max(seen.starts):.1f} s",
            f"{len(errors)} errors in its log{f', the first: {errors[0][:600]}' if errors else ''}",
            *(f"cut: sent {after * 1000:.0f} ms after the signal" for after in seen.cut_after),
        ],
    )


async def _round(bot: Bot, number: int, wait: float, seen: _Seen) -> None:
    deliveries = distinct(EACH, now=SystemClock().now(), rules=RULES, resolved=RESOLVED, seed=number)
    firing = asyncio.create_task(fire(bot.alerts_url, bodies(deliveries), secret=SECRET, rate=RATE))
    await asyncio.sleep(wait)
    started = time.perf_counter()
    seen.codes.add(await bot.stop())
    seen.stops.append(time.perf_counter() - started)
    seen.add((await firing).shots, started)
    launched = time.perf_counter()
    await bot.start()
    seen.starts.append(time.perf_counter() - launched)


async def _lost(on: Stage, seen: _Seen) -> int:
    """Return how many incidents of taken alerts are not to be seen in one channel or another."""
    wanted, missing = incidents_of(seen.shots), 0

    async def all_there() -> bool:
        nonlocal missing
        missing = await not_shown(on.world, on.channels, wanted)
        return missing == 0

    try:
        await until(all_there, patience=PATIENCE, every=1.0)
    except TimeoutError:
        return missing
    return 0
