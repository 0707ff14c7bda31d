"""A PostgreSQL for a row: the one that TEST_DATABASE_URL names, else one of its own that forces what it commits to the disk."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from sandbox.postgres import fresh_database, running_server
from tests.environment import environment


@contextmanager
def server() -> Iterator[str]:
    """Yield the URL of a server. Raises NoPostgres."""
    if given := environment().database_url:
        yield given
        return
    with running_server(settings=()) as url:
        yield url


@asynccontextmanager
async def database() -> AsyncIterator[str]:
    """Yield the URL of a new, empty database. Raises NoPostgres."""
    with server() as url:
        async with fresh_database(url) as made:
            yield made
