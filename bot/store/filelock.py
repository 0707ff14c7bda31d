"""Keeps a second process off an SQLite file: two workers on one file would undo each other's leases."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.errors import Reason, Unavailable

_OWNER_ONLY = 0o600


@contextmanager
def alone_on(database: Path) -> Iterator[None]:
    """Hold `<database>.lock`; the file itself stays, the lock ends with the process however it ends.

    Also makes the folder and the database file, readable to their owner only: alerts name people.
    Raises Unavailable(Reason.STORE) if another process holds the lock or the files cannot be made.
    """
    lock = database.with_name(database.name + ".lock")
    try:
        database.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _OWNER_ONLY)
    except OSError as error:
        raise Unavailable(Reason.STORE, f"{lock} cannot be opened: {error.strerror}") from error
    try:
        _take(handle, database)
        yield
    finally:
        os.close(handle)


def _take(handle: int, database: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise Unavailable(
            Reason.STORE, f"another process is using {database}; stop it first, or give this one its own file"
        ) from error
    try:
        os.close(os.open(database, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _OWNER_ONLY))
    except OSError as error:
        raise Unavailable(Reason.STORE, f"{database} cannot be opened: {error.strerror}") from error
