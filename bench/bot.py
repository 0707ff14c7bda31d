"""The real bot, `python -m api`, as a process against a world: started, stopped, killed, frozen, measured."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import psutil

from api.clocks import SystemClock
from bench.workspace import CLUSTER
from bench.world import PASSWORD
from bot.ports import Conversation, ConversationKind
from bot.store import open_store
from sandbox.bot_process import ROOT, BotProcess
from sandbox.ports import free_ports
from sandbox.room import TENANT

#: What the action group knows.
SECRET = "bench-" + "fedcba9876543210" * 4
START_PATIENCE = 60.0
STOP_PATIENCE = 30.0


@dataclass(kw_only=True)
class Bot:
    """One replica. Log lines go to `folder`/bot-PORT.log; without `database_url` it keeps an SQLite file there."""

    world_url: str
    folder: Path
    database_url: str = ""
    #: What `python -m` runs: the bot, or an entry of a row's own that takes the same environment.
    module: str = "api"
    arguments: Sequence[str] = ()
    #: Put over the bot's environment.
    more: dict[str, str] = field(default_factory=dict)
    port: int = 0
    health_port: int = 0
    _process: asyncio.subprocess.Process | None = None
    _leash: int = -1

    def __post_init__(self) -> None:
        if not self.port:
            self.port, self.health_port = free_ports(2)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def alerts_url(self) -> str:
        return f"{self.url}/api/alerts"

    @property
    def health_url(self) -> str:
        return f"http://127.0.0.1:{self.health_port}"

    @property
    def log(self) -> Path:
        return self.folder / f"bot-{self.port}.log"

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{self.folder / 'auditor.db'}"

    @property
    def pid(self) -> int:
        """The process id; 0 before the first start."""
        return self._process.pid if self._process else 0

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    def environment(self) -> dict[str, str]:
        """Return the bot's whole environment, as the sandbox makes it."""
        told = BotProcess(
            sandbox_url=self.world_url,
            port=self.port,
            health_port=self.health_port,
            clock_offset=0.0,
            holds=(CLUSTER,),
            folder=self.folder,
            database_url=self.database_url,
            secret=SECRET,
            password=PASSWORD,
        )
        return told.environment() | self.more

    async def start(self, patience: float = START_PATIENCE) -> None:
        """Start it and wait until it is ready. Raises RuntimeError if it ends, TimeoutError if it takes longer."""
        await self.launch()
        async with asyncio.timeout(patience), aiohttp.ClientSession() as session:
            while not await self.is_ready(session):
                if not self.running:
                    raise RuntimeError(f"the bot ended while it started: {self.last_words()}")
                await asyncio.sleep(0.02)

    async def launch(self) -> None:
        """Start it and do not wait."""
        held, leash = os.pipe()
        self._let_go()
        self._leash = leash
        try:
            with self.log.open("ab") as log:
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-m",
                    self.module,
                    *self.arguments,
                    cwd=ROOT,
                    env=self.environment(),
                    stdin=held,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
        finally:
            os.close(held)

    async def is_ready(self, session: aiohttp.ClientSession) -> bool:
        """Ask /readyz once."""
        try:
            async with session.get(
                f"{self.health_url}/readyz", timeout=aiohttp.ClientTimeout(total=2)
            ) as answer:
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False

    async def stop(self, patience: float = STOP_PATIENCE) -> int:
        """Ask it to stop (SIGTERM) and wait; return its exit code. Raises TimeoutError, after ending it, past the patience."""
        if self._process is None:
            return 0
        if self.running:
            self._process.terminate()
        try:
            async with asyncio.timeout(patience):
                return await self._process.wait()
        except TimeoutError:
            await self.kill()
            raise
        finally:
            self._let_go()

    async def kill(self) -> None:
        """End it at once (SIGKILL), as a power cut would."""
        if self._process is not None and self.running:
            self._process.kill()
            await self._process.wait()
        self._let_go()

    def freeze(self) -> None:
        """Stop the process where it is (SIGSTOP)."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen process go on (SIGCONT)."""
        os.kill(self.pid, signal.SIGCONT)

    def memory(self) -> int:
        """Return the resident memory in bytes."""
        return int(psutil.Process(self.pid).memory_info().rss)

    def handles(self) -> int:
        """Return how many file descriptors are open."""
        return int(psutil.Process(self.pid).num_fds())

    def threads(self) -> int:
        """Return how many threads there are."""
        return int(psutil.Process(self.pid).num_threads())

    def last_words(self) -> str:
        """Return the end of its log."""
        return self.log.read_text(errors="replace")[-1500:] if self.log.exists() else "it said nothing"

    def _let_go(self) -> None:
        if self._leash >= 0:
            os.close(self._leash)
        self._leash = -1


@asynccontextmanager
async def running(bot: Bot) -> AsyncIterator[Bot]:
    """Start the bot; at the end stop it, whatever state it is in by then."""
    try:
        await bot.start()
        yield bot
    finally:
        if bot.running:
            bot.thaw()
        await bot.stop()


def conversations(service_url: str, *, tenants: int = 1, each: int = 1) -> list[Conversation]:
    """Return `each` channels in every one of `tenants`; the first tenant is the bot's own."""
    return [
        Conversation(
            id=f"19:bench-{tenant}-{number}@thread.tacv2",
            kind=ConversationKind.CHANNEL,
            service_url=service_url,
            tenant_id=TENANT if tenant == 0 else f"00000000-0000-4000-8000-{tenant:012d}",
            bot_id="28:bench",
            team_id=f"19:bench-team-{tenant}@thread.tacv2",
            name=f"Channel {tenant}-{number}",
        )
        for tenant in range(tenants)
        for number in range(each)
    ]


async def seed(database_url: str, wanted: Sequence[Conversation]) -> None:
    """Make the database, if there is none, and subscribe the conversations. No bot may be using an SQLite file."""
    now = SystemClock().now()
    async with open_store(database_url) as store:
        for conversation in wanted:
            await store.remember(conversation, now)
            await store.subscribe(conversation.id, now)
