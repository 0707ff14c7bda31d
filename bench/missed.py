"""Row `missed`: the bot is away for 20 minutes while alerts fire, and comes back while they go on.

Time is moved: the bot's clock is told to it when it starts, and the sandbox's list of alerts goes by the same one.
"""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import orjson

from api.clocks import SystemClock
from bench.alerts import Writer
from bench.load import fire
from bench.result import Result
from bench.workspace import CLUSTER
from sandbox.bot_process import BotProcess
from sandbox.engine import Engine
from sandbox.ports import bound, free_ports
from sandbox.site import Site, open_site

#: Alerts before the bot goes away, while it is away, and while it comes back; each of a rule of its own.
BEFORE, AWAY, AFTER = 600, 2000, 400
RATE = 200.0
MINUTES = 20
#: Longer than the chore rests, and than an alert counts as being on its way.
NEXT_COMPARISON = timedelta(minutes=11)
PATIENCE = 120.0


@dataclass
class MovedClock:
    """Ticks like the machine's, and can be moved."""

    offset: timedelta = timedelta()

    def now(self) -> datetime:
        return SystemClock(self.offset).now()


@dataclass(kw_only=True)
class _Row:
    site: Site
    process: BotProcess
    clock: MovedClock
    writer: Writer = field(default_factory=Writer)
    fired: int = 0
    answered: int = 0

    async def fire(self, count: int) -> None:
        """Let Azure fire so many alerts at RATE, and call the webhook for each, whether or not somebody answers."""
        bodies = []
        for _ in range(count):
            written = self.writer.write(
                rule=f"Rule {self.fired}", alert_id=str(uuid.uuid4()), fired_at=self.clock.now()
            )
            self.site.alerts.fired(orjson.loads(written.body))
            bodies.append(written.body)
            self.fired += 1
        report = await fire(f"{self.process.url}/api/alerts", bodies, secret=self.process.secret, rate=RATE)
        self.answered += report.statuses[202]

    async def start(self) -> None:
        """Start the bot with what the clock shows now."""
        self.process.clock_offset = self.clock.offset.total_seconds()
        await self.process.start()

    def counts(self) -> _Counts:
        with closing(sqlite3.connect(f"file:{self.process.folder}/auditor.db?mode=ro", uri=True)) as database:
            alerts, found = database.execute("select count(*), count(found_at) from alerts").fetchone()
            incidents, rules = database.execute(
                "select count(*), count(distinct rule) from incidents"
            ).fetchone()
            (loose,) = database.execute("select count(*) from alerts where incident_id is null").fetchone()
        return _Counts(alerts=alerts, found=found, incidents=incidents, rules=rules, loose=loose)


@dataclass(frozen=True, kw_only=True)
class _Counts:
    alerts: int
    #: Of these, such as Azure did not deliver.
    found: int
    incidents: int
    #: Different ones among the incidents; every alert has its own.
    rules: int
    #: Alerts without an incident.
    loose: int


async def measure(scale: float) -> Result:
    """Fire through an absence; count what has no incident, and what has two."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        async with _row(Path(folder)) as row:
            await _absence(row, scale)
            seconds = await _caught_up(row)
            counts = row.counts()
    missing, twice = row.fired - counts.rules + counts.loose, counts.incidents - counts.rules
    return Result(
        row="missed",
        figure=f"{missing:,} of {row.fired:,} alerts without an incident, {twice:,} twice",
        bar="0 alerts without an incident, 0 twice",
        held=not missing and not twice and counts.alerts == row.fired,
        notes=[
            (
                f"{row.answered:,} alerts were answered 202, {counts.found:,} were found in Azure's list: "
                f"{AWAY * scale:,.0f} of them fired in the {MINUTES} minutes without a bot"
            ),
            f"all there {seconds:.1f} s after the second start",
        ],
    )


async def _absence(row: _Row, scale: float) -> None:
    """Kill the bot under load, fire on for 20 minutes, and start it again under load."""
    await row.start()
    await row.site.bot.install_in_team()
    before = asyncio.create_task(row.fire(_share(BEFORE, scale)))
    await asyncio.sleep(_share(BEFORE, scale) / RATE / 2)
    row.process.kill()
    await before
    for _ in range(MINUTES):
        await row.fire(_share(AWAY, scale / MINUTES))
        row.clock.offset += timedelta(minutes=1)
    after = asyncio.create_task(row.fire(_share(AFTER, scale)))
    await row.start()
    await after


async def _caught_up(row: _Row) -> float:
    """Give the next comparison its time, and wait until nothing is missing; return the seconds that took."""
    await row.process.stop()
    row.clock.offset += NEXT_COMPARISON
    await row.start()
    loop = asyncio.get_running_loop()
    started = loop.time()
    while row.counts().alerts < row.fired and loop.time() - started < PATIENCE:
        await asyncio.sleep(0.2)
    seconds = loop.time() - started
    await row.process.stop()
    return seconds


def _share(count: int, scale: float) -> int:
    return max(1, round(count * scale))


@asynccontextmanager
async def _row(folder: Path) -> AsyncIterator[_Row]:
    clock = MovedClock()
    listening = bound(0)
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    port, health_port = free_ports(2)
    process = BotProcess(
        sandbox_url=url,
        port=port,
        health_port=health_port,
        clock_offset=0.0,
        holds=(CLUSTER,),
        folder=folder,
    )
    engine = Engine(clock)
    try:
        async with open_site(
            url=url, process=process, engine=engine, clock=clock, alert=b"{}", socket=listening, out=None
        ) as site:
            try:
                yield _Row(site=site, process=process, clock=clock)
            finally:
                await process.stop()
    finally:
        engine.close()
