"""The chat's tables come and go with their migration, on both databases."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

import bot.store.migrations
from bot.store.database import connect, database_url
from bot.store.store import open_store
from tests.contracts.asking import asked
from tests.contracts.steps import GENERAL, an_incident, fired
from tests.fakes import NOW


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(bot.store.migrations.__file__).parent))
    config.attributes["connection"] = connection
    return config


def _down(connection: Connection) -> None:
    command.downgrade(_config(connection), "0003")


def _numbers(connection: Connection) -> list[int]:
    return list(connection.execute(text("SELECT number FROM incidents ORDER BY number")).scalars())


async def test_one_conversations_incidents_do_not_become_everybodys_on_the_way_back(store_url: str) -> None:
    async with open_store(store_url) as store:
        await store.remember(GENERAL, NOW)
        await asked(store)
        await an_incident(store)
        told = fired("t", rule="Test")
        await store.record(told.alert, told.body, NOW, only_for=GENERAL.id)
    database = connect(database_url(store_url))
    await database.write(_down)
    assert await database.read(_numbers) == [1]
    await database.close()
    async with open_store(store_url) as store:
        assert await store.key_of(1) is not None
        assert await store.entries() == []
        await asked(store)
        assert await store.broken() is None
        assert await store.open_incidents(10, conversation_ids=[GENERAL.id]) == (0, [])
