"""The second port: is the loop alive, can we take an alert in, and what is counted. Never public."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from aiohttp import web

from api.damage import Damage
from api.metrics import CONTENT_TYPE
from bot.errors import OutsideError

log = logging.getLogger(__name__)

#: How long the store is waited for: longer than SQLite waits for a lock, shorter than a probe's usual period.
PATIENCE = 3.0


def health_app(
    *,
    ping: Callable[[], Awaitable[None]],
    away: Callable[[], bool],
    metrics: Callable[[], Awaitable[bytes]],
    damage: Damage,
    patience: float = PATIENCE,
) -> web.Application:
    """Return the application of the health port: /healthz, /readyz, /metrics.

    Not ready means: the store cannot be written or was found damaged, or we are starting or stopping. Azure or Teams
    being away does not count, for alerts must still be taken in. `patience`: seconds that `ping` may take.
    """

    async def healthz(_request: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def readyz(_request: web.Request) -> web.Response:
        if away():
            return _not_ready("starting or stopping")
        try:
            async with asyncio.timeout(patience):
                await ping()
        except OutsideError as failure:
            damage.saw(failure)
            log.warning("not ready", extra={"reason": failure.reason, "detail": failure.detail})
            if not damage.seen:
                return _not_ready("the store does not answer")
        except TimeoutError:
            log.warning("not ready", extra={"reason": "the store took too long"})
            return _not_ready("the store does not answer")
        if damage.seen:
            return _not_ready("the store is damaged")
        return web.json_response({"status": "ready"})

    async def told(_request: web.Request) -> web.Response:
        return web.Response(body=await metrics(), headers={"Content-Type": CONTENT_TYPE})

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", told)
    return app


def _not_ready(why: str) -> web.Response:
    return web.json_response({"status": why}, status=503)
