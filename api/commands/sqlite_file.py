"""The SQLite file itself: is it whole, how it is copied while in use, and how it is restored."""

from __future__ import annotations

import os
import shlex
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import quote

from bot.store.database import database_url

#: Problems that are told of a damaged file; the first few say enough.
MOST_PROBLEMS = 5
WAIT_SECONDS = 10.0
_OWNER_ONLY = 0o600


def sqlite_path(url: str) -> Path | None:
    """Return the file that the setting names; None for PostgreSQL. Raises Rejected for what is neither."""
    parsed = database_url(url)
    return Path(parsed.database or "") if parsed.get_backend_name() == "sqlite" else None


def problems(path: Path) -> Sequence[str]:
    """Read the whole file and return what is wrong with it, in SQLite's words; empty for a sound one.

    The bot may go on writing meanwhile. https://www.sqlite.org/pragma.html#pragma_integrity_check
    """
    try:
        with closing(_opened(path)) as file:
            return _unsound(file)
    except sqlite3.Error as error:
        return [str(error)]


def copy(path: Path, into: Path) -> None:
    """Copy the database, as it is at one moment, into a new file that only its owner may read; checked when it is there.

    Raises FileExistsError, another OSError, or sqlite3.Error; then `into` is not there. In one step, because each
    write of a running bot would make a copy by steps begin anew: https://www.sqlite.org/backup.html
    """
    if into.exists():
        raise FileExistsError(f"{into} exists already; a backup takes the place of nothing")
    part = into.with_name(into.name + ".part")
    try:
        os.close(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _OWNER_ONLY))
        with closing(_opened(path)) as file, closing(sqlite3.connect(part)) as target:
            file.backup(target)
            # Of one file: what is in WAL mode could not be opened where nothing may be written beside it.
            target.execute("PRAGMA journal_mode=DELETE")
            if told := _unsound(target):
                raise sqlite3.DatabaseError(f"the copy is damaged: {told[0]}")
        os.link(part, into)
    finally:
        with suppress(FileNotFoundError):
            part.unlink()


def restore_commands(path: Path) -> Sequence[str]:
    """Return what to type, line by line, to put a backup in the place of the damaged file; the bot is stopped first."""
    name, old = _quoted(path), _quoted(path.with_name(path.name + ".damaged"))
    backup = newest_backup(path)
    return [
        f"mv {name} {old}",
        f"for f in wal shm; do [ ! -e {name}-$f ] || mv {name}-$f {old}-$f; done",
        f"cp {_quoted(backup) if backup else 'BACKUP'} {name} && chmod 600 {name}",
    ]


def salvage_commands(path: Path) -> Sequence[str]:
    """Return what to type, after the first two of `restore_commands`, where there is no backup.

    https://www.sqlite.org/recovery.html
    """
    name, old = _quoted(path), _quoted(path.with_name(path.name + ".damaged"))
    return [f"sqlite3 {old} .recover | sqlite3 {name} && chmod 600 {name}"]


def newest_backup(path: Path) -> Path | None:
    """Return the newest file beside the database that is named as the documents advise: its name and `*.backup`."""
    with suppress(OSError):
        found = [file for file in path.parent.glob(f"{_literally(path.name)}*.backup") if file.is_file()]
        return max(found, key=lambda file: file.stat().st_mtime, default=None)
    return None


def free_bytes(path: Path) -> int:
    """Return how much room there is beside the file. Raises OSError."""
    return shutil.disk_usage(path.parent).free


def _opened(path: Path) -> sqlite3.Connection:
    """Open for reading alone: a typo in a path must not make an empty database."""
    return sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True, timeout=WAIT_SECONDS)


def _unsound(file: sqlite3.Connection) -> Sequence[str]:
    rows = file.execute(f"PRAGMA integrity_check({MOST_PROBLEMS})").fetchall()
    told = [line for (text,) in rows for line in str(text).splitlines()]
    return [] if told == ["ok"] else told[:MOST_PROBLEMS]


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))


def _literally(name: str) -> str:
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)
