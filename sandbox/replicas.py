"""The bot's processes behind one address: requests are spread over them as a load balancer does."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from sandbox.bot_process import BotFailed, BotProcess
from sandbox.ports import LOOPBACK

#: Seconds between two looks at how the replicas are.
PAUSE = 0.25


class State(StrEnum):
    STARTING = "starting"
    READY = "ready"
    NOT_READY = "not ready"
    DEAD = "dead"


@dataclass(frozen=True, kw_only=True)
class Replica:
    """One process as the page shows it; `pid` is the last one's where it is dead."""

    number: int
    pid: int
    state: State

    def to_json(self) -> dict[str, str | int]:
        """Return all fields by name."""
        return {"number": self.number, "pid": self.pid, "state": self.state.value}


class Replicas:
    """One bot or several on one database, numbered from 1. They need not run yet."""

    def __init__(self, processes: Sequence[BotProcess]) -> None:
        self._processes = tuple(processes)
        self._starting: dict[int, asyncio.Task[None]] = {}
        self._killed: set[int] = set()
        self._shown: tuple[Replica, ...] = ()
        self._hear: list[Callable[[Sequence[Replica]], None]] = []
        self._tell: Callable[[str], object] = lambda _sentence: None

    @property
    def url(self) -> str:
        """Where all of them are reached through `session()`; no other client knows the name."""
        return "http://bot"

    @property
    def several(self) -> bool:
        return len(self._processes) > 1

    @property
    def processes(self) -> Sequence[BotProcess]:
        return self._processes

    @asynccontextmanager
    async def session(self) -> AsyncIterator[aiohttp.ClientSession]:
        """Open a client for which `url` is the next replica each time, and the one after it where that is away."""
        connector = aiohttp.TCPConnector(
            resolver=_InTurn(self._processes),
            use_dns_cache=False,
            force_close=True,
            happy_eyeballs_delay=None,
        )
        async with aiohttp.ClientSession(connector=connector) as session:
            yield session

    # --- all of them -------------------------------------------------------------------------------

    async def start(self) -> None:
        """Start all and wait until all are ready. Raises BotFailed."""
        await asyncio.gather(*(process.start() for process in self._processes))

    async def is_ready(self) -> bool:
        """Whether every one that runs is ready, and one runs."""
        running = [process for process in self._processes if process.running]
        return bool(running) and all(await asyncio.gather(*(process.is_ready() for process in running)))

    async def wait(self) -> None:
        """Wait until the only one ends by itself; of several each may end, and for ever is waited."""
        if self.several:
            await asyncio.Event().wait()
        await self._processes[0].wait()

    async def stop(self) -> int:
        """Stop those that run; return 0, or the first exit code that is another."""
        for start in self._starting.values():
            start.cancel()
        running = [process for process in self._processes if process.running]
        codes = await asyncio.gather(*(process.stop() for process in running))
        return next((code for code in codes if code), 0)

    def kill(self) -> None:
        """End all at once, as a power cut would."""
        for process in self._processes:
            process.kill()

    def last_words(self) -> str:
        """Return the last lines of each one's log as words for people."""
        if not self.several:
            return self._processes[0].last_words()
        told = (f"replica {n}: {process.last_words()}" for n, process in enumerate(self._processes, 1))
        return " · ".join(told)

    # --- one of them, by number --------------------------------------------------------------------

    async def kill_one(self, number: int) -> bool:
        """End it as a power cut would; False if there is none of that number that runs."""
        process = self._process(number)
        if process is None or not process.running:
            return False
        self._killed.add(process.pid)
        process.kill()
        self._tell(f"Replica {number} was killed (pid {process.pid})")
        await process.wait()
        await self._look()
        return True

    async def start_one(self, number: int) -> bool:
        """Begin to start it, and do not wait; False if there is none of that number, or it runs."""
        process = self._process(number)
        if process is None or process.running or number in self._starting:
            return False
        task = self._starting[number] = asyncio.create_task(self._start(number, process))
        task.add_done_callback(lambda _: self._starting.pop(number, None))
        await self._look()
        return True

    async def _start(self, number: int, process: BotProcess) -> None:
        try:
            await process.start()
        except BotFailed as failed:
            self._tell(f"Replica {number} did not start. {failed}")
        else:
            self._tell(f"Replica {number} is ready (pid {process.pid})")

    def _process(self, number: int) -> BotProcess | None:
        return self._processes[number - 1] if 1 <= number <= len(self._processes) else None

    # --- being watched -----------------------------------------------------------------------------

    @property
    def shown(self) -> Sequence[Replica]:
        """How they are; nothing where there is but one, which needs no choice."""
        return self._shown

    def subscribe(self, hear: Callable[[Sequence[Replica]], None]) -> None:
        """Call `hear` whenever one has changed."""
        self._hear.append(hear)

    @asynccontextmanager
    async def watched(self, tell: Callable[[str], object]) -> AsyncIterator[None]:
        """Look at them all the time; `tell` hears a sentence when one was killed, started, or ended by itself."""
        self._tell = tell
        watching = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching

    async def _watch(self) -> None:
        while self.several:
            await self._look()
            await asyncio.sleep(PAUSE)

    async def _look(self) -> None:
        if not self.several:
            return
        shown = tuple(await asyncio.gather(*(self._seen(n + 1) for n in range(len(self._processes)))))
        if shown == self._shown:
            return
        for before in self._shown:
            now = shown[before.number - 1]
            if before.state is not State.DEAD and now.state is State.DEAD and now.pid not in self._killed:
                self._tell(f"Replica {now.number} has ended (pid {now.pid})")
        self._shown = shown
        for hear in self._hear:
            hear(shown)

    async def _seen(self, number: int) -> Replica:
        process = self._processes[number - 1]
        if number in self._starting:
            state = State.STARTING
        elif not process.running:
            state = State.DEAD
        else:
            state = State.READY if await process.is_ready() else State.NOT_READY
        return Replica(number=number, pid=process.pid, state=state)


class _InTurn(AbstractResolver):
    """Every name is the addresses of all that run, each time beginning with the next one."""

    def __init__(self, processes: Sequence[BotProcess]) -> None:
        self._processes = processes
        self._turn = -1

    async def resolve(
        self,
        host: str,
        port: int = 0,  # noqa: ARG002 - the interface's; each replica has its own
        family: socket.AddressFamily = socket.AF_INET,
    ) -> list[ResolveResult]:
        """Return the addresses in the order in which they are to be tried."""
        self._turn += 1
        # Where none runs, the answer is a refused connection, as it is in front of a dead bot.
        running = [process for process in self._processes if process.running] or list(self._processes)
        first = self._turn % len(running)
        return [
            ResolveResult(
                hostname=host,
                host=LOOPBACK,
                port=process.port,
                family=family,
                proto=socket.IPPROTO_TCP,
                flags=0,
            )
            for process in (*running[first:], *running[:first])
        ]

    async def close(self) -> None:
        """Hold nothing."""
