"""One store per test, on either database: every contract test runs on both."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.ports import Store
from bot.store.store import open_store
from tests.contracts.steps import SHORT


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[Store]:
    async with open_store(store_url) as opened:
        yield opened


@pytest.fixture
async def hasty(store_url: str) -> AsyncIterator[Store]:
    """A store whose leases end after a moment."""
    async with open_store(store_url, lease=SHORT) as opened:
        yield opened
