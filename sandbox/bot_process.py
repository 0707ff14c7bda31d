"""The bot as a process of its own, configured for the sandbox by its environment as in production."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import sys
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from sandbox.room import TENANT

ROOT = Path(__file__).resolve().parents[1]
APP_ID = "0f3c6a3e-7d0b-4d52-8a52-5a35c0a3a2d1"
WORKSPACE_ID = "5a1d2f0e-94a7-4f4b-8d3c-2b6d5f1c7e90"
WORKSPACE_RESOURCE = (
    "/subscriptions/{subscription}/resourceGroups/rg-logs"
    "/providers/Microsoft.OperationalInsights/workspaces/sandbox"
)
#: How long the bot may take to be ready, and to stop when asked to.
START_PATIENCE = 20.0
STOP_PATIENCE = 10.0


class BotFailed(Exception):
    """The bot did not start or has ended; the text is what it said, for whoever sits in front of it."""


@dataclass(kw_only=True)
class BotProcess:
    """`python -m api` against the sandbox. Its log lines go to `log`.

    It ends with this process, however that ends: its standard input is a pipe whose other end nobody else holds.
    """

    sandbox_url: str
    port: int
    health_port: int
    clock_offset: float
    #: Resource ids whose audit log the sandbox's workspace holds.
    holds: tuple[str, ...]
    folder: Path
    #: Of its log's file.
    name: str = "bot"
    database_url: str = ""
    time_zone: str = "UTC"
    secret: str = field(default_factory=lambda: secrets.token_hex(32))
    password: str = field(default_factory=lambda: secrets.token_hex(32))
    _process: asyncio.subprocess.Process | None = None
    _leash: int = -1

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    def environment(self) -> dict[str, str]:
        """Return the whole environment: nothing of this shell's own can get in the bot's way."""
        subscription = self.holds[0].split("/")[2] if self.holds else "none"
        workspace = {
            "name": "sandbox",
            "id": WORKSPACE_ID,
            "holds": list(self.holds) or ["/subscriptions/none"],
            "resource_id": WORKSPACE_RESOURCE.format(subscription=subscription),
        }
        return {
            "PYTHONUNBUFFERED": "1",
            "SANDBOX_URL": self.sandbox_url,
            "SANDBOX_CLOCK_OFFSET": repr(self.clock_offset),
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "HEALTH_PORT": str(self.health_port),
            "BOT_APP_ID": APP_ID,
            "BOT_APP_TYPE": "SingleTenant",
            "BOT_TENANT_ID": TENANT,
            "BOT_APP_PASSWORD": self.password,
            "ALERT_WEBHOOK_SECRET": self.secret,
            "DATABASE_URL": self.database_url or f"sqlite:///{self.folder / 'auditor.db'}",
            "TIME_ZONE": self.time_zone,
            "WORKSPACES": json.dumps([workspace]),
        }

    async def start(self) -> None:
        """Start it and wait until it is ready. Raises BotFailed."""
        await self._launch()
        try:
            async with asyncio.timeout(START_PATIENCE):
                while not await self.is_ready():
                    if not self.running:
                        raise BotFailed(f"The bot ended while it started: {self.last_words()}")
                    await asyncio.sleep(0.05)
        except TimeoutError:
            await self.stop()
            raise BotFailed(
                f"The bot was not ready within {START_PATIENCE:.0f} s: {self.last_words()}"
            ) from None

    async def _launch(self) -> None:
        held, leash = os.pipe()
        self._let_go()
        self._leash = leash
        try:
            with self.log.open("ab") as log:
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-m",
                    "api",
                    cwd=ROOT,
                    env=self.environment(),
                    stdin=held,
                    stdout=log,
                    stderr=log,
                    # Ctrl-C in the terminal is for the sandbox, which then stops the bot in its own order.
                    start_new_session=True,
                )
        finally:
            os.close(held)

    def _let_go(self) -> None:
        if self._leash >= 0:
            os.close(self._leash)
        self._leash = -1

    async def is_ready(self) -> bool:
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session,
                session.get(f"http://127.0.0.1:{self.health_port}/readyz") as answer,
            ):
                return answer.status == 200  # noqa: PLR2004
        except (aiohttp.ClientError, TimeoutError):
            return False

    async def wait(self) -> None:
        """Wait for it to end by itself."""
        if self._process is not None:
            await self._process.wait()

    async def stop(self) -> int | None:
        """Ask it to stop and wait; past the patience, end it. Return its exit code."""
        if self._process is None:
            return None
        try:
            async with asyncio.timeout(STOP_PATIENCE):
                if self.running:
                    self._process.terminate()
                return await self._process.wait()
        except TimeoutError:
            self.kill()
            return await self._process.wait()
        finally:
            self._let_go()

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        if self._process is not None and self.running:
            self._process.kill()

    def last_words(self) -> str:
        """Return the last lines of its log as words for people."""
        lines = self.log.read_text(errors="replace").strip().splitlines() if self.log.exists() else []
        return " / ".join(_words(line) for line in lines[-3:])[-600:] or "it said nothing."


def _words(line: str) -> str:
    """Say a log line without its frame: a JSON line's message and fields, any other line as it is."""
    try:
        said = json.loads(line)
    except ValueError:
        return line.strip()
    if not isinstance(said, dict):
        return line.strip()
    fields = {name: value for name, value in said.items() if name not in {"at", "level", "name", "message"}}
    more = ", ".join(f"{name} {value}" for name, value in fields.items() if value not in ("", None))
    return f"{said.get('message', '')}{f' ({more})' if more else ''}"
