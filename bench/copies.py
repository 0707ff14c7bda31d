"""What stands in Teams against what the bot knows of: the copies that nobody keeps up to date."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from typing import Any

import asyncpg
from sqlalchemy import make_url

from bench.world_process import WorldProcess


async def doubles(world: WorldProcess, url: str) -> Sequence[str]:
    """Return the ids of messages that stand, cards and digests, and that no notification is about."""
    known = {row[0] for row in await rows(url, "SELECT activity_id FROM notifications")}
    return [one["id"] for one in await world.messages() if not one["deleted"] and one["id"] not in known]


async def rows(url: str, sql: str) -> Sequence[Sequence[Any]]:
    """Ask the bot's database, beside the bot."""
    made = make_url(url)
    if made.get_backend_name() == "sqlite":
        with closing(sqlite3.connect(f"file:{made.database}?mode=ro", uri=True)) as connection:
            return connection.execute(sql).fetchall()
    connected = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connected.fetch(sql)]
    finally:
        await connected.close()
