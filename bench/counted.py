"""python -m bench.counted: the bot, which also tells at GET /bench/tasks how many tasks its loop has."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Mapping

from aiohttp import web

from api.app import make_app
from api.commands.serve import serve
from api.logs import configure_logs
from api.settings import Settings


async def tasks(_request: web.Request) -> web.Response:
    """Answer `{what a task runs: how many such tasks there are}`, this request's own included."""
    running = (task.get_coro() for task in asyncio.all_tasks())
    return web.json_response(Counter(getattr(each, "__qualname__", "other") for each in running))


def main(environ: Mapping[str, str]) -> None:
    """Run as `python -m api` does, with settings out of `environ`."""
    configure_logs()
    settings = Settings.from_environ(environ)
    app = make_app(settings)
    app.router.add_get("/bench/tasks", tasks)
    asyncio.run(serve(settings, app))


if __name__ == "__main__":
    main(os.environ)  # noqa: TID251 - handed to the one that reads it
