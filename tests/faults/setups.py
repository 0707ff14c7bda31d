"""How each part of the matrix is set up: the bot on its stage, and what will break it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from pathlib import Path

from sqlalchemy import make_url

from sandbox.given import read_files
from tests.faults.cells import OUTSIDE, How, Part, Timing
from tests.faults.stage import ALLOWED, Stage
from tests.faults.troubles import (
    FullDisk,
    InTurns,
    Locked,
    Proxied,
    Stopped,
    Trouble,
    WrongClock,
    proxied_fault,
    small_disk,
)
from tests.flows.laptop import MovableClock, laptop, options
from tests.postgres import fresh_database, postgres_server
from tests.proxy import Proxy, Upstream, open_proxy

#: The beginning of a path of the sandbox -> the part of the outside that it is.
PATHS = {"/login/token": "token", "/login/": "keys", "/workspace/": "workspace", "/teams/": "connector"}


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
SETUPS: Mapping[Part, Setup] = {
    **{part: partial(_outside, part) for part in OUTSIDE},
    Part.DISK: _disk,
    Part.CLOCK: _clock,
    Part.SQLITE: _sqlite,
    Part.POSTGRESQL: _postgresql,
}
