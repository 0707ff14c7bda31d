"""`python -m api ledger`: what people asked and did, and whether that is still what was written."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from api.commands.terminal import clean, complain, moment, say, say_json, table
from bot.ports import Entry, Ledger

NOTHING = "Nobody has asked or done anything yet."


async def ledger(store: Ledger, asked: argparse.Namespace, _now: datetime) -> int:
    """Print the newest lines, at most `asked.limit`, or with `asked.check` look at all; return the exit code."""
    if asked.check:
        return await _check(store, as_json=asked.json)
    entries = await store.entries(asked.limit)
    if asked.json:
        say_json({"entries": [asdict(entry) for entry in entries]})
    elif entries:
        say(*_lines(entries))
        if entries[-1].number > 1:
            say("", f"These are the newest {len(entries)}; --limit shows more.")
    else:
        say(NOTHING)
    return 0


async def _check(store: Ledger, *, as_json: bool) -> int:
    # The newest first: what is written while all are looked at is looked at too.
    newest = next(iter(await store.entries(1)), None)
    broken = await store.broken()
    if as_json:
        told = {"number": newest.number, "hash": newest.hash} if newest else None
        say_json({"broken": broken, "newest": told})
    elif broken is not None:
        complain(f"Line {broken} of the ledger is not what was written, or is missing.")
    elif newest is None:
        say(NOTHING)
    else:
        said = (
            f"The ledger is as it was written, up to line {newest.number} with the hash {clean(newest.hash)}."
        )
        say(said)
    return 0 if broken is None else 1


def _lines(entries: Sequence[Entry]) -> list[str]:
    rows = [
        (
            str(entry.number),
            moment(entry.at),
            entry.what,
            entry.by.name or entry.by.id or "-",
            entry.conversation_id or "-",
            entry.about,
            "-" if entry.rows is None else str(entry.rows),
            entry.outcome,
        )
        for entry in entries
    ]
    return table(("LINE", "AT", "WHAT", "BY", "WHERE", "ABOUT", "ROWS", "OUTCOME"), rows)
