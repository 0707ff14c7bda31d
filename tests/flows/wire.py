"""Below the flows: bytes on a socket that no HTTP client would send, and what the bot has kept."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from api.logs import not_the_clients_fault
from tests.flows.laptop import Laptop

#: What must never be in an answer: our own words for our own insides.
INSIDES = re.compile(r"Traceback|File \"|\.py\b|orjson|aiohttp|sqlite|Error\b|Exception|0x[0-9a-f]{6}")
TABLES = ("alerts", "incidents", "evidence", "conversations", "subscriptions", "notifications", "looks")

Rows = dict[str, list[tuple[Any, ...]]]


def kept(database: Path) -> Rows:
    """Return every row of every table that the bot's SQLite file has."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as opened:
        return {table: opened.execute(f"select * from {table} order by 1").fetchall() for table in TABLES}


async def settled(bot: Laptop, patience: float = 10) -> None:
    """Wait until every card stands, is written down, and nobody has work in hand."""
    database = bot.process.folder / "auditor.db"
    query = """select (select count(*) from notifications where state <> 'posted' or owner is not null)
        + (select count(*) from looks where owner is not null)"""
    async with asyncio.timeout(patience):
        while True:
            with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as opened:
                if opened.execute(query).fetchone() == (0,):
                    return
            await asyncio.sleep(0.02)


@contextmanager
def nothing_comes_of_it(bot: Laptop, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Hold that nothing is stored, nothing is said in Teams, and nothing in the log looks like our mistake."""
    database = bot.process.folder / "auditor.db"
    rows, messages = kept(database), [message.to_json() for message in bot.site.room.messages]
    yield
    now = kept(database)
    assert {table: (rows[table], now[table]) for table in TABLES if rows[table] != now[table]} == {}
    assert [message.to_json() for message in bot.site.room.messages] == messages
    seen = [record for record in caplog.records if not_the_clients_fault(record)]
    assert not [record for record in seen if record.levelno >= logging.ERROR or record.exc_info]
    assert bot.process.secret not in caplog.text
    assert "eyJ" not in caplog.text


def is_one_sentence(text: str, reason: str) -> None:
    """Hold that an answer is `{"error": reason}` on one line."""
    assert json.loads(text) == {"error": reason}
    assert "\n" not in text
    assert not INSIDES.search(text)


def basic(user: str | bytes, password: str | bytes) -> str:
    """Return an Authorization header's value, also for what is no UTF-8."""
    both = b":".join(part.encode() if isinstance(part, str) else part for part in (user, password))
    return f"Basic {base64.b64encode(both).decode()}"


async def exchange(port: int, data: bytes, patience: float = 5) -> tuple[int, str]:
    """Send the bytes and return the status and the body of the one answer that comes back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(data)
        async with asyncio.timeout(patience):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = re.search(r"content-length: (\d+)", head, re.IGNORECASE)
            body = await reader.readexactly(int(length[1])) if length else b""
        return int(head.split()[1]), body.decode()
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def break_off(port: int, data: bytes, after: float = 0.05) -> None:
    """Send the bytes, wait, and cut the connection."""
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    await writer.drain()
    await asyncio.sleep(after)
    writer.transport.abort()
    with suppress(ConnectionError):
        await writer.wait_closed()
