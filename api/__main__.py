"""python -m api: the bot's server."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from contextlib import AsyncExitStack

from aiohttp import web

from api.app import PARTS, make_app, make_health_app
from api.leash import end_with_parent
from api.logs import configure_logs
from api.server import IN_HAND, runner
from api.settings import BadSettings, Settings
from bot.errors import OutsideError

log = logging.getLogger("api")


async def serve(settings: Settings) -> None:
    """Run both ports until SIGTERM or SIGINT, or in sandbox mode until the parent ends. Raises OutsideError if the store, OSError if a port cannot be had."""
    app = make_app(settings)
    server = settings.server
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    if settings.sandbox:
        end_with_parent(stop.set)
    async with AsyncExitStack() as running:
        # Last in, first out: the public port closes first, health answers to the end.
        await _start(running, make_health_app(app), server.host, server.health_port)
        listening = await _start(running, app, server.host, server.port)
        log.info(
            "serving", extra={"host": server.host, "port": server.port, "health_port": server.health_port}
        )
        await stop.wait()
        app[PARTS].draining = True
        log.info("stopping")
        await listening.stop()
        await app[IN_HAND].end()


async def _start(running: AsyncExitStack, app: web.Application, host: str, port: int) -> web.TCPSite:
    served = runner(app)
    running.push_async_callback(served.cleanup)
    await served.setup()
    site = web.TCPSite(served, host, port)
    await site.start()
    return site


def main() -> int:
    configure_logs()
    try:
        settings = Settings.from_environ(os.environ)  # noqa: TID251 - handed to the one that reads it
        asyncio.run(serve(settings))
    except BadSettings as bad:
        for problem in bad.problems:
            print(problem, file=sys.stderr)  # noqa: T201 - for the person who starts it
        return 2
    except OutsideError as failure:
        print(f"The database cannot be opened: {failure.detail or failure.reason}", file=sys.stderr)  # noqa: T201
        return 1
    except OSError as failure:
        told = f"A port cannot be opened: {failure.strerror or failure}. Look at HOST, PORT and HEALTH_PORT."
        print(told, file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
