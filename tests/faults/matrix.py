"""Everything that the bot stands on, broken in every way that has a meaning: what became of the load, and how soon.

In each cell the bot is loaded with alerts, messages and clicks before, during and after the fault. It holds when the
process lives on without a traceback, nothing is answered with a 5xx other than 503, everything that was answered 202
stands in the channel with its evidence, and the bot is well again soon after the fault has ended.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from http import HTTPStatus
from pathlib import Path

from sqlalchemy import make_url

from sandbox.given import read_files
from tests.faults.stage import ALLOWED, Stage
from tests.faults.troubles import (
    FullDisk,
    InTurns,
    Locked,
    Proxied,
    Stopped,
    Trouble,
    WrongClock,
    mended_at_the_end,
    proxied_fault,
    small_disk,
)
from tests.flows.laptop import MovableClock, laptop, options
from tests.postgres import fresh_database, postgres_server
from tests.proxy import Proxy, Upstream, open_proxy

#: In seconds: what the bot may take to be well again.
BAR = 60.0
#: The beginning of a path of the sandbox -> the part of the outside that it is.
PATHS = {"/login/token": "token", "/login/": "keys", "/workspace/": "workspace", "/teams/": "connector"}


class Part(StrEnum):
    WORKSPACE = "workspace"
    TOKEN = "token"
    KEYS = "keys"
    CONNECTOR = "connector"
    DISK = "disk"
    CLOCK = "clock"
    SQLITE = "database, SQLite"
    POSTGRESQL = "database, PostgreSQL"


class How(StrEnum):
    DOWN = "down"
    SLOW = "slow"
    GARBAGE = "garbage"
    FLAPPING = "flapping"


OUTSIDE = frozenset({Part.WORKSPACE, Part.TOKEN, Part.KEYS, Part.CONNECTOR})
#: What the bot keeps for hours once it has it: it is started anew under the fault.
KEPT = frozenset({Part.TOKEN, Part.KEYS})

WHY_NOT: Mapping[tuple[Part, How], str] = {
    (Part.DISK, How.SLOW): "a slow disk is to the bot a database that is slow: see there",
    (
        Part.DISK,
        How.GARBAGE,
    ): "a damaged file does not mend itself: the bot stays not ready until it is restored",
    (Part.CLOCK, How.DOWN): "a machine has a clock; one that stands still is the slow one",
    (Part.SQLITE, How.GARBAGE): "the same damaged file as of the disk",
}
CELLS = tuple((part, how) for part in Part for how in How if (part, how) not in WHY_NOT)


@dataclass(frozen=True, kw_only=True)
class Timing:
    """All in seconds."""

    #: How long the fault lasts.
    lasting: float = 25.0
    #: How late a slow answer is.
    slow: float = 10.0
    #: How long each turn of flapping is.
    turn: float = 2.0
    #: Between two alerts.
    pause: float = 2.0
    #: After the fault, before it is given up.
    patience: float = BAR * 2


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one cell."""

    part: Part
    how: How
    #: Seconds from the fault's end until an alert that was sent since stands, and a person was answered since.
    well: float | None
    #: Until everything that was taken stands with its evidence.
    settled: float | None
    accepted: int
    #: Answered 503.
    refused: int
    unanswered: int
    doubles: int
    lost: tuple[str, ...]
    #: Sentences about what there must never be.
    wrong: tuple[str, ...]

    @property
    def held(self) -> bool:
        quick = all(span is not None and span <= BAR for span in (self.well, self.settled))
        return quick and not self.lost and not self.wrong and self.accepted > 0

    def __str__(self) -> str:
        times = " / ".join("never" if s is None else f"{s:.1f} s" for s in (self.well, self.settled))
        counts = f"{self.accepted} accepted, {self.refused} x 503, {self.unanswered} unanswered, {self.doubles} twice"
        ugly = [*self.wrong, *(["lost: " + ", ".join(self.lost)] if self.lost else [])]
        return f"{self.part} × {self.how}: well {times} · {counts}" + "".join(
            f"\n    {line}" for line in ugly
        )


