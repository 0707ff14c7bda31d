"""`python -m api backlog | retry | drop`: what is due, what was given up, and what becomes of that."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from api.commands.terminal import complain, moment, say, say_json, span, table
from bot.ports import Backlog, DeadLetter, Load

NOTHING = "Nothing was given up."
ADVICE = (
    "To send one again: python -m api retry ID. To take one off the list: python -m api drop ID --reason WHY."
)


async def backlog(store: Backlog, asked: argparse.Namespace, now: datetime) -> int:
    """Print what is due and what was given up, newest first, at most `asked.limit`; return the exit code."""
    load = await store.load(now)
    dead = await store.dead_letters(asked.limit)
    if asked.json:
        say_json(_as_json(load, dead, now))
        return 0
    say(*_due(load, now), "")
    given_up = sum(kind.failed for kind in load.values())
    if not dead:
        say(NOTHING)
        return 0
    say(*_given_up(dead), "")
    if given_up > len(dead):
        say(f"These are the newest {len(dead)} of {given_up}; --limit shows more.")
    say(ADVICE)
    return 0


async def retry(store: Backlog, asked: argparse.Namespace, now: datetime) -> int:
    """Make a dead letter due again; return the exit code."""
    if not await store.retry(asked.id, now):
        return _unknown(asked.id)
    said = f"Dead letter {asked.id} is due again; a running bot sends it within seconds."
    _answer(asked, said, retried=True)
    return 0


async def drop(store: Backlog, asked: argparse.Namespace, now: datetime) -> int:
    """Take a dead letter off the list and keep why; return the exit code."""
    if not await store.drop(asked.id, asked.reason, now):
        return _unknown(asked.id)
    _answer(asked, f"Dead letter {asked.id} is off the list.", dropped=True)
    return 0


def _answer(asked: argparse.Namespace, sentence: str, **done: bool) -> None:
    if asked.json:
        say_json({"id": asked.id, **done})
    else:
        say(sentence)


def _unknown(id_: int) -> int:
    complain(f"There is no dead letter {id_}; python -m api backlog lists them.")
    return 1


def _due(load: Mapping[str, Load], now: datetime) -> list[str]:
    rows = [
        (
            kind,
            str(of.due),
            str(of.held),
            span(now - of.oldest_due_at) if of.oldest_due_at else "-",
            str(of.failed),
        )
        for kind, of in load.items()
    ]
    return table(("WORK", "DUE", "HELD", "OLDEST DUE FOR", "GIVEN UP"), rows)


def _given_up(dead: Sequence[DeadLetter]) -> list[str]:
    rows = [
        (
            str(letter.id),
            "digest" if letter.number is None else f"#{letter.number}",
            letter.rule,
            letter.conversation_name or letter.conversation_id,
            letter.reason,
            letter.detail,
            str(letter.attempt),
            moment(letter.failed_at),
        )
        for letter in dead
    ]
    return table(("ID", "INCIDENT", "RULE", "CONVERSATION", "REASON", "DETAIL", "TRIES", "GIVEN UP AT"), rows)


def _as_json(load: Mapping[str, Load], dead: Sequence[DeadLetter], now: datetime) -> dict[str, Any]:
    due = {
        kind: asdict(of)
        | {"oldest_due_seconds": (now - of.oldest_due_at).total_seconds() if of.oldest_due_at else None}
        for kind, of in load.items()
    }
    return {"at": now, "work": due, "dead_letters": [asdict(letter) for letter in dead]}
