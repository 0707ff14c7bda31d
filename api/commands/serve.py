"""`python -m api`: the bot's server, from its first port to the end of its process."""

from __future__ import annotations

import asyncio
import logging
import sys
from contextlib import AsyncExitStack

from aiohttp import web

from api.app import PARTS, make_app, make_health_app
from api.ending import Ending, end_by_force, end_on_signals
from api.leash import end_with_parent
from api.logs import configure_logs
from api.server import IN_HAND, Listening, listen, runner
from api.settings import Settings
from bot.errors import OutsideError

log = logging.getLogger(__name__)

#: What was waited for until the end of the patience is not waited for again.
CUT_AFTER = 0.5


def run(settings: Settings) -> int:
    """Run the server to its end; return the exit code, after one sentence where it could not start."""
    configure_logs()
    try:
        asyncio.run(serve(settings))
    except OutsideError as failure:
        _tell(
            f"The database cannot be opened: {failure.detail or failure.reason}. `python -m api doctor` says more."
        )
        return 1
    except OSError as failure:
        _tell(f"A port cannot be opened: {failure.strerror or failure}. Look at HOST, PORT and HEALTH_PORT.")
        return 1
    return 0


async def serve(settings: Settings, app: web.Application | None = None) -> None:
    """Run both ports of the application, made if none is given, until SIGTERM or SIGINT, or in sandbox mode until the parent ends.

    From then on no longer than `api.ending.LONGEST`. Raises OutsideError if the store, OSError if a port cannot be had.
    """
    app = app or make_app(settings)
    server, ending = settings.server, app[PARTS].ending

    def end() -> None:
        if not ending.begun:
            ending.begin()
            end_by_force()

    end_on_signals(end)
    if settings.sandbox:
        end_with_parent(end)
    async with AsyncExitStack() as running:
        # Last in, first out: the public port closes first, health answers to the end.
        await _start(running, make_health_app(app), server.host, server.health_port)
        listening = await _start(running, app, server.host, server.port)
        log.info(
            "serving", extra={"host": server.host, "port": server.port, "health_port": server.health_port}
        )
        await ending.wait()
        log.info("stopping")
        await listening.close()
        await _finish(app, ending)
    log.info("stopped", extra={"seconds": round(ending.seconds(), 1)})


async def _finish(app: web.Application, ending: Ending) -> None:
    """Wait for requests in hand; the worker, begun turns and raw logs use the same time."""
    if cut := await app[IN_HAND].end(ending.left()):
        log.warning("requests cut off", extra={"count": cut})


async def _start(running: AsyncExitStack, app: web.Application, host: str, port: int) -> Listening:
    served = runner(app, cut_after=CUT_AFTER)
    running.push_async_callback(served.cleanup)
    await served.setup()
    listening = await listen(served, host, port)
    running.push_async_callback(listening.close)
    return listening


def _tell(sentence: str) -> None:
    print(sentence, file=sys.stderr)  # noqa: T201 - for the person who starts it