async def run_cell(part: Part, how: How, folder: Path, timing: Timing) -> Outcome:
    """Run one cell in an empty folder. Raises NoSmallDisk, or NoPostgres, where this machine cannot."""
    async with _SETUPS[part](how, folder, timing) as (stage, trouble):
        await stage.first_card()
        pid = stage.it.process.pid
        if part in KEPT:
            await stage.it.process.stop()
        async with AsyncExitStack() as during:
            await during.enter_async_context(mended_at_the_end(trouble))
            if part in KEPT:
                await stage.it.process.start()
                pid = stage.it.process.pid
                # Anew, so that turns begin with the first request.
                await trouble.begin()
            async with stage.load():
                await asyncio.sleep(timing.lasting)
                was_ready = await stage.it.is_ready()
                await during.aclose()
                well, settled = await _recovery(stage, timing.patience)
            await _all_stand(stage)
        wrong = [*stage.tally.wrong, *_ugly(stage, pid)]
        if not trouble.met():
            wrong.append("the fault met nothing")
        if part in OUTSIDE and not was_ready:
            wrong.append("not ready, though alerts could be taken in")
        return _outcome(part, how, stage, well, settled, wrong)


async def _recovery(stage: Stage, patience: float) -> tuple[float | None, float | None]:
    """Wait until all is well; return how long that took, and how long until nothing of before was missing."""
    ended = time.perf_counter()
    well = settled = None
    while (passed := time.perf_counter() - ended) < patience and (well is None or settled is None):
        if well is None and stage.is_well_since(ended) and await stage.it.is_ready():
            well = passed
            stage.enough()
        if settled is None and not stage.missing(before=ended):
            settled = passed
        await asyncio.sleep(0.1)
    return well, settled


async def _all_stand(stage: Stage, patience: float = 20.0) -> None:
    """Wait for the last alerts of the load; those that do not come by then are told as lost."""
    ends = time.perf_counter() + patience
    while stage.lost() and time.perf_counter() < ends:
        await asyncio.sleep(0.1)


def _ugly(stage: Stage, pid: int) -> list[str]:
    found = []
    if pid and (not stage.it.process.running or stage.it.process.pid != pid):
        found.append("the process ended")
    log = stage.it.process.log
    said = log.read_text(errors="replace") if log.exists() else ""
    if "Traceback" in said:
        line = next(line for line in said.splitlines() if "Traceback" in line)
        found.append(f"a traceback: {line[:2000]}")
    return found


def _outcome(
    part: Part, how: How, stage: Stage, well: float | None, settled: float | None, wrong: list[str]
) -> Outcome:
    return Outcome(
        part=part,
        how=how,
        well=well,
        settled=settled,
        accepted=len(stage.tally.accepted),
        refused=stage.tally.refused,
        unanswered=stage.tally.unanswered,
        doubles=stage.doubles(),
        lost=tuple(stage.lost()),
        wrong=tuple(dict.fromkeys(wrong)),
    )


# --- how each part is broken -------------------------------------------------------------------------

Cell = tuple[Stage, Trouble]


@asynccontextmanager
async def _outside(part: Part, how: How, folder: Path, timing: Timing) -> AsyncIterator[Cell]:
    proxies: list[Proxy] = []

    @asynccontextmanager
    async def through(port: int) -> AsyncIterator[str]:
        async with open_proxy(Upstream(port=port), PATHS) as proxy:
            proxies.append(proxy)
            yield proxy.url

    async with laptop(folder, own_process=True, through=through) as it:
        seconds = timing.turn if how is How.FLAPPING else timing.slow
        fault = proxied_fault(how.value, seconds)
        yield (
            Stage(it=it, pause=timing.pause),
            Proxied(proxy=lambda: proxies[0], fault=fault, part=part.value),
        )


