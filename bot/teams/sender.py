"""One way out to the Bot Connector, for answers and for what the bot says on its own.

The SDK's own way takes a new token and a new connection for every message and never tries again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Mapping
from http import HTTPStatus
from typing import Any

import aiohttp
import orjson
from yarl import URL

from bot.errors import OutsideError, Reason, Rejected, Unavailable
from bot.ports import Clock, Meter
from bot.teams.failures import failure_of
from bot.teams.hosts import ServiceHosts
from bot.teams.token import TokenSource

TIMEOUT = aiohttp.ClientTimeout(total=30, connect=10)
#: Seconds that an answer which may be here already is looked for once the time is up: of a process that was frozen both
#: are due at the same moment, and who does not know that his card stands leaves it standing twice.
LAST_LOOK = 1.0
#: Far above any answer of the Connector; a roster of 500 people is about 200 KB.
LONGEST_ANSWER = 1024 * 1024
#: What a call is counted as.
OPERATIONS = {"POST": "post", "PUT": "update", "DELETE": "delete", "GET": "read"}


#: Status, body and Retry-After.
Exchanged = tuple[int, bytes, str]


class Sender:
    """Sends JSON with the bot's token, to allowed hosts only, following no redirect."""

    def __init__(
        self,
        *,
        session: aiohttp.ClientSession,
        tokens: TokenSource,
        hosts: ServiceHosts,
        clock: Clock,
        meter: Meter,
        timeout: aiohttp.ClientTimeout = TIMEOUT,
    ) -> None:
        self._session = session
        self._tokens = tokens
        self._hosts = hosts
        self._clock = clock
        self._meter = meter
        self._timeout = timeout

    async def send(
        self, method: str, service_url: str, path: str, body: bytes | None = None
    ) -> Mapping[str, Any]:
        """Send `body` (JSON) to `path` (already quoted) below the service URL; return the answer's JSON object.

        An empty or unreadable answer to a success is {}. Raises Unavailable or Rejected. Tries once; after a 401
        once more with a new token. Reason.UNKNOWN means that a POST may have arrived.
        """
        started = time.perf_counter()
        reason = "cancelled"
        try:
            answer = await self._sent(method, service_url, path, body)
            reason = "ok"
        except OutsideError as failure:
            reason = failure.reason
            raise
        else:
            return answer
        finally:
            self._meter.sent(OPERATIONS.get(method, method), reason, time.perf_counter() - started)

    async def _sent(self, method: str, service_url: str, path: str, body: bytes | None) -> Mapping[str, Any]:
        if not self._hosts.allows(service_url):
            raise Rejected(Reason.HOST, "service URL not on the list of allowed hosts")
        url = URL(service_url.rstrip("/") + "/" + path.lstrip("/"), encoded=True)
        token = await self._tokens.token()
        status, answer, retry_after = await self._once(method, url, body, token)
        if status == HTTPStatus.UNAUTHORIZED:
            token = await self._tokens.token(instead_of=token)
            status, answer, retry_after = await self._once(method, url, body, token)
        if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            raise failure_of(method, status, answer, retry_after, self._clock.now())
        return _object(answer)

    async def _exchanged(
        self, method: str, url: URL, body: bytes | None, headers: Mapping[str, str]
    ) -> Exchanged:
        async with self._session.request(
            method,
            url,
            data=body,
            headers=headers,
            timeout=aiohttp.ClientTimeout(connect=self._timeout.connect),
            allow_redirects=False,
        ) as response:
            return response.status, await _read(response), response.headers.get("Retry-After", "")

    async def _once(self, method: str, url: URL, body: bytes | None, token: str) -> tuple[int, bytes, str]:
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json; charset=utf-8"
        try:
            return await _within(self._timeout.total, self._exchanged(method, url, body, headers))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as failure:
            # The request never left.
            raise Unavailable(Reason.UNREACHABLE, type(failure).__name__) from None
        except (aiohttp.ClientError, OSError, ValueError) as failure:
            raise Unavailable(_doubt(method, failure), type(failure).__name__) from None


async def _within(seconds: float | None, asking: Coroutine[Any, Any, Exchanged]) -> Exchanged:
    """Return the answer; raises TimeoutError where there is none in time."""
    task = asyncio.create_task(asking)
    try:
        for wait in (seconds, LAST_LOOK):
            if (await asyncio.wait({task}, timeout=wait))[0]:
                return task.result()
    finally:
        task.cancel()
    raise TimeoutError


async def _read(response: aiohttp.ClientResponse) -> bytes:
    answer = bytearray()
    async for chunk in response.content.iter_chunked(64 * 1024):
        answer += chunk
        if len(answer) > LONGEST_ANSWER:
            raise ValueError("the answer is too long")
    return bytes(answer)


def _doubt(method: str, failure: Exception) -> Reason:
    """Saying it again makes a second message; asking again or putting in its place again does not."""
    if method == "POST":
        return Reason.UNKNOWN
    return Reason.TIMED_OUT if isinstance(failure, TimeoutError) else Reason.UNREACHABLE


def _object(answer: bytes) -> Mapping[str, Any]:
    try:
        value = orjson.loads(answer)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}
