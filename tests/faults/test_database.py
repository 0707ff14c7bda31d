"""Faults of the SQLite file under the running bot: 503 and not ready, never a 202 without a commit, then well again."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from api.app import PARTS, make_app, make_health_app
from api.commands import main
from api.settings import Settings
from bot.store.database import Sqlite
from bot.store.store import SqlStore
from tests.api.test_process import a_bot, ended
from tests.samples import sample

SAMPLE = json.loads(sample("alerts/coredns-changed.json").read_bytes())
Client = TestClient[web.Request, web.Application]


@dataclass(kw_only=True)
class Bot:
    """The real application on its two ports; nobody answers where the sandbox should be."""

    public: Client
    health: Client
    secret: str
    database: Sqlite
    #: Ids of the alerts that were answered 202.
    accepted: list[str] = field(default_factory=list)
    _sent: int = 0

    async def post(self, filling: str = "") -> int:
        """Post an alert that nobody has seen before; return the status."""
        self._sent += 1
        essentials = SAMPLE["data"]["essentials"]
        name = f"{essentials['alertId']}-{self._sent}"
        body = json.loads(json.dumps(SAMPLE))
        body["data"]["essentials"] |= {
            "alertId": name,
            "alertRule": f"rule {self._sent}",
            "description": filling,
        }
        headers = {"Authorization": aiohttp.encode_basic_auth("azure", self.secret)}
        async with self.public.post("/api/alerts", json=body, headers=headers) as answer:
            if answer.status == 202:
                self.accepted.append(name)
            return answer.status

    async def ready(self) -> tuple[int, str]:
        async with self.health.get("/readyz") as answer:
            return answer.status, (await answer.json())["status"]

    async def metric(self, name: str) -> str:
        async with self.health.get("/metrics") as answer:
            lines = (await answer.text()).splitlines()
        return next(line.removeprefix(f"{name} ") for line in lines if line.startswith(f"{name} "))

    async def pragma(self, pragma: str) -> None:
        """Run it on the one connection that writes, outside of any transaction: with query_only none could begin."""

        def run() -> None:
            with closing(self.database._writer.raw_connection()) as pooled:
                pooled.cursor().execute(f"PRAGMA {pragma}")

        await asyncio.get_running_loop().run_in_executor(self.database._writing, run)


AWAY = (503, "the store does not answer")
READY = (200, "ready")


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Bot]:
    environ = a_bot(folder).environment()
    app = make_app(Settings.from_environ(environ))
    async with TestClient(TestServer(app)) as public, TestClient(TestServer(make_health_app(app))) as health:
        store = app[PARTS].store
        assert isinstance(store, SqlStore)
        assert isinstance(store.database, Sqlite)
        yield Bot(
            public=public, health=health, secret=environ["ALERT_WEBHOOK_SECRET"], database=store.database
        )


def stored(path: Path) -> set[str]:
    """Return the ids of the alerts that are in the file, read by nobody's code but SQLite's."""
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        bodies = [json.loads(body) for (body,) in file.execute("SELECT body FROM alerts")]
    return {body["data"]["essentials"]["alertId"] for body in bodies}


@contextmanager
def small_disk(folder: Path, kibibytes: int) -> Iterator[Path]:
    """A file system of its own; skips the test where none may be mounted."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={kibibytes}k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or shutil.which("mount") is None or subprocess.run(mount, check=False).returncode:
        pytest.skip("no file system may be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


async def holds_through_a_fault(bot: Bot) -> None:
    """The fault is there now: alerts are refused and the bot is away, and it knows nothing to be damaged."""
    assert await bot.post("x" * 100_000) == 503
    assert await bot.ready() == AWAY
    assert await bot.post() == 503


async def is_well_again(bot: Bot, path: Path) -> None:
    """The fault has ended: nothing has to be done, and what was answered 202 is in the file, no more and no less."""
    assert await bot.ready() == READY
    assert await bot.post() == 202
    assert await bot.metric("auditor_store_up") == "1.0"
    assert stored(path) == set(bot.accepted)


async def test_a_full_disk(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 4096) as disk:
        async with running(disk) as bot:
            assert await bot.post() == 202
            fill(disk / "other-data")
            while await bot.post("x" * 100_000) == 202:
                pass
            await holds_through_a_fault(bot)
            (disk / "other-data").unlink()
            await is_well_again(bot, disk / "auditor.db")
            assert float(await bot.metric('auditor_alerts_total{result="not stored"}')) >= 3


def fill(file: Path) -> None:
    """Take all the room that is left."""
    with file.open("wb", buffering=0) as handle:
        try:
            while True:
                handle.write(b"\x00" * 4096)
        except OSError:
            return


async def test_a_file_that_may_not_grow(tmp_path: Path) -> None:
    async with running(tmp_path) as bot:
        assert await bot.post() == 202
        await bot.pragma("max_page_count=1")
        while await bot.post("x" * 100_000) == 202:
            pass
        assert await bot.post("x" * 100_000) == 503
        await bot.pragma("max_page_count=100000")
        await is_well_again(bot, tmp_path / "auditor.db")


async def test_a_file_that_may_not_be_written(tmp_path: Path) -> None:
    async with running(tmp_path) as bot:
        assert await bot.post() == 202
        await bot.pragma("query_only=ON")
        await holds_through_a_fault(bot)
        assert await bot.metric("auditor_store_up") == "1.0"
        await bot.pragma("query_only=OFF")
        await is_well_again(bot, tmp_path / "auditor.db")


async def test_a_file_that_another_tool_has_locked(tmp_path: Path) -> None:
    async with running(tmp_path) as bot:
        assert await bot.post() == 202
        with closing(
            sqlite3.connect(tmp_path / "auditor.db", isolation_level=None, check_same_thread=False)
        ) as other:
            # In a thread: the bot, which may be writing at this moment, needs the loop to come to an end with it.
            await asyncio.to_thread(other.execute, "BEGIN IMMEDIATE")
            await holds_through_a_fault(bot)
            other.execute("ROLLBACK")
        await is_well_again(bot, tmp_path / "auditor.db")


@pytest.mark.demo
async def test_a_disk_that_may_not_be_written_ends_a_start_with_one_sentence(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 4096) as disk:
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        told = await ended(a_bot(disk).environment())
        assert (told.code, told.said.count("\n")) == (1, 1)
        assert told.said.startswith("The database cannot be opened: ")
        assert "Read-only file system" in told.said


# --- damage ------------------------------------------------------------------------------------------------


async def some_alerts(folder: Path) -> set[str]:
    """Make a database with so much in it that no connection keeps it all in memory."""
    async with running(folder) as bot:
        for _ in range(30):
            assert await bot.post("x" * 150_000) == 202
        return set(bot.accepted)


def damage(path: Path) -> None:
    """Overwrite most of the file, as a broken disk or a careless copy does; its head stays."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))


async def test_a_file_that_is_damaged_stays_not_ready_until_it_is_restored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = await some_alerts(tmp_path)
    path = tmp_path / "auditor.db"
    environ = a_bot(tmp_path).environment()
    backup = tmp_path / "auditor.db.monday.backup"
    assert await asyncio.to_thread(main, ["backup", str(backup)], environ) == 0
    async with running(tmp_path) as bot:
        sound = path.read_bytes()
        damage(path)
        while await bot.post("x" * 150_000) == 202:
            pass
        assert await bot.ready() == (503, "the store is damaged")
        path.write_bytes(sound)
        assert await bot.ready() == (503, "the store is damaged")
        damage(path)
    capsys.readouterr()
    assert await asyncio.to_thread(main, ["doctor"], environ) == 1
    told = capsys.readouterr().out
    assert f"WRONG  file: {path} is damaged: " in told
    for line in commands(told):
        subprocess.run(["/bin/sh", "-ec", line], check=True, cwd="/")
    assert await asyncio.to_thread(main, ["doctor"], environ) == 0
    async with running(tmp_path) as bot:
        assert await bot.ready() == READY
        assert await bot.post() == 202
    assert before <= stored(path)


def commands(told: str) -> list[str]:
    """Return what doctor says is to be typed: the lines that stand in further than the sentences round them."""
    return [line.strip() for line in told.splitlines() if line.startswith(" " * 11)]


async def test_without_a_backup_what_can_be_read_is_saved(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await some_alerts(tmp_path)
    path = tmp_path / "auditor.db"
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(b"\xff" * 8192)
    environ = a_bot(tmp_path).environment()
    assert await asyncio.to_thread(main, ["doctor"], environ) == 1
    told: Any = commands(capsys.readouterr().out)
    assert told[-2].startswith("cp BACKUP ")
    assert told[-1] == f"sqlite3 {path}.damaged .recover | sqlite3 {path} && chmod 600 {path}"
