"""python -m bench.floor --port N --database FILE: the least that a webhook can do and keep its word.

Bare aiohttp: read the body, parse it, write one row in a group commit with synchronous=FULL, answer 202.
"""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing

import orjson
from aiohttp import web

from api.leash import end_with_parent
from bench.world import LOOPBACK


class Journal:
    """One table, one writer. Whoever waits for the disk goes into the next group together."""

    def __init__(self, file: str) -> None:
        self._connection = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=FULL")
        self._connection.execute("CREATE TABLE alert (id INTEGER PRIMARY KEY, key TEXT, body BLOB)")
        self._waiting: list[tuple[tuple[str, bytes], asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def keep(self, key: str, body: bytes) -> None:
        """Return once the row is on the disk."""
        kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(((key, body), kept))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        await kept

    def close(self) -> None:
        self._connection.close()

    async def _write(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting, []
            await asyncio.to_thread(self._commit, [row for row, _ in group])
            for _, kept in group:
                kept.set_result(None)

    def _commit(self, rows: Sequence[tuple[str, bytes]]) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany("INSERT INTO alert (key, body) VALUES (?, ?)", rows)
        self._connection.execute("COMMIT")


async def serve(port: int, file: str) -> None:
    """Answer until the process that started us ends."""
    stop = asyncio.Event()
    end_with_parent(stop.set)
    with closing(Journal(file)) as journal:

        async def accept(request: web.Request) -> web.Response:
            body = await request.read()
            alert = orjson.loads(body)
            await journal.keep(alert["data"]["essentials"]["alertId"], body)
            return web.json_response({"kept": True}, status=202)

        app = web.Application()
        app.router.add_post("/api/alerts", accept)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        try:
            await web.TCPSite(runner, LOOPBACK, port, backlog=1024).start()
            await stop.wait()
        finally:
            await runner.cleanup()


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m bench.floor", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--database", required=True, help="an SQLite file that is not there yet")
    told = parser.parse_args(arguments)
    asyncio.run(serve(told.port, told.database))


if __name__ == "__main__":
    main()