@asynccontextmanager
async def _disk(how: How, folder: Path, timing: Timing) -> AsyncIterator[Cell]:
    small = folder / "small"
    small.mkdir()
    with small_disk(small):
        disk = FullDisk(folder=small)
        # Full for good, or in turns.
        broken = timing.turn if how is How.FLAPPING else timing.lasting * 10
        trouble = InTurns(hurt=disk.fill, heal=disk.free, broken=broken, mended=timing.turn)
        async with laptop(folder, own_process=True, database_url=f"sqlite:///{small / 'auditor.db'}") as it:
            yield Stage(it=it, pause=timing.pause), trouble


@asynccontextmanager
async def _sqlite(how: How, folder: Path, timing: Timing) -> AsyncIterator[Cell]:
    lock = Locked(database=folder / "auditor.db")
    # Slow: every now and then somebody gets through, after that many seconds.
    broken, mended = {
        How.DOWN: (timing.lasting * 10, 0.0),
        How.SLOW: (timing.slow, 0.2),
        How.FLAPPING: (timing.turn, timing.turn),
    }[how]
    trouble = InTurns(hurt=lock.lock, heal=lock.free, broken=broken, mended=mended)
    async with laptop(folder, own_process=True) as it:
        yield Stage(it=it, pause=timing.pause), trouble


@asynccontextmanager
async def _postgresql(how: How, folder: Path, timing: Timing) -> AsyncIterator[Cell]:
    seconds = timing.turn if how is How.FLAPPING else timing.slow
    async with AsyncExitStack() as opened:
        server = opened.enter_context(postgres_server())
        database = make_url(await opened.enter_async_context(fresh_database(server)))
        proxy = await opened.enter_async_context(open_proxy(_upstream(database.query, database.port)))
        url = database.set(host="127.0.0.1", port=proxy.port, query={}).render_as_string(hide_password=False)
        it = await opened.enter_async_context(laptop(folder, own_process=True, database_url=url))
        trouble = Proxied(proxy=lambda: proxy, fault=proxied_fault(how.value, seconds))
        yield Stage(it=it, pause=timing.pause), trouble


def _upstream(query: Mapping[str, object], port: int | None) -> Upstream:
    """Return where the server listens: its socket, if the URL names the folder of one."""
    folder = query.get("host")
    return Upstream(path=Path(f"{folder}/.s.PGSQL.{port or 5432}")) if folder else Upstream(port=port or 5432)


@asynccontextmanager
async def _clock(how: How, folder: Path, timing: Timing) -> AsyncIterator[Cell]:
    if how is How.SLOW:
        async with laptop(folder, own_process=True) as it:
            process = Stopped(pid=lambda: it.process.pid)
            trouble = InTurns(hurt=process.stop, heal=process.go_on, broken=timing.slow, mended=timing.turn)
            yield Stage(it=it, pause=timing.pause), trouble
        return
    shown = read_files(options()).now
    clock = MovableClock(shown - datetime.now(UTC))  # noqa: TID251 - the same as the sandbox's, until it is moved
    wrong = WrongClock(clock=clock)
    # Garbage: hours ahead, hours behind, and then right.
    broken, mended = (timing.turn, timing.turn) if how is How.FLAPPING else (timing.lasting / 2, 0.0)
    trouble = InTurns(hurt=wrong.put_wrong, heal=wrong.put_right, broken=broken, mended=mended)
    async with laptop(folder, bot_clock=clock) as it:
        # By a clock that is hours off a good token has ended, and an alert of now fired in the future: then the card
        # says so, and nothing is asked.
        allowed = ALLOWED | {HTTPStatus.UNAUTHORIZED}
        yield Stage(it=it, pause=timing.pause, allowed=allowed, with_evidence=False), trouble


Setup = Callable[[How, Path, Timing], AbstractAsyncContextManager[Cell]]
_SETUPS: Mapping[Part, Setup] = {
    **{part: partial(_outside, part) for part in OUTSIDE},
    Part.DISK: _disk,
    Part.CLOCK: _clock,
    Part.SQLITE: _sqlite,
    Part.POSTGRESQL: _postgresql,
}
