"""Opens the store: one process on an SQLite file, or any number on PostgreSQL; the tables brought up to date."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, nullcontext
from datetime import timedelta
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import URL, Connection, update

from bot.errors import Reason, Rejected, Unavailable
from bot.ports import Store
from bot.store.backlog import SqlBacklog, SqlPace
from bot.store.database import Database, Postgresql, advisory_locks, connect, database_url, writes
from bot.store.endings import SqlEndings
from bot.store.facts import SqlFacts
from bot.store.filelock import alone_on
from bot.store.incidents import SqlIncidents
from bot.store.leases import LEASE
from bot.store.ledger import SqlLedger
from bot.store.listening import listening
from bot.store.listing import SqlListing
from bot.store.questions import SqlQuestions
from bot.store.routes import SqlRoutes
from bot.store.splitting import SqlSplitting
from bot.store.tables import counters
from bot.store.trail import SqlTrail
from bot.store.watches import SqlWatches
from bot.store.work import SqlWork


class SqlStore(
    SqlEndings,
    SqlIncidents,
    SqlSplitting,
    SqlFacts,
    SqlListing,
    SqlTrail,
    SqlWork,
    SqlPace,
    SqlBacklog,
    SqlRoutes,
    SqlQuestions,
    SqlLedger,
    SqlWatches,
):
    """Implements bot.ports.Store on SQLite and PostgreSQL."""

    def listening(self, wake: Callable[[], None]) -> AbstractAsyncContextManager[None]:
        """See bot.ports.Store. An SQLite file has no other process."""
        database = self._database
        return listening(database.engine, wake) if isinstance(database, Postgresql) else nullcontext()

    @writes
    def ping(self, connection: Connection) -> None:
        """See bot.ports.Store. Writes and commits: a full or read-only disk is found out too."""
        result = connection.execute(
            update(counters).where(counters.c.name == "pings").values(value=counters.c.value + 1)
        )
        if result.rowcount != 1:
            raise Unavailable(Reason.STORE, "the database is not ours")


@asynccontextmanager
async def open_store(url: str, *, lease: timedelta = LEASE, beside: bool = False) -> AsyncIterator[Store]:
    """Open the database, migrate it, and close it at the end.

    `url`: `sqlite:///FILE` or `postgresql://…`. `lease`: how long claimed rows are held without being renewed.
    `beside`: another process, which runs the worker, has the database open: nothing is locked or migrated. Raises Rejected(Reason.STORE) for a URL that cannot be used, and
    Unavailable(Reason.STORE) if another process is using the file, or the database does not answer or is newer
    than this code.
    """
    parsed = database_url(url)
    with nullcontext() if beside else _alone(parsed):
        database = connect(parsed, lease)
        try:
            if not beside:
                await _migrate(database)
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
        await database.read(lambda _: None)
    except (TypeError, ValueError) as error:
        # The drivers take the URL's options as arguments of their own.
        raise Rejected(
            Reason.STORE, "the database URL has an option that the driver does not take"
        ) from error
    await database.write(_upgrade)


def _upgrade(connection: Connection) -> None:
    # Of several that start at once on PostgreSQL one migrates, and the others then find nothing to do.
    advisory_locks(connection, own=("migrations",))
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
