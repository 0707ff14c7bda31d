"""How the process answers HTTP: what every port has in common."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Sequence
from contextlib import closing, suppress

from aiohttp import web
from aiohttp.typedefs import Handler

#: A connection that sends nothing is closed after this; an ingress that reuses connections must use less.
KEEPALIVE = 15
#: How long the rest of a refused body is waited for before the connection is cut.
LINGERING = 2
#: How long requests in hand may take when we stop; Azure waits longer than that before it tries again.
SHUTDOWN = 20
#: Connections that the kernel holds for us while the loop is busy.
BACKLOG = 1024
#: For how long nothing must have come in before we believe that nobody is about to send anything.
QUIET = 0.25

#: Of the loop, until every connection that asyncio has accepted has its transport.
TURNS = 3


def runner(app: web.Application, *, cut_after: float = SHUTDOWN) -> web.AppRunner:
    """Return what serves the application, not yet set up; all times in seconds.

    `cut_after`: what a request that is still in hand may take when the runner is cleaned up.
    """
    # auto_decompress off: a compressed body is refused before anything unpacks it (four small bombs would
    # otherwise hold the loop for seconds).
    return web.AppRunner(
        app,
        auto_decompress=False,
        keepalive_timeout=KEEPALIVE,
        lingering_time=LINGERING,
        shutdown_timeout=cut_after,
        access_log=None,
    )


class Listening:
    """An open port."""

    def __init__(self, server: asyncio.Server, serve: web.Server) -> None:
        self._server = server
        self._serve = serve

    @property
    def port(self) -> int:
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Take no further connections. Those that the kernel has taken for us are served: closing would reset them."""
        held = [listening.dup() for listening in self._server.sockets]
        loop = asyncio.get_running_loop()
        for listening in self._server.sockets:
            loop.remove_reader(listening.fileno())
        # What asyncio has accepted in this turn of the loop gets its transport in the next: on a server that is closed
        # by then it would get none, and its client no answer.
        for _ in range(TURNS):
            await asyncio.sleep(0)
        self._server.close()
        for listening in held:
            for connection in _taken(listening):
                await loop.connect_accepted_socket(self._serve, connection)


def _taken(listening: socket.socket) -> Sequence[socket.socket]:
    """Return the connections that wait to be accepted, and close the socket straight after the last one."""
    taken = []
    with closing(listening), suppress(OSError):
        listening.setblocking(False)
        while True:
            connection, _ = listening.accept()
            connection.setblocking(False)
            taken.append(connection)
    return taken


async def listen(served: web.AppRunner, host: str, port: int) -> Listening:
    """Open a port for what was set up. Raises OSError."""
    serve = served.server
    if serve is None:
        raise RuntimeError("set up the runner first")
    server = await asyncio.get_running_loop().create_server(serve, host, port, backlog=BACKLOG)
    return Listening(server, serve)


class InHand:
    """The requests that are being answered, so that the process can end when there are none.

    aiohttp's own way to stop drops what is still to come of a body: the client would wait for nothing.
    """

    def __init__(self) -> None:
        self._count = 0
        self._none = asyncio.Event()
        self._none.set()
        self._last = 0.0
        self._ending = False

    @web.middleware
    async def counted(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Count a request while it is answered; at the end of the process its connection is not used again."""
        self._count += 1
        self._last = time.perf_counter()
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

    async def end(self, patience: float = SHUTDOWN) -> int:
        """Wait until none is in hand, but no longer than that many seconds; return how many still are.

        Whoever keeps a connection and sends once more while we wait is answered, and told that it closes: to close it
        on him instead would cut off what he is about to send.
        """
        self._ending = True
        self._last = time.perf_counter()
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                while wait := self._wait():
                    await self._none.wait()
                    await asyncio.sleep(wait)
        return self._count

    def _wait(self) -> float:
        """Return how long nothing more must come in, seconds; 0: nobody is in hand, and nobody has come for QUIET."""
        if self._count:
            return QUIET
        return max(0.0, self._last + QUIET - time.perf_counter())


IN_HAND = web.AppKey("in_hand", InHand)
