"""Putting together what looks for alerts that Azure never delivered."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import aiohttp

from api.identity import open_management_tokens
from api.settings import Settings
from bot.azure_alerts import AzureAlerts, scopes
from bot.catch_up import LONGEST, CatchUp
from bot.ports import Clock, Store

log = logging.getLogger(__name__)


@asynccontextmanager
async def open_catch_up(
    settings: Settings,
    session: aiohttp.ClientSession,
    clock: Clock,
    store: Store,
    wake: Callable[[], None],
) -> AsyncIterator[CatchUp]:
    """Open the chore ChoreKind.CATCH_UP, and find out beside the start whether Azure's lists may be read."""
    wanted = scopes(settings.workspaces)
    async with open_management_tokens(settings, session, clock) as tokens:
        catch_up = CatchUp(
            azure={
                scope: AzureAlerts(
                    session=session, tokens=tokens, scope=scope, endpoint=settings.management_url
                )
                for scope in wanted
            },
            incidents=store,
            workspaces=settings.workspaces,
            clock=clock,
            wake=wake,
            # What is no longer kept would look like never delivered.
            longest=min(LONGEST, settings.keep),
        )
        log.info(
            "looking for alerts that Azure did not deliver",
            extra={"url": settings.management_url, "scopes": ", ".join(wanted)},
        )
        checking = asyncio.create_task(catch_up.check())
        try:
            yield catch_up
        finally:
            checking.cancel()
            with suppress(asyncio.CancelledError):
                await checking
