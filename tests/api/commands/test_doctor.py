from __future__ import annotations

import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from api.commands import main
from api.commands.backup import for_people
from bot.store import open_store
from tests.api.commands.conftest import Command
from tests.contracts.steps import an_incident


async def test_of_a_sound_database_it_says_so_while_the_bot_runs(url: str, command: Command) -> None:
    async with open_store(url) as store:
        await an_incident(store)
        told = await command(url, "doctor")
    assert (told.code, told.err) == (0, "")
    assert "WRONG" not in told.out
    assert "ok     database: can be read and written; " in told.out


async def test_as_json_each_check_has_its_result(tmp_path: Path, command: Command) -> None:
    url = f"sqlite:///{tmp_path}/auditor.db"
    async with open_store(url):
        told = await command(url, "doctor", "--json")
    assert told.json["ok"]
    assert [check["name"] for check in told.json["checks"]] == ["settings", "room", "file", "database"]
    assert all(check["ok"] and check["said"] and check["todo"] == [] for check in told.json["checks"])


async def test_before_the_first_start_nothing_is_wrong_and_nothing_is_made(
    tmp_path: Path, command: Command
) -> None:
    told = await command(f"sqlite:///{tmp_path}/auditor.db", "doctor")
    assert told.code == 0
    assert "is not there yet" in told.out
    assert list(tmp_path.iterdir()) == []


def test_bad_settings_are_told_one_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"], {"PORT": "x", "ALERT_WEBHOOK_SECRET": "hunter2"}) == 1
    told = capsys.readouterr().out
    assert "WRONG  settings: PORT must be a port from 1 to 65535." in told
    assert "hunter2" not in told


async def test_a_database_that_cannot_be_reached_is_told_without_its_password(command: Command) -> None:
    told = await command("postgresql://u:hunter2@127.0.0.1:1/d", "doctor")
    assert told.code == 1
    assert "WRONG  database: cannot be used: " in told.out
    assert "hunter2" not in told.out + told.err


async def test_a_file_that_another_tool_has_locked_can_be_read_but_not_written(
    tmp_path: Path, command: Command
) -> None:
    path = tmp_path / "auditor.db"
    async with open_store(f"sqlite:///{path}"):
        pass
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        told = await command(f"sqlite:///{path}", "doctor")
    assert told.code == 1
    assert f"ok     file: {path} is sound." in told.out
    assert "WRONG  database: cannot be used: database is locked." in told.out


@pytest.mark.parametrize("name", ["auditor.db", "it's [our] database*.db"])
async def test_of_a_damaged_file_the_restore_commands_name_this_file_and_its_newest_backup(
    tmp_path: Path, command: Command, name: str
) -> None:
    path, url = tmp_path / name, f"sqlite:///{tmp_path / name}"
    async with open_store(url) as store:
        incident = await an_incident(store)
        backup = path.with_name(f"{name}.backup")
        assert (await command(url, "backup", str(backup))).code == 0
    damage(path)
    told = await command(url, "doctor", "--json")
    assert told.code == 1
    (wrong,) = [check for check in told.json["checks"] if check["todo"]]
    assert wrong["said"].startswith(f"{path} is damaged: ")
    assert wrong["todo"][0] == "Stop the bot, then type:"
    lines = [line.strip() for line in wrong["todo"] if line.startswith("  ")]
    assert len(lines) == 3
    for line in lines:
        subprocess.run(["/bin/sh", "-ec", line], check=True, cwd="/")
    assert path.with_name(f"{name}.damaged").exists()
    assert path.stat().st_mode & 0o777 == 0o600
    assert (await command(url, "doctor")).code == 0
    async with open_store(url) as store:
        assert await store.dossier(incident.key) is not None


async def test_without_a_backup_it_names_how_to_save_what_can_be_read(
    tmp_path: Path, command: Command
) -> None:
    path = tmp_path / "auditor.db"
    async with open_store(f"sqlite:///{path}"):
        pass
    damage(path)
    told = await command(f"sqlite:///{path}", "doctor")
    assert told.code == 1
    assert f"           cp BACKUP {path} && chmod 600 {path}\n" in told.out
    assert f"sqlite3 {path}.damaged .recover | sqlite3 {path} && chmod 600 {path}" in told.out


def damage(path: Path) -> None:
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:hunter2@h:5433/d", "postgresql://u@h:5433/d"),
        ("postgresql+asyncpg://u:hunter2@h/d", "postgresql://u@h/d"),
        ("postgres://u:hunter2@h/d?sslmode=require", "postgresql://u@h/d?sslmode=require"),
    ],
)
def test_what_is_typed_for_postgresql_has_no_password_and_speaks_libpqs_language(
    url: str, shown: str
) -> None:
    assert for_people(url) == shown
