"""What `python -m api` can be told to do: without a word the server, else one of the commands for whoever runs it."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime

from api.clocks import SystemClock
from api.commands.backlog import backlog, drop, retry
from api.commands.backup import backup
from api.commands.doctor import doctor
from api.commands.ledger import ledger
from api.commands.sqlite_file import sqlite_path
from api.commands.terminal import clean, complain
from api.settings import BadSettings, Settings
from bot.errors import OutsideError
from bot.ports import Clock, Store
from bot.store import open_store

#: Exit codes. 1: it could not be done, or something is wrong; 2: the command or the settings cannot be understood.
FAILED, MISUNDERSTOOD = 1, 2
LONGEST_REASON = 200

OnStore = Callable[[Store, argparse.Namespace, datetime], Awaitable[int]]
_ON_STORE: Mapping[str, OnStore] = {"backlog": backlog, "retry": retry, "drop": drop, "ledger": ledger}


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Do what the command line says, with settings out of `environ`; return the exit code."""
    asked = _parser().parse_args(arguments)
    if asked.command == "doctor":
        return doctor(environ, as_json=asked.json)
    try:
        settings = Settings.from_environ(environ)
    except BadSettings as bad:
        complain(*bad.problems)
        return MISUNDERSTOOD
    if asked.command is None:
        # Imported here: the server's libraries take a second that a command at a terminal does not need.
        from api.commands.serve import run  # noqa: PLC0415

        return run(settings)
    url = settings.database_url.reveal()
    if asked.command == "backup":
        return backup(url, asked.file)
    clock = SystemClock(settings.sandbox.clock_offset) if settings.sandbox else SystemClock()
    return asyncio.run(_on_store(_ON_STORE[asked.command], url, asked, clock))


async def _on_store(command: OnStore, url: str, asked: argparse.Namespace, clock: Clock) -> int:
    """Run a command beside a server that may be running."""
    try:
        path = sqlite_path(url)
        if path is not None and not path.exists():
            complain(f"There is no database at {path} yet; the bot makes it when it starts.")
            return FAILED
        async with open_store(url, beside=True) as store:
            return await command(store, asked, clock.now())
    except OutsideError as failure:
        complain(
            f"The database cannot be used: {clean(failure.detail) or failure.reason}. "
            "`python -m api doctor` says more."
        )
        return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m api",
        description="The bot's server; with a command, what whoever runs it needs. "
        "Settings come from the environment, for the commands too.",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")

    def add(name: str, told: str, *, json: bool = True) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=told, description=told)
        if json:
            command.add_argument("--json", action="store_true", help="answer as JSON")
        return command

    limit = "how many of what was given up to show, newest first; default %(default)s"
    add("backlog", "show what is due and what was given up").add_argument(
        "--limit", type=_positive, default=100, metavar="N", help=limit
    )
    add("retry", "make a dead letter due again").add_argument("id", type=_positive, metavar="ID")
    dropping = add("drop", "take a dead letter off the list")
    dropping.add_argument("id", type=_positive, metavar="ID")
    dropping.add_argument("--reason", type=_reason, required=True, metavar="WHY", help="kept with it")
    reading = add("ledger", "show what people asked and did, newest first")
    limit = "how many lines to show; default %(default)s"
    reading.add_argument("--limit", type=_positive, default=100, metavar="N", help=limit)
    reading.add_argument(
        "--check", action="store_true", help="tell whether all lines are as they were written"
    )
    add("doctor", "check the settings and the database, and say how to mend what is broken")
    add("backup", "copy the database into a new file while the bot runs", json=False).add_argument(
        "file", metavar="FILE"
    )
    return parser


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 0 < int(text) < 2**63):
        raise argparse.ArgumentTypeError("must be a whole number from 1")
    return int(text)


def _reason(text: str) -> str:
    reason = clean(text).strip()
    if not reason or len(reason) > LONGEST_REASON:
        raise argparse.ArgumentTypeError(f"must have 1 to {LONGEST_REASON} characters")
    return reason
