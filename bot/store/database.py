"""Engines and transactions: one way to write and one to read, on either database."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

import asyncpg
from alembic.util import CommandError
from sqlalchemy import URL, Connection, Engine, create_engine, event, func, make_url, select
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine

from bot.errors import Reason, Rejected, Unavailable
from bot.store.codec import digest
from bot.store.leases import LEASE

#: How long a write waits for a lock that somebody else's tool holds on the SQLite file.
BUSY_MS = 2000
#: How long a caller waits for a free connection; Azure gives a webhook 10 s at least.
#: https://learn.microsoft.com/azure/azure-monitor/alerts/action-groups#webhook
POOL_SECONDS = 5
LONGEST_DETAIL = 200
#: How long a transaction on PostgreSQL may take in all; each of its statements has ten seconds.
TRANSACTION_SECONDS = 25
#: Threads that read an SQLite file side by side.
READERS = 4
#: deadlock_detected and serialization_failure: https://www.postgresql.org/docs/current/errcodes-appendix.html
DEADLOCKS = frozenset({"40P01", "40001"})
TRIES = 4

Result = TypeVar("Result")
Parameters = ParamSpec("Parameters")

_DRIVERS = {
    "sqlite": "sqlite+pysqlite",
    "sqlite+pysqlite": "sqlite+pysqlite",
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
    if driver == "sqlite+pysqlite" and in_memory:
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


class Database(ABC):
    """Transactions on one database. A transaction is a plain function of a connection.

    So on SQLite it runs in a thread of its own from its first statement to its commit: handing every statement over
    from the event loop was measured several times slower. On PostgreSQL SQLAlchemy runs the same function on asyncpg.
    """

    dialect: str

    def __init__(self, lease: timedelta) -> None:
        #: How long claimed rows are held.
        self.lease = lease
        self._running: set[asyncio.Task[Any]] = set()

    async def write(self, work: Callable[[Connection], Result]) -> Result:
        """Commit what `work` does. Raises Unavailable(Reason.STORE), and what `work` raises.

        It is done to its end even if whoever waits for it is cancelled.
        """
        return await self._to_the_end(self._write(work))

    async def read(self, work: Callable[[Connection], Result]) -> Result:
        """Let `work` read in one transaction. Raises as `write` does."""
        return await self._to_the_end(self._read(work))

    async def close(self) -> None:
        """Wait for what is running, then close every connection."""
        await asyncio.gather(*self._running, return_exceptions=True)
        await self._dispose()

    async def _to_the_end(self, work: Coroutine[Any, Any, Result]) -> Result:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        _heard(task)

    @abstractmethod
    async def _write(self, work: Callable[[Connection], Result]) -> Result: ...

    @abstractmethod
    async def _read(self, work: Callable[[Connection], Result]) -> Result: ...

    @abstractmethod
    async def _dispose(self) -> None: ...


class Sqlite(Database):
    """One thread writes, for SQLite has one writer, and several would only fight for its lock; a few read."""

    dialect = "sqlite"

    def __init__(self, url: URL, lease: timedelta) -> None:
        super().__init__(lease)
        self._writer = _sqlite_engine(url, writes=True)
        self._reader = _sqlite_engine(url, writes=False)
        self._writing = ThreadPoolExecutor(1, "store-writes")
        self._reading = ThreadPoolExecutor(READERS, "store-reads")

    async def _write(self, work: Callable[[Connection], Result]) -> Result:
        return await self._in_thread(self._writing, self._writer, work)

    async def _read(self, work: Callable[[Connection], Result]) -> Result:
        return await self._in_thread(self._reading, self._reader, work)

    async def _in_thread(
        self, threads: ThreadPoolExecutor, engine: Engine, work: Callable[[Connection], Result]
    ) -> Result:
        came = time.perf_counter()

        def transact() -> Result:
            with store_errors():
                # Each of those before may have waited for somebody else's lock; Azure does not wait for ever.
                if time.perf_counter() - came > POOL_SECONDS:
                    raise Unavailable(Reason.STORE, "the database is busy")
                with engine.begin() as connection:
                    return work(connection)

        return await asyncio.get_running_loop().run_in_executor(threads, transact)

    async def _dispose(self) -> None:
        for threads in (self._writing, self._reading):
            await asyncio.to_thread(threads.shutdown)
        self._writer.dispose()
        self._reader.dispose()


class Postgresql(Database):
    """Any number of connections, up to the pool's; the one that a transaction lost to a deadlock is made again."""

    dialect = "postgresql"

    def __init__(self, url: URL, lease: timedelta) -> None:
        super().__init__(lease)
        self.engine = create_async_engine(
            url,
            pool_size=10,
            max_overflow=0,
            pool_timeout=POOL_SECONDS,
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args={"timeout": 5, "command_timeout": 10},
        )

    async def _write(self, work: Callable[[Connection], Result]) -> Result:
        for _ in range(TRIES - 1):
            try:
                return await self._transact(work)
            except Unavailable as failure:
                # PostgreSQL gave this one up so that another could go on; it has changed nothing.
                # https://www.postgresql.org/docs/current/mvcc-serialization-failure-handling.html
                if not _is_deadlock(failure):
                    raise
        return await self._transact(work)

    async def _read(self, work: Callable[[Connection], Result]) -> Result:
        return await self._transact(work)

    async def _transact(self, work: Callable[[Connection], Result]) -> Result:
        """Give up after a while, whatever hangs: not every wait of the driver has a deadline, and the worker has one life."""
        task = asyncio.create_task(self._transaction(work))
        task.add_done_callback(_heard)
        try:
            done, _ = await asyncio.wait({task}, timeout=TRANSACTION_SECONDS)
        finally:
            task.cancel()
        # The driver cancels its own waits when what answers is no PostgreSQL; that is no reason for anybody to end.
        if not done or task.cancelled():
            raise Unavailable(Reason.STORE, "the database does not answer")
        return task.result()

    async def _transaction(self, work: Callable[[Connection], Result]) -> Result:
        with store_errors():
            async with self.engine.begin() as connection:
                return await connection.run_sync(work)

    async def _dispose(self) -> None:
        await self.engine.dispose()


