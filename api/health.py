"""/healthz and /readyz on their own port: is the loop alive, and can we take an alert in?"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from aiohttp import web

from bot.errors import OutsideError

log = logging.getLogger(__name__)


def health_app(*, ping: Callable[[], Awaitable[None]], away: Callable[[], bool]) -> web.Application:
    """Return the application of the health port.

    Not ready means: the store cannot be written, or we are starting or stopping. Azure or Teams being away does not count, for
    alerts must still be taken in.
    """

    async def healthz(_request: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def readyz(_request: web.Request) -> web.Response:
        if away():
            return web.json_response({"status": "starting or stopping"}, status=503)
        try:
            await ping()
        except OutsideError as failure:
            log.warning("not ready", extra={"reason": failure.reason})
            return web.json_response({"status": "the store does not answer"}, status=503)
        return web.json_response({"status": "ready"})

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    return app
