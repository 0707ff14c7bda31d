"""Engines and transactions: one way to write and one to read, on either database."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

import asyncpg
from alembic.util import CommandError
from sqlalchemy import URL, event, func, make_url, select
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.errors import Reason, Rejected, Unavailable
from bot.store.codec import digest

#: How long a write waits for a lock that somebody else's tool holds on the SQLite file.
BUSY_MS = 2000
#: How long a caller waits for a free connection; Azure gives a webhook 10 s at least.
#: https://learn.microsoft.com/azure/azure-monitor/alerts/action-groups#webhook
POOL_SECONDS = 5
LONGEST_DETAIL = 200

Result = TypeVar("Result")
Parameters = ParamSpec("Parameters")

_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "postgresql+asyncpg": "postgresql+asyncpg",
}


def database_url(url: str) -> URL:
    """Read the setting. Raises Rejected(Reason.STORE) for what is no SQLite file and no PostgreSQL database."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise Rejected(Reason.STORE, "the database URL cannot be read") from error
    driver = _DRIVERS.get(parsed.drivername)
    if driver is None:
        raise Rejected(Reason.STORE, "the database URL must start with sqlite:/// or postgresql://")
    in_memory = not parsed.database or ":memory:" in parsed.database
    if driver == "sqlite+aiosqlite" and in_memory:
        raise Rejected(Reason.STORE, "the database URL must name a file: what is in memory is lost at a stop")
    parsed = parsed.set(drivername=driver)
    if "sslmode" in parsed.query:
        # libpq's word, which Azure's portal hands out; asyncpg takes the same values under another name.
        parsed = parsed.difference_update_query(["sslmode"]).update_query_dict(
            {"ssl": parsed.query["sslmode"]}
        )
    return parsed


@contextmanager
def store_errors() -> Iterator[None]:
    """Turn whatever SQLAlchemy or a driver raises into Unavailable(Reason.STORE), chained."""
    try:
        yield
    except (
        SQLAlchemyError,
        CommandError,
        sqlite3.Error,
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
        OSError,
    ) as error:
        raise Unavailable(Reason.STORE, _own_words(error)) from error


def _own_words(error: BaseException) -> str:
    # Only the driver's first line: what follows may quote values out of alerts.
    words = str(getattr(error, "orig", None) or error).strip() or type(error).__name__
    return words.splitlines()[0][:LONGEST_DETAIL]


class Database:
    """Transactions on one database."""

    def __init__(self, *, writer: AsyncEngine, reader: AsyncEngine) -> None:
        self._writer = writer
        self._reader = reader
        self._running: set[asyncio.Task[Any]] = set()

    @property
    def dialect(self) -> str:
        """Return "sqlite" or "postgresql"."""
        return self._writer.dialect.name

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """One transaction that is committed at the end. Raises Unavailable(Reason.STORE)."""
        with store_errors():
            async with self._writer.begin() as connection:
                yield connection

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """One transaction for reading alone. Raises Unavailable(Reason.STORE)."""
        with store_errors():
            async with self._reader.connect() as connection:
                yield connection

    async def finish(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Do the work to its end, even if whoever waits for it is cancelled.

        A connection that is cut off in mid-transaction keeps SQLite's write lock until its cursors are collected.
        """
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Wait for what is running, then close every connection."""
        await asyncio.gather(*self._running, return_exceptions=True)
        await self._writer.dispose()
        if self._reader is not self._writer:
            await self._reader.dispose()


class OnDatabase:
    """What the parts of the store have in common."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def database(self) -> Database:
        return self._database


Part = TypeVar("Part", bound=OnDatabase)


def to_the_end(
    method: Callable[Concatenate[Part, Parameters], Coroutine[Any, Any, Result]],
) -> Callable[Concatenate[Part, Parameters], Coroutine[Any, Any, Result]]:
    """Make a method of the store run to its end even if its caller is cancelled."""

    @wraps(method)
    async def run(part: Part, /, *args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        return await part.database.finish(method(part, *args, **kwargs))

    return run


def connect(url: URL) -> Database:
    """Make the engines; nothing is opened yet."""
    if url.get_backend_name() == "sqlite":
        # Several writers would only fight for SQLite's one lock (121 instead of 454 jobs a second): one connection.
        return Database(writer=_sqlite(url, writes=True), reader=_sqlite(url, writes=False))
    engine = create_async_engine(
        url,
        pool_size=10,
        max_overflow=0,
        pool_timeout=POOL_SECONDS,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={"timeout": 5, "command_timeout": 10},
    )
    return Database(writer=engine, reader=engine)


def _sqlite(url: URL, *, writes: bool) -> AsyncEngine:
    engine = create_async_engine(
        url,
        pool_size=1 if writes else 4,
        max_overflow=0,
        pool_timeout=POOL_SECONDS,
        hide_parameters=True,
    )
    begin = "BEGIN IMMEDIATE" if writes else "BEGIN"

    @event.listens_for(engine.sync_engine, "connect")
    def _connected(connection: Any, _record: object) -> None:
        # The driver's own idea of transactions leaves SELECT and DDL out of them: BEGIN is ours.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            f"busy_timeout={BUSY_MS}",
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            f"query_only={'OFF' if writes else 'ON'}",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begun(connection: Any) -> None:
        connection.exec_driver_sql(begin)

    return engine


async def advisory_locks(connection: AsyncConnection, *, shared: str = "", own: tuple[str, ...] = ()) -> None:
    """Hold named locks until the transaction ends; SQLite's one writer needs none.

    They are taken in the order given, the shared one first; deadlocks are kept out by one order for all callers:
    routes, alert, incident.
    """
    if connection.dialect.name != "postgresql":
        return
    calls = [func.pg_advisory_xact_lock_shared(_lock_number(shared))] if shared else []
    calls += [func.pg_advisory_xact_lock(_lock_number(name)) for name in own]
    await connection.execute(select(*calls))


def _lock_number(name: str) -> int:
    return int.from_bytes(bytes.fromhex(digest(name))[:8], signed=True)
