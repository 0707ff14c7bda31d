"""Reading what a client sends: bounded in size and time, before anybody looks into it. And one-line refusals."""

from __future__ import annotations

import asyncio

import orjson
from aiohttp import ClientError, web
from aiohttp.typedefs import Handler

LIMIT = 256 * 1024
DEADLINE = 10.0


class BodyRefused(Exception):
    """The body is not taken; `status` and one sentence for whoever sent it."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


async def read_body(
    request: web.Request, *, limit: int = LIMIT, deadline: float = DEADLINE, json_only: bool = False
) -> bytes:
    """Return the body: at most `limit` bytes, within `deadline` seconds. Raises BodyRefused with 400, 408, 413 or 415.

    The server must be run with `auto_decompress=False`: aiohttp otherwise unpacks a compressed body before anything
    here can refuse it. `json_only` insists on `Content-Type: application/json`.
    """
    if request.headers.get("Content-Encoding") is not None:
        raise BodyRefused(415, "Send the body without a Content-Encoding.")
    if json_only and request.content_type != "application/json":
        raise BodyRefused(415, "Send the body as Content-Type: application/json.")
    too_large = BodyRefused(413, f"The body may have at most {limit} bytes.")
    if (request.content_length or 0) > limit:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(deadline):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > limit:
                    raise too_large
    except TimeoutError:
        raise BodyRefused(408, f"The body did not arrive within {deadline:g} seconds.") from None
    except (ClientError, web.RequestPayloadError, ConnectionError):
        raise BodyRefused(400, "The body broke off.") from None
    return bytes(body)


def authorization(request: web.Request) -> str | None:
    """Return the Authorization header if there is exactly one; of two, nobody knows which a proxy before us believed."""
    values = request.headers.getall("Authorization", [])
    return values[0] if len(values) == 1 else None


def refusal(status: int, reason: str, **headers: str) -> web.Response:
    """Return `{"error": reason}`; the connection is closed, because the rest of a body may still be under way.

    Underscores in header names stand for hyphens.
    """
    response = web.Response(
        status=status,
        body=orjson.dumps({"error": reason}),
        content_type="application/json",
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )
    response.force_close()
    return response


@web.middleware
async def in_one_sentence(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give what aiohttp refuses by itself (an unknown path, a wrong method) the shape of every other refusal."""
    try:
        return await handler(request)
    except web.HTTPClientError as refused:
        allow = refused.headers.get("Allow")
        return refusal(refused.status, f"{refused.reason}.", **({"Allow": allow} if allow else {}))
