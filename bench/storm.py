"""Row `storm`: 5,000 alerts in 10 s, a third of them said before, Fired and Resolved in any order."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from api.clocks import SystemClock
from bench.alerts import bodies, storm
from bench.bot import SECRET, Bot
from bench.load import Report, fire
from bench.result import Result
from bench.stage import Stage, incidents_of, milliseconds, not_shown, shown, stage, until

ALERTS, SECONDS = 5000, 10.0
RULES, REPEATS = 40, 0.3
CHANNELS = 3
MEMORY = 250_000_000
CONNECTOR = 0.02
#: How long the cards may take after the last alert.
PATIENCE = 180.0


async def measure(scale: float) -> Result:
    """Let the storm pass over a bot whose connector and workspace keep to their limits."""
    count = max(100, int(ALERTS * scale))
    deliveries = storm(count, now=SystemClock().now(), rules=RULES, repeats=REPEATS)
    async with stage(each=CHANNELS, latency=CONNECTOR, limited=True) as on:
        watch = _Watch(on.bot)
        async with watch:
            report = await fire(on.bot.alerts_url, bodies(deliveries), secret=SECRET, rate=ALERTS / SECONDS)
            wanted = incidents_of(report.shots)
            missing, seconds = await _represented(on, wanted)
        counts = (await on.world.counts())["teams"]
        notes = [*await _notes(on, report, wanted, counts), _when(missing, seconds)]
    over = counts["over_conversation"] + counts["over_tenant"]
    accepted = report.statuses[202]
    return Result(
        row="storm",
        figure=(
            f"{accepted:,} of {count:,} accepted, {missing:,} incidents not visible, {over:,} over the limits, "
            f"RSS {watch.most / 1e6:.0f} MB"
        ),
        bar=f"all accepted, 0 not visible, 0 over the limits, RSS < {MEMORY / 1e6:.0f} MB",
        held=accepted == count and not missing and not over and watch.most < MEMORY,
        notes=notes,
    )


async def _represented(on: Stage, wanted: set[int]) -> tuple[int, float]:
    """Wait until every incident is visible in every channel; return how many are not, and the seconds it took."""
    missing = -1

    async def all_there() -> bool:
        nonlocal missing
        missing = await not_shown(on.world, on.channels, wanted)
        return missing == 0

    seconds = PATIENCE
    with suppress(TimeoutError):
        seconds = await until(all_there, patience=PATIENCE, every=2.0)
    return missing, seconds


async def _notes(on: Stage, report: Report, wanted: set[int], counts: dict[str, int]) -> Sequence[str]:
    messages = await on.world.messages()
    digests = [message for message in messages if not message["key"] and not message["deleted"]]
    asked = (await on.world.counts())["workspace"]
    return [
        (
            f"statuses {dict(report.statuses)} in {report.seconds:.1f} s, p50 {milliseconds(report.percentile(0.5))}, "
            f"p99 {milliseconds(report.percentile(0.99))}"
        ),
        (
            f"{len(wanted):,} incidents in {len(shown(messages))} channels: {counts['posts']:,} posts "
            f"({len(digests):,} digests), {counts['updates']:,} updates, {counts['deletes']:,} deletions, "
            f"{counts['refused']:,} refused; over per conversation {counts['over_conversation']:,}, "
            f"per tenant {counts['over_tenant']:,}"
        ),
        f"{sum(asked['calls'].values()):,} questions to the workspace, {asked['over']:,} over its limits",
    ]


def _when(missing: int, seconds: float) -> str:
    if missing:
        return f"{missing:,} not visible {seconds:.0f} s after the last alert"
    return f"all visible {seconds:.0f} s after the last alert"


class _Watch:
    """Looks at the bot's memory four times a second; `most` is in bytes."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        self._task: asyncio.Task[None] | None = None
        self.most = 0

    async def __aenter__(self) -> None:
        self._task = asyncio.create_task(self._look())

    async def __aexit__(self, *_exc: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _look(self) -> None:
        while True:
            self.most = max(self.most, self._bot.memory())
            await asyncio.sleep(0.25)
