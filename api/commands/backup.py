"""`python -m api backup FILE`: a copy of the database while the bot runs."""

from __future__ import annotations

import shlex
import sqlite3
from pathlib import Path

from sqlalchemy import URL

from api.commands import sqlite_file
from api.commands.terminal import clean, complain, say
from bot.errors import OutsideError
from bot.store.database import database_url


def backup(url: str, file: str) -> int:
    """Copy the SQLite database into `file`, which must be new; return the exit code. For PostgreSQL say how."""
    try:
        path = sqlite_file.sqlite_path(url)
    except OutsideError as failure:
        complain(f"There is nothing to copy: {failure.detail}.")
        return 1
    if path is None:
        dump = f"pg_dump --format=custom --file={shlex.quote(file)} {shlex.quote(for_people(url))}"
        complain(f"PostgreSQL has its own tool for this: {dump}")
        return 1
    if not path.exists():
        complain(f"There is no database at {path} yet.")
        return 1
    try:
        sqlite_file.copy(path, Path(file))
    except (OSError, sqlite3.Error) as error:
        complain(f"No backup was made: {clean(str(error))}.")
        return 1
    say(f"{path} was copied to {file}, and the copy is sound.")
    return 0


def for_people(url: str) -> str:
    """Return a PostgreSQL URL as libpq's tools take it, without its password: they ask for that."""
    parsed = database_url(url)
    options = {("sslmode" if name == "ssl" else name): value for name, value in parsed.query.items()}
    return URL.create(
        "postgresql",
        username=parsed.username,
        host=parsed.host,
        port=parsed.port,
        database=parsed.database,
        query=options,
    ).render_as_string()
