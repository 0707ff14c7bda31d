"""PostgreSQL's LISTEN: other replicas tell at once that something is due; without it they find out by asking."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.store.due import CHANNEL

log = logging.getLogger(__name__)

#: Between two tries to listen again, in seconds; meanwhile the worker asks once a second.
WAIT = 2.0


@asynccontextmanager
async def listening(engine: AsyncEngine, wake: Callable[[], None]) -> AsyncIterator[None]:
    """Call `wake` for every announcement, on one connection of its own that is made again when it is lost."""
    task = asyncio.create_task(_listen(engine, wake))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _listen(engine: AsyncEngine, wake: Callable[[], None]) -> None:
    while True:
        try:
            await _until_lost(engine, wake)
        except (SQLAlchemyError, OSError) as failure:
            log.info("not listening for other replicas", extra={"reason": type(failure).__name__})
        await asyncio.sleep(WAIT)


async def _until_lost(engine: AsyncEngine, wake: Callable[[], None]) -> None:
    lost = asyncio.Event()
    async with engine.connect() as connection:
        raw: Any = (await connection.get_raw_connection()).driver_connection
        raw.add_termination_listener(lambda _: lost.set())

        def heard(*_: object) -> None:
            wake()

        await raw.add_listener(CHANNEL, heard)
        try:
            # What was announced while nobody listened.
            wake()
            await lost.wait()
        finally:
            if not raw.is_closed():
                await raw.remove_listener(CHANNEL, heard)
