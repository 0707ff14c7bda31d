"""One store per test, on either database: every contract test runs on both."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bot.ports import Store
from bot.store.store import open_store
from tests.contracts.steps import SHORT
from tests.environment import environment
from tests.postgres import fresh_database, postgres_missing, postgres_server


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    if missing := postgres_missing():
        if environment().ci:
            pytest.fail(missing)
        pytest.skip(missing)
    with postgres_server() as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
async def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """The URL of an empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/auditor.db"
        return
    async with fresh_database(request.getfixturevalue("postgres_url")) as url:
        yield url


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[Store]:
    async with open_store(store_url) as opened:
        yield opened


@pytest.fixture
async def hasty(store_url: str) -> AsyncIterator[Store]:
    """A store whose leases end after a moment."""
    async with open_store(store_url, lease=SHORT) as opened:
        yield opened
