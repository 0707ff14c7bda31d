"""What holds for the SQLite file alone: its lock, its rights, its faults, and a process that dies on it."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection

from bot.errors import Reason, Unavailable
from bot.store.database import Database, connect, database_url
from bot.store.store import SqlStore, open_store
from tests.contracts.steps import GENERAL, an_incident, deliver, fired
from tests.fakes import NOW

ROOT = Path(__file__).parents[2]

#: Holds the store open, with a card in hand, until it is killed.
HOLDER = """
import asyncio, sys
from bot.store.database import Database, connect, database_url
from bot.store.store import SqlStore, open_store
from tests.contracts.steps import a_subscription, an_incident, look_taken, the_notification

async def hold():
    async with open_store(sys.argv[1]) as store:
        await a_subscription(store)
        await an_incident(store)
        await look_taken(store)
        await the_notification(store)
        print("holding", flush=True)
        await asyncio.sleep(60)

asyncio.run(hold())
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "var" / "auditor.db"


async def _refused(url: str) -> Unavailable:
    with pytest.raises(Unavailable) as failure:
        async with open_store(url):
            pytest.fail("opened")
    assert failure.value.reason is Reason.STORE
    assert "\n" not in failure.value.detail
    return failure.value


async def test_a_second_process_is_refused_and_the_next_one_takes_over_after_a_kill(path: Path) -> None:
    url = f"sqlite:///{path}"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, url], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "holding\n"
        refusal = await _refused(url)
        assert refusal.detail.startswith(f"another process is using {path}")
        holder.send_signal(signal.SIGKILL)
    async with open_store(url) as store:
        assert await store.claim_notifications("w1", NOW, 10) == []
        assert await store.release(None) == 1
        (again,) = await store.claim_notifications("w1", NOW, 10)
        assert (again.attempt, again.conversation, again.activity_id) == (2, GENERAL, "")


async def test_only_the_owner_may_read_the_database(path: Path) -> None:
    async with open_store(f"sqlite:///{path}") as store:
        await an_incident(store)
        files = sorted(path.parent.iterdir())
        assert [f.name for f in files] == [
            "auditor.db",
            "auditor.db-shm",
            "auditor.db-wal",
            "auditor.db.lock",
        ]
        assert {f.stat().st_mode & 0o777 for f in files} == {0o600}


async def test_the_file_is_kept_in_wal_and_every_commit_reaches_the_disk(path: Path) -> None:
    async with open_store(f"sqlite:///{path}"):
        pass
    database = connect(database_url(f"sqlite:///{path}"))
    for transact in (database.write, database.read):
        for pragma, value in (("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1)):
            assert await transact(partial(_asked, f"PRAGMA {pragma}")) == value
    await database.close()


def _asked(pragma: str, connection: Connection) -> object:
    return connection.exec_driver_sql(pragma).scalar()


async def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"not a database, but long enough to look at" * 100)
    await _refused(f"sqlite:///{path}")


async def test_a_folder_in_the_files_place_is_refused(path: Path) -> None:
    path.mkdir(parents=True)
    await _refused(f"sqlite:///{path}")


async def test_a_path_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    await _refused(f"sqlite:///{tmp_path}/file/auditor.db")


async def test_while_another_tool_holds_the_write_lock_reads_work_and_writes_are_unavailable(
    path: Path,
) -> None:
    async with open_store(f"sqlite:///{path}") as store:
        incident = await an_incident(store)
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        assert await store.dossier(incident.key) is not None
        with pytest.raises(Unavailable) as failure:
            await store.ping()
        assert failure.value.reason is Reason.STORE
        other.execute("ROLLBACK")
        other.close()
        await store.ping()


async def test_a_full_database_is_unavailable_and_well_again_when_there_is_room(path: Path) -> None:
    url = f"sqlite:///{path}"
    async with open_store(url):
        pass
    database = connect(database_url(url))
    store = SqlStore(database)
    await _limit_pages(database, 60)
    stored = 0
    with pytest.raises(Unavailable) as failure:
        for n in range(1000):
            await deliver(store, fired(f"a{n}", rule=f"r{n}"))
            stored += 1
    assert failure.value.reason is Reason.STORE
    assert "full" in failure.value.detail
    await _limit_pages(database, 10_000)
    recorded = await deliver(store, fired(f"a{stored}", rule=f"r{stored}"))
    assert not recorded.repeated
    assert recorded.incident is not None
    assert recorded.incident.number == stored + 1
    await database.close()


async def _limit_pages(database: Database, pages: int) -> None:
    limit = f"PRAGMA max_page_count={pages}"
    await database.write(lambda connection: connection.exec_driver_sql(limit).close())


async def test_a_damaged_file_is_unavailable_and_never_a_success(path: Path) -> None:
    async with open_store(f"sqlite:///{path}") as store:
        await deliver(store, fired())
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))
    with pytest.raises(Unavailable) as failure:
        async with open_store(f"sqlite:///{path}") as store:
            await deliver(store, fired("a2"))
    assert failure.value.reason is Reason.STORE
