"""Who may call the page's API, and what of a request it takes.

The sandbox runs on somebody's laptop, next to a browser with other tabs: no website may read or drive it.
"""

from __future__ import annotations

import ipaddress
from typing import Any

import yarl
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from sandbox.alarm import CannotResolve
from sandbox.room import Unknown
from sandbox.stories import BadStory

_DIGITS = 15


class Bad(Exception):
    """The request cannot be done; `status` and one sentence."""

    def __init__(self, reason: str, status: int = 400) -> None:
        super().__init__(reason)
        self.status = status


def guard() -> Middleware:
    """Make the middleware that lets only our own page and programs of this machine in, and words refusals."""

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            _check_caller(request)
            return await handler(request)
        except Bad as problem:
            return web.json_response({"error": str(problem)}, status=problem.status)
        except (Unknown, BadStory) as problem:
            return web.json_response({"error": str(problem)}, status=400)
        except CannotResolve as problem:
            return web.json_response({"error": str(problem)}, status=409)

    return guarded


def _check_caller(request: web.Request) -> None:
    """Refuse what does not come from our own page or a program on this machine."""
    # A foreign name that resolves to 127.0.0.1 would make its site "our own": only loopback names are.
    if not _is_loopback(request.host):
        raise Bad("The sandbox is only served on this machine's own address.", 403)
    if request.method != "POST":
        return
    origin = request.headers.get("Origin")
    if origin is not None and origin != f"{request.scheme}://{request.host}":
        raise Bad("Another site may not drive the sandbox.", 403)
    # A form of another site cannot send this type without asking first, and it is never allowed.
    if request.content_type != "application/json":
        raise Bad("Content-Type must be application/json.", 415)


def _is_loopback(host: str) -> bool:
    try:
        name = yarl.URL(f"http://{host}").host or ""
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


async def object_of(request: web.Request) -> dict[str, Any]:
    """Return the body, a JSON object. Raises Bad."""
    try:
        body = await request.json()
    except (ValueError, RecursionError) as problem:
        raise Bad("The body is not JSON.") from problem
    if not isinstance(body, dict):
        raise Bad("The body is not a JSON object.")
    return body


def text_of(body: dict[str, Any], key: str, default: str | None = None) -> str:
    """Return a string of the body. Raises Bad."""
    value = body.get(key)
    if value is None and default is not None:
        return default
    if not isinstance(value, str):
        raise Bad(f"{key} must be a string.")
    return value


def number_of(text: str, what: str = "number") -> int:
    """Read a natural number. Raises Bad."""
    if not text.isdecimal() or len(text) > _DIGITS:
        raise Bad(f"{what} must be a number.")
    return int(text)
