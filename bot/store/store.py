"""Opens the store: one process on an SQLite file, or any number on PostgreSQL; the tables brought up to date."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import URL, Connection, update

from bot.errors import Reason, Rejected, Unavailable
from bot.ports import Store
from bot.store.database import Database, advisory_locks, connect, database_url, to_the_end
from bot.store.filelock import alone_on
from bot.store.incidents import SqlIncidents
from bot.store.routes import SqlRoutes
from bot.store.tables import counters
from bot.store.work import SqlWork


class SqlStore(SqlIncidents, SqlWork, SqlRoutes):
    """Implements bot.ports.Store on SQLite and PostgreSQL."""

    @to_the_end
    async def ping(self) -> None:
        """See bot.ports.Store. Writes and commits: a full or read-only disk is found out too."""
        async with self._database.write() as connection:
            result = await connection.execute(
                update(counters).where(counters.c.name == "pings").values(value=counters.c.value + 1)
            )
            if result.rowcount != 1:
                raise Unavailable(Reason.STORE, "the database is not ours")


@asynccontextmanager
async def open_store(url: str) -> AsyncIterator[Store]:
    """Open the database, migrate it, and close it at the end.

    `url`: `sqlite:///FILE` or `postgresql://…`. Raises Rejected(Reason.STORE) for a URL that cannot be used, and
    Unavailable(Reason.STORE) if another process is using the file, or the database does not answer or is newer
    than this code.
    """
    parsed = database_url(url)
    with _alone(parsed):
        database = connect(parsed)
        try:
            await database.finish(_migrate(database))
            yield SqlStore(database)
        finally:
            await database.close()


@contextmanager
def _alone(url: URL) -> Iterator[None]:
    if url.get_backend_name() != "sqlite":
        yield
        return
    with alone_on(Path(url.database or "")):
        yield


async def _migrate(database: Database) -> None:
    try:
        async with database.read():
            pass
    except (TypeError, ValueError) as error:
        # The drivers take the URL's options as arguments of their own.
        raise Rejected(
            Reason.STORE, "the database URL has an option that the driver does not take"
        ) from error
    async with database.write() as connection:
        # Of several that start at once on PostgreSQL one migrates, and the others then find nothing to do.
        await advisory_locks(connection, own=("migrations",))
        await connection.run_sync(_upgrade)


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
