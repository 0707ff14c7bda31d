"""How the process answers HTTP: what every port has in common."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from aiohttp import web
from aiohttp.typedefs import Handler

#: A connection that sends nothing is closed after this; an ingress that reuses connections must use less.
KEEPALIVE = 15
#: How long the rest of a refused body is waited for before the connection is cut.
LINGERING = 2
#: How long requests in hand may take when we stop; Azure waits longer than that before it tries again.
SHUTDOWN = 20


def runner(app: web.Application) -> web.AppRunner:
    """Return what serves the application, not yet set up; all times in seconds."""
    # auto_decompress off: a compressed body is refused before anything unpacks it (four small bombs would
    # otherwise hold the loop for seconds).
    return web.AppRunner(
        app,
        auto_decompress=False,
        keepalive_timeout=KEEPALIVE,
        lingering_time=LINGERING,
        shutdown_timeout=SHUTDOWN,
        access_log=None,
    )


class InHand:
    """The requests that are being answered, so that the process can end when there are none.

    aiohttp's own way to stop drops what is still to come of a body: the client would wait for nothing.
    """

    def __init__(self) -> None:
        self._count = 0
        self._none = asyncio.Event()
        self._ending = False

    @web.middleware
    async def counted(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Count a request while it is answered; at the end of the process its connection is not used again."""
        self._count += 1
        self._none.clear()
        try:
            response = await handler(request)
        finally:
            self._count -= 1
            if not self._count:
                self._none.set()
        if self._ending:
            response.force_close()
        return response

    async def end(self, patience: float = SHUTDOWN) -> None:
        """Wait until none is in hand, but no longer than that many seconds."""
        self._ending = True
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                while self._count:
                    await self._none.wait()


IN_HAND = web.AppKey("in_hand", InHand)
