from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bot.ports import Store
from bot.store import open_store
from tests.api.commands.conftest import Command
from tests.contracts.steps import an_incident, fired


def rules(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as file:
        return [rule for (rule,) in file.execute("SELECT rule FROM incidents ORDER BY number")]


async def alerts(store: Store, count: int, first: int = 0) -> None:
    for n in range(first, first + count):
        await an_incident(store, fired(f"a{n}", rule=f"r{n}"))


async def test_a_backup_has_what_was_committed_before_it_while_the_bot_goes_on(
    tmp_path: Path, command: Command
) -> None:
    url, copy = f"sqlite:///{tmp_path}/auditor.db", tmp_path / "auditor.db.monday.backup"
    async with open_store(url) as store:
        await alerts(store, 3)
        told = await command(url, "backup", str(copy))
        assert (told.code, told.err) == (0, "")
        assert told.out == f"{tmp_path}/auditor.db was copied to {copy}, and the copy is sound.\n"
        await alerts(store, 1, first=3)
    assert rules(copy) == ["r0", "r1", "r2"]
    assert copy.stat().st_mode & 0o777 == 0o600
    # One file, and nothing of the way there.
    assert {file.name for file in tmp_path.iterdir()} == {"auditor.db", "auditor.db.lock", copy.name}
    async with open_store(f"sqlite:///{copy}") as store:
        await alerts(store, 1, first=3)


async def test_a_backup_takes_the_place_of_nothing(tmp_path: Path, command: Command) -> None:
    url, copy = f"sqlite:///{tmp_path}/auditor.db", tmp_path / "copy"
    async with open_store(url):
        copy.write_text("something dear")
        told = await command(url, "backup", str(copy))
        assert (told.code, told.out) == (1, "")
        assert (
            told.err == f"No backup was made: {copy} exists already; a backup takes the place of nothing.\n"
        )
    assert copy.read_text() == "something dear"


@pytest.mark.parametrize("place", ["no/such/folder/copy", "a-file/copy"])
async def test_where_no_file_can_be_made_it_says_so_in_one_sentence(
    tmp_path: Path, command: Command, place: str
) -> None:
    (tmp_path / "a-file").touch()
    async with open_store(f"sqlite:///{tmp_path}/auditor.db"):
        told = await command(f"sqlite:///{tmp_path}/auditor.db", "backup", str(tmp_path / place))
    assert (told.code, told.out) == (1, "")
    assert told.err.startswith("No backup was made: ")
    assert told.err.count("\n") == 1


async def test_of_a_damaged_file_no_backup_is_made(tmp_path: Path, command: Command) -> None:
    path = tmp_path / "auditor.db"
    async with open_store(f"sqlite:///{path}") as store:
        await alerts(store, 20)
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(b"\xff" * 16384)
    told = await command(f"sqlite:///{path}", "backup", str(tmp_path / "copy"))
    assert (told.code, told.out) == (1, "")
    assert told.err.startswith("No backup was made: ")
    assert "malformed" in told.err or "the copy is damaged" in told.err
    assert list(tmp_path.glob("copy*")) == []


async def test_where_there_is_no_database_there_is_nothing_to_copy(tmp_path: Path, command: Command) -> None:
    told = await command(f"sqlite:///{tmp_path}/auditor.db", "backup", str(tmp_path / "copy"))
    assert (told.code, told.err) == (1, f"There is no database at {tmp_path}/auditor.db yet.\n")
    assert list(tmp_path.iterdir()) == []


async def test_for_postgresql_its_own_tool_is_named_with_no_password(command: Command) -> None:
    told = await command("postgresql://u:hunter2@h/d", "backup", "it's a file")
    assert (told.code, told.out) == (1, "")
    assert told.err == (
        "PostgreSQL has its own tool for this: "
        "pg_dump --format=custom --file='it'\"'\"'s a file' postgresql://u@h/d\n"
    )