def _heard(task: asyncio.Task[Any]) -> None:
    """Ask how it ended: whoever waited for it may have been cancelled, and then nobody else does."""
    if not task.cancelled():
        task.exception()


def _is_deadlock(failure: Unavailable) -> bool:
    original = getattr(failure.__cause__, "orig", None)
    return getattr(original, "sqlstate", "") in DEADLOCKS


class OnDatabase:
    """What the parts of the store have in common."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def database(self) -> Database:
        return self._database


Part = TypeVar("Part", bound=OnDatabase)


def writes(
    method: Callable[Concatenate[Part, Connection, Parameters], Result],
) -> Callable[Concatenate[Part, Parameters], Coroutine[Any, Any, Result]]:
    """Make a method of the store one transaction that may write."""

    @wraps(method)
    async def run(part: Part, /, *args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        return await part.database.write(lambda connection: method(part, connection, *args, **kwargs))

    return run


def reads(
    method: Callable[Concatenate[Part, Connection, Parameters], Result],
) -> Callable[Concatenate[Part, Parameters], Coroutine[Any, Any, Result]]:
    """Make a method of the store one transaction that only reads."""

    @wraps(method)
    async def run(part: Part, /, *args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        return await part.database.read(lambda connection: method(part, connection, *args, **kwargs))

    return run


def connect(url: URL, lease: timedelta = LEASE) -> Database:
    """Make the engines; nothing is opened yet."""
    return Sqlite(url, lease) if url.get_backend_name() == "sqlite" else Postgresql(url, lease)


def _sqlite_engine(url: URL, *, writes: bool) -> Engine:
    engine = create_engine(
        url,
        pool_size=1 if writes else READERS,
        max_overflow=0,
        pool_timeout=POOL_SECONDS,
        hide_parameters=True,
    )
    begin = "BEGIN IMMEDIATE" if writes else "BEGIN"

    @event.listens_for(engine, "connect")
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

    @event.listens_for(engine, "begin")
    def _begun(connection: Any) -> None:
        connection.exec_driver_sql(begin)

    return engine


def advisory_locks(connection: Connection, *, shared: str = "", own: tuple[str, ...] = ()) -> None:
    """Hold named locks until the transaction ends; SQLite's one writer needs none.

    The shared one is taken first, the others in one order for all callers, which keeps deadlocks out.
    """
    if connection.dialect.name != "postgresql":
        return
    calls = [func.pg_advisory_xact_lock_shared(_lock_number(shared))] if shared else []
    calls += [func.pg_advisory_xact_lock(number) for number in sorted({_lock_number(name) for name in own})]
    connection.execute(select(*calls))


def _lock_number(name: str) -> int:
    return int.from_bytes(bytes.fromhex(digest(name))[:8], signed=True)
