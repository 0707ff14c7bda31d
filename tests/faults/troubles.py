"""Ways to break what the bot stands on, and to mend it."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from tests.flows.laptop import MovableClock
from tests.proxy import WELL, Fault, Kind, Proxy

#: How far a clock is put wrong: beyond every lease, wait and token.
FAR = timedelta(hours=3)


class Trouble(Protocol):
    async def begin(self) -> None:
        """Break it."""
        ...

    async def end(self) -> None:
        """Mend it: from now on the bot has to be well again by itself."""
        ...

    def met(self) -> int:
        """Return how often the bot can have noticed."""
        ...


@dataclass(kw_only=True)
class Proxied:
    """The way to a part, through a proxy."""

    proxy: Callable[[], Proxy]
    fault: Fault
    part: str = ""

    async def begin(self) -> None:
        await self.proxy().set(self.fault, self.part)

    async def end(self) -> None:
        await self.proxy().set(WELL, self.part)

    def met(self) -> int:
        # Without parts connections are long, and a closed port counts nothing.
        proxy = self.proxy()
        return proxy.met.get(self.part, 0) if proxy.parts else 1


@dataclass(kw_only=True)
class InTurns:
    """Broken and mended in turns: `broken` seconds, then `mended` seconds."""

    hurt: Callable[[], Awaitable[None]]
    heal: Callable[[], Awaitable[None]]
    broken: float
    mended: float
    _turns: int = 0
    _task: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        await self.hurt()
        self._turns = 1
        self._task = asyncio.create_task(self._go_on())

    async def end(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await self.heal()

    def met(self) -> int:
        return self._turns

    async def _go_on(self) -> None:
        while True:
            await asyncio.sleep(self.broken)
            await self.heal()
            await asyncio.sleep(self.mended)
            await self.hurt()
            self._turns += 1


# --- the disk ----------------------------------------------------------------------------------------


class NoSmallDisk(Exception):
    """None can be mounted on this machine; one sentence."""


@contextmanager
def small_disk(folder: Path, megabytes: int = 4) -> Iterator[Path]:
    """Mount a file system of that size on the folder. Raises NoSmallDisk."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0700", "tmpfs", str(folder)]
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True)
    except OSError as problem:
        raise NoSmallDisk(f"no small disk can be mounted here: {problem.strerror}") from None
    if done.returncode:
        raise NoSmallDisk(f"no small disk can be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=False)


@dataclass(frozen=True, kw_only=True)
class FullDisk:
    """A disk on which there is no byte left."""

    folder: Path

    @property
    def _filler(self) -> Path:
        return self.folder / "filler"

    async def fill(self) -> None:
        with suppress(OSError), self._filler.open("wb", buffering=0) as filler:
            while filler.write(b"\0" * 4096):
                pass

    async def free(self) -> None:
        self._filler.unlink(missing_ok=True)


# --- a SQLite file -----------------------------------------------------------------------------------


@dataclass(kw_only=True)
class Locked:
    """Somebody else's tool holds the file's one write lock."""

    database: Path
    _held: sqlite3.Connection | None = None

    async def lock(self) -> None:
        self._held = await asyncio.to_thread(self._locked)

    async def free(self) -> None:
        if self._held is not None:
            with closing(self._held):
                self._held.rollback()
            self._held = None

    def _locked(self) -> sqlite3.Connection:
        held = sqlite3.connect(self.database, timeout=30, isolation_level=None, check_same_thread=False)
        held.execute("begin immediate")
        return held


# --- time --------------------------------------------------------------------------------------------


@dataclass(kw_only=True)
class WrongClock:
    """The machine's clock is put wrong, by `amounts` in turn."""

    clock: MovableClock
    amounts: tuple[timedelta, ...] = (FAR, -FAR)
    _wrong_by: timedelta = timedelta()
    _next: int = 0

    async def put_wrong(self) -> None:
        self._move(self.amounts[self._next % len(self.amounts)])
        self._next += 1

    async def put_right(self) -> None:
        self._move(timedelta())

    def _move(self, to: timedelta) -> None:
        self.clock.offset += to - self._wrong_by
        self._wrong_by = to


@dataclass(kw_only=True)
class Stopped:
    """The process stands still: for it the clock jumps."""

    pid: Callable[[], int]
    _stopped: list[int] = field(default_factory=list)

    async def stop(self) -> None:
        self._stopped.append(self.pid())
        os.kill(self._stopped[-1], signal.SIGSTOP)

    async def go_on(self) -> None:
        while self._stopped:
            os.kill(self._stopped.pop(), signal.SIGCONT)


def proxied_fault(trouble: str, seconds: float) -> Fault:
    """Return the proxy's fault of that name of a trouble; `seconds` late, or at a time."""
    return Fault(kind=Kind(trouble), seconds=seconds)


@asynccontextmanager
async def mended_at_the_end(trouble: Trouble) -> AsyncIterator[None]:
    """Break it, and mend it whatever happens."""
    await trouble.begin()
    try:
        yield
    finally:
        await trouble.end()
