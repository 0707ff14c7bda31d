"""`python -m api doctor`: is everything here that the bot needs, is the database sound, and if not, what to type."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from api.clocks import SystemClock
from api.commands import sqlite_file
from api.commands.backup import for_people
from api.commands.terminal import clean, say, say_json, span
from api.damage import tells_damage
from api.settings import BadSettings, Settings
from bot.errors import OutsideError
from bot.ports import Load
from bot.store import open_store

#: Less room than that beside the database is told as a fault: a storm of 5,000 alerts takes about half of it.
ROOM = 100 * 1024 * 1024
STOP_FIRST = "Stop the bot, then type:"
NO_BACKUP = "Without a backup, save what can be read: instead of the last line type:"
AFTERWARDS = "Then start the bot: what Azure fired since the backup, it asks Azure Monitor for by itself."


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that was looked at."""

    name: str
    ok: bool
    said: str
    #: What to do about it, line by line.
    todo: Sequence[str] = ()


def doctor(environ: Mapping[str, str], *, as_json: bool) -> int:
    """Check everything and print what was found; return 0, or 1 where something is wrong."""
    checks = list(_checks(environ))
    ok = all(check.ok for check in checks)
    if as_json:
        say_json({"ok": ok, "checks": [asdict(check) for check in checks]})
        return 0 if ok else 1
    for check in checks:
        say(
            f"{'ok    ' if check.ok else 'WRONG '} {check.name}: {check.said}",
            *(f"         {do}" for do in check.todo),
        )
    return 0 if ok else 1


def _checks(environ: Mapping[str, str]) -> Iterator[Check]:
    try:
        settings = Settings.from_environ(environ)
    except BadSettings as bad:
        for problem in bad.problems:
            yield Check(name="settings", ok=False, said=problem)
        return
    yield Check(name="settings", ok=True, said="all can be worked with.")
    url = settings.database_url.reveal()
    try:
        path = sqlite_file.sqlite_path(url)
    except OutsideError as failure:
        yield Check(name="database", ok=False, said=f"{failure.detail}.")
        return
    clock = SystemClock(settings.sandbox.clock_offset) if settings.sandbox else SystemClock()
    if path is not None:
        if not path.exists():
            yield Check(
                name="file", ok=True, said=f"{path} is not there yet; the bot makes it when it starts."
            )
            return
        yield from _file(path)
    yield asyncio.run(_database(url, clock.now()))


def _file(path: Path) -> Iterator[Check]:
    try:
        free = sqlite_file.free_bytes(path)
    except OSError as error:
        yield Check(name="room", ok=False, said=f"cannot be told: {error.strerror}.")
    else:
        said = f"{free // 2**20} MiB are free beside {path}."
        yield Check(name="room", ok=free >= ROOM, said=said if free >= ROOM else f"{said} Make room.")
    wrong = [clean(problem) for problem in sqlite_file.problems(path)]
    if not wrong:
        yield Check(name="file", ok=True, said=f"{path} is sound.")
    elif any("lock" in problem for problem in wrong):
        yield Check(name="file", ok=False, said=f"{path} cannot be read: {wrong[0]}; another tool holds it.")
    else:
        yield Check(name="file", ok=False, said=f"{path} is damaged: {'; '.join(wrong)}", todo=_restore(path))


def _restore(path: Path) -> Sequence[str]:
    lines = [STOP_FIRST, *(f"  {line}" for line in sqlite_file.restore_commands(path))]
    if sqlite_file.newest_backup(path) is None:
        lines += [NO_BACKUP, *(f"  {line}" for line in sqlite_file.salvage_commands(path))]
    return [*lines, AFTERWARDS]


async def _database(url: str, now: datetime) -> Check:
    """Read what is due, and write."""
    try:
        async with open_store(url, beside=True) as store:
            load = await store.load(now)
            await store.ping()
    except OutsideError as failure:
        todo: Sequence[str] = ()
        if sqlite_file.sqlite_path(url) is None and tells_damage(failure):
            restore = f"pg_restore --clean --if-exists --dbname={shlex.quote(for_people(url))} BACKUP"
            todo = [STOP_FIRST, f"  {restore}", AFTERWARDS]
        said = f"cannot be used: {clean(failure.detail) or failure.reason}."
        return Check(name="database", ok=False, said=said, todo=todo)
    return Check(name="database", ok=True, said=f"can be read and written; {_told(load, now)}.")


def _told(load: Mapping[str, Load], now: datetime) -> str:
    due = sum(of.due for of in load.values())
    dead = sum(of.failed for of in load.values())
    oldest = min((of.oldest_due_at for of in load.values() if of.oldest_due_at), default=None)
    since = f", the oldest for {span(now - oldest)}" if oldest else ""
    more = "; python -m api backlog shows them" if dead else ""
    return f"{due} due{since}; {dead} given up{more}"
