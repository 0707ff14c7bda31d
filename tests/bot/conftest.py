"""The bot's own parts are tested over the real store, on a file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.ports import Store
from bot.store import open_store
from tests.bot.desk import Desk
from tests.bot.office import Office


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with open_store(f"sqlite:///{tmp_path}/auditor.db") as opened:
        yield opened


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store)


@pytest.fixture
def office(desk: Desk) -> Office:
    return Office(desk)
