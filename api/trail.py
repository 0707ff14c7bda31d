"""GET /incidents/{number}/trail on the health port: what happened to an incident, for whoever runs the bot."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aiohttp import web

from bot.errors import OutsideError
from bot.grammar import LONGEST_NUMBER
from bot.ports import Trace

log = logging.getLogger(__name__)

PATH = "/incidents/{number}/trail"

TrailOf = Callable[[int], Awaitable[Sequence[Trace]]]


def add_trail(app: web.Application, trail: TrailOf) -> None:
    """Serve the run trail as `{"number": 12, "steps": [{at, step, subject, seconds, attempt, reason}, …]}`.

    Oldest first; `at` is ISO 8601 in UTC, `seconds` null where nothing was measured. 404 for an incident of which
    nothing is kept, 503 while the store does not answer. It names conversations, so the port must be private.
    """

    async def handle(request: web.Request) -> web.Response:
        number = request.match_info["number"]
        if not (number.isascii() and number.isdecimal() and len(number) <= LONGEST_NUMBER):
            return _error(400, "The number of an incident is a whole number, such as 12.")
        try:
            steps = await trail(int(number))
        except OutsideError as failure:
            log.warning("trail not read", extra={"reason": failure.reason})
            return _error(503, "The store does not answer.")
        if not steps:
            return _error(404, f"Nothing is kept of an incident #{int(number)}.")
        told = {"number": int(number), "steps": [_told(step) for step in steps]}
        return web.json_response(told, headers={"Cache-Control": "no-store"})

    app.router.add_get(PATH, handle)


def _error(status: int, sentence: str) -> web.Response:
    return web.json_response({"error": sentence}, status=status)


def _told(trace: Trace) -> dict[str, Any]:
    return {
        "at": trace.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "step": trace.step,
        "subject": trace.subject,
        "seconds": trace.seconds,
        "attempt": trace.attempt,
        "reason": trace.reason,
    }
