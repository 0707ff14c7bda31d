"""Row `growth`: what a card takes of the bot's own process, from 100 to 1,000,000 events in the alert's window.

Look, evidence and card, over HTTP; the workspace is another process, whose time is not counted. See
bench.growth_workspace for what its answers are.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import orjson
from aiohttp import web

from bench.growth_workspace import ACTING, MOST, OBJECTS, TOO_MANY, Workspaces
from bench.result import Result
from sandbox.bot_process import ROOT
from sandbox.ports import LOOPBACK

SIZES = (100, 1_000, 10_000, 100_000, 1_000_000)
LOOKS, WARM_UP = 40, 3
SLOWER, LARGER = 1.5, 1.2
#: An answer that is too large: seconds until it is given up, and memory that it may take.
GIVEN_UP, MEMORY = 40.0, 64 * 2**20


@dataclass(frozen=True, kw_only=True)
class Bot:
    """A process that looks when it is told to, and what its looks took."""

    process: asyncio.subprocess.Process
    path: str
    looks: list[Mapping[str, Any]] = field(default_factory=list)

    async def told(self, what: str, path: str = "") -> Mapping[str, Any]:
        """Let it do one thing. Raises RuntimeError where it ended instead."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{what} {path or self.path}\n".encode())
        line = await self.process.stdout.readline()
        if not line:
            raise RuntimeError("the looking process ended")
        return cast("Mapping[str, Any]", orjson.loads(line))

    @property
    def cpu(self) -> float:
        return float(statistics.median(look["cpu"] for look in self.looks))

    @property
    def peak(self) -> int:
        return int(self.looks[-1]["peak"])


async def measure(scale: float) -> Result:
    """Let one process for each size look in turns, then one at answers that are too large."""
    async with _workspaces() as url, AsyncExitStack() as stack:
        bots = [await stack.enter_async_context(_bot(url, str(size))) for size in SIZES]
        for number in range(WARM_UP + max(5, round(LOOKS * scale))):
            for bot in bots:
                look = await bot.told("look")
                if number >= WARM_UP:
                    bot.looks.append(look)
        traced = [int((await bot.told("trace"))["traced"]) for bot in bots]
        too_much = [await _too_much(url, path) for path in ("many", "endless")]
    slower = bots[-1].cpu / bots[0].cpu
    larger = bots[-1].peak / bots[0].peak
    return Result(
        row="growth",
        figure=(
            f"{slower:.2f}x time, {larger:.2f}x memory from {SIZES[0]:,} to {SIZES[-1]:,} events; too large: given up after"
            f" {max(one.seconds for one in too_much):.2f} s at most, +{max(one.memory for one in too_much) / 2**20:.0f} MiB"
        ),
        bar=f"<= {SLOWER}x time, <= {LARGER}x memory; <= {GIVEN_UP:.0f} s, < {MEMORY // 2**20} MiB, said on the card",
        held=slower <= SLOWER and larger <= LARGER and all(one.held for one in too_much) and _whole(bots),
        notes=[*_notes(bots, traced), *(str(one) for one in too_much)],
    )


@dataclass(frozen=True, kw_only=True)
class TooMuch:
    """What became of an answer without end."""

    path: str
    seconds: float
    memory: int
    #: The card's sentence about it; "" where it does not say it.
    said: str

    @property
    def held(self) -> bool:
        return self.seconds <= GIVEN_UP and self.memory < MEMORY and bool(self.said)

    def __str__(self) -> str:
        rows = f"{TOO_MANY:,} rows" if self.path == "many" else "rows without end, 20 a second"
        said = f"the card says: {self.said}" if self.said else "the card does NOT say so"
        return f"{rows}: given up after {self.seconds:.2f} s, memory {self.memory / 2**20:+.1f} MiB; {said}"


async def _too_much(url: str, path: str) -> TooMuch:
    """Look at it from a process that has made cards before, so that only what the answer takes is counted."""
    async with _bot(url, str(SIZES[0])) as bot:
        for _ in range(WARM_UP):
            before = await bot.told("look")
        after = await bot.told("look", path)
    return TooMuch(
        path=path,
        seconds=after["wall"],
        memory=after["peak"] - before["peak"],
        said=after["said"],
    )


def _whole(bots: Sequence[Bot]) -> bool:
    """Tell whether every look was one at the whole window, with all groups: else there is nothing to compare.

    A group of which a body told more than the workspace counts stands apart from the rest of it.
    """
    return all(
        look["returned"] == int(bot.path) and look["groups"] >= ACTING * OBJECTS
        for bot in bots
        for look in bot.looks
    )


def _notes(bots: Sequence[Bot], traced: Sequence[int]) -> list[str]:
    notes = [
        f"{ACTING} actors at {OBJECTS} objects each; above {MOST:,} events the workspace's answers are those for {MOST:,}, with the counts multiplied"
    ]
    for bot, traced_ in zip(bots, traced, strict=True):
        last = bot.looks[-1]
        notes.append(
            f"{int(bot.path):>9,} events: {bot.cpu * 1000:.1f} ms of processor time (median of {len(bot.looks)}), process "
            f"{bot.peak / 2**20:.1f} MiB at most, {traced_ / 2**20:.1f} MiB of it for one card; "
            f"{last['returned']:,} returned, {last['read']:,} read, {last['groups']} groups, card {last['card']:,} bytes"
            f"{', ' + last['missing'] if last['missing'] else ''}"
        )
    return notes


@asynccontextmanager
async def _workspaces() -> AsyncIterator[str]:
    workspaces = Workspaces(SIZES)
    runner = web.AppRunner(workspaces.app(), shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, LOOPBACK, 0)
    await site.start()
    try:
        yield f"http://{LOOPBACK}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
        workspaces.close()


@asynccontextmanager
async def _bot(url: str, path: str) -> AsyncIterator[Bot]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bench.growth_bot",
        url,
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield Bot(process=process, path=path)
    finally:
        assert process.stdin
        process.stdin.close()
        async with asyncio.timeout(10):
            await process.wait()
