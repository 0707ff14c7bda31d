"""python -m bench.replica N: the bot as `python -m api` runs it, which speaks in at most N conversations at once."""

from __future__ import annotations

import asyncio
import os
import sys

from api.app import make_app
from api.commands.serve import serve
from api.logs import configure_logs
from api.settings import Settings

if __name__ == "__main__":
    configure_logs()
    told = Settings.from_environ(os.environ)  # noqa: TID251 - handed to the one that reads it
    asyncio.run(serve(told, make_app(told, sends_at_once=int(sys.argv[1]))))
