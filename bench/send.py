"""Row `send`: 1,000 cards, paced, against stock botbuilder and bare aiohttp in the same run."""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson

from bench.certificate import write_certificate
from bench.result import Result
from bench.stage import milliseconds
from bench.world_process import world_process
from sandbox.bot_process import ROOT
from sandbox.ports import LOOPBACK, free_ports

CARDS, STOCK_CARDS = 1000, 100
TENANTS, CONVERSATIONS, AT_ONCE = 20, 200, 50
#: Seconds that the connector and the token endpoint take.
CONNECTOR, TOKEN = 0.020, 0.030
ROUNDS = 3
TIMES_STOCK, SHARE_OF_BARE, LAG, TOKEN_CALLS, MOST_CONNECTIONS = 45, 0.4, 0.150, 2, 60


@dataclass(frozen=True, kw_only=True)
class Sent:
    """One way's run. `rate` is cards a second; lags are of the sender's own loop, in seconds."""

    rate: float
    lag_p99: float
    lag_max: float
    token_calls: int
    connections: int
    #: By the connector's own count.
    over: int

    def __str__(self) -> str:
        return (
            f"{self.rate:,.1f}/s, loop lag p99 {milliseconds(self.lag_p99)}, most {milliseconds(self.lag_max)}, "
            f"{self.token_calls} token calls, {self.connections} connections, {self.over} over a limit"
        )


async def measure(scale: float) -> Result:
    """Send in all three ways in turns; the medians of ours and of bare stand, stock is slow enough for once."""
    cards = max(CONVERSATIONS, int(CARDS * scale))
    runs: dict[str, list[Sent]] = {"ours": [], "bare": []}
    stock = await _sent("stock", max(10, int(STOCK_CARDS * scale)))
    notes = [f"stock: {stock}"]
    for _ in range(ROUNDS):
        for way, sent in runs.items():
            sent.append(await _sent(way, cards))
            notes.append(f"{way}: {sent[-1]}")
    rate, bare = (statistics.median(each.rate for each in sent) for sent in runs.values())
    ours = runs["ours"]
    lag = statistics.median(each.lag_p99 for each in ours)
    tokens = max(each.token_calls for each in ours)
    connections = max(each.connections for each in ours)
    over = sum(each.over for each in ours)
    return Result(
        row="send",
        figure=(
            f"{rate / stock.rate:.0f}x stock, {rate / bare:.2f} of bare, lag p99 {milliseconds(lag)}, "
            f"{tokens} token calls, {connections} connections"
        ),
        bar=(
            f"≥ {TIMES_STOCK}x, ≥ {SHARE_OF_BARE}, < {milliseconds(LAG)}, ≤ {TOKEN_CALLS}, ≤ {MOST_CONNECTIONS}"
        ),
        held=(
            rate >= TIMES_STOCK * stock.rate
            and rate >= SHARE_OF_BARE * bare
            and lag < LAG
            and tokens <= TOKEN_CALLS
            and connections <= MOST_CONNECTIONS
            and not over
        ),
        notes=notes,
    )


async def _sent(way: str, cards: int) -> Sent:
    """Send in this way, in a process of its own to a world of its own."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        certificate, tls_port = write_certificate(folder), free_ports(1)[0]
        tls = ("--tls-port", str(tls_port), "--certificate", str(certificate))
        async with world_process(latency=CONNECTOR, more=tls) as world:
            await world.set("token", latency=TOKEN)
            told = await _run(
                way,
                f"--world={world.url}",
                f"--authority=https://{LOOPBACK}:{tls_port}/adfs",
                f"--folder={folder}",
                f"--cards={cards}",
                environment={"REQUESTS_CA_BUNDLE": str(certificate)},
            )
            counts = await world.counts()
    teams = counts["teams"]
    if teams["posts"] != cards:
        raise RuntimeError(f"{way}: {teams['posts']} of {cards} cards came")
    return Sent(
        rate=cards / told["seconds"],
        lag_p99=told["lag_p99"],
        lag_max=told["lag_max"],
        token_calls=sum(counts["token"]["calls"].values()),
        connections=teams["connections"],
        over=teams["over_conversation"] + teams["over_tenant"],
    )


async def _run(way: str, *arguments: str, environment: Mapping[str, str]) -> Mapping[str, float]:
    spread = (f"--tenants={TENANTS}", f"--conversations={CONVERSATIONS}", f"--at-once={AT_ONCE}")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bench.senders",
        way,
        *arguments,
        *spread,
        cwd=ROOT,
        env=dict(environment),
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"{way} ended with {process.returncode}")
    told: Mapping[str, float] = orjson.loads(said)
    return told
