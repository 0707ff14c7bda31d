"""One part of the world: how long it takes, what is wrong with it, and how it was called."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler

#: Faults that are an answer: status and code.
ANSWERS: Mapping[str, tuple[int, str]] = {
    "bad_request": (400, "BadSyntax"),
    "unauthorized": (401, "Unauthorized"),
    "forbidden": (403, "Forbidden"),
    "not_found": (404, "NotFound"),
    "precondition_failed": (412, "PreconditionFailed"),
    "too_large": (413, "MessageSizeTooBig"),
    "throttled": (429, "Throttled"),
    "server_error": (500, "ServiceError"),
    "bad_gateway": (502, "ServiceError"),
    "unavailable": (503, "ServiceUnavailable"),
    "timeout": (504, "GatewayTimeout"),
}
#: `down` cuts the connection before the call is taken, `reset_after` once it is; `garbage` is a page of a proxy;
#: `flapping` is down for `seconds` and up for as long; `slow` adds `seconds` to every answer; `hang` never answers.
FAULTS = frozenset({"none", "down", "reset_after", "garbage", "flapping", "slow", "hang", *ANSWERS})
GARBAGE = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502</h1></body></html>"


class Part:
    """Counts and delays calls, or spoils them. What a handler did stands even where nobody hears of it."""

    def __init__(self, latency: float = 0.0) -> None:
        #: Seconds that an answer takes once the call was taken.
        self.latency = latency
        self.fault = "none"
        self.seconds = 10.0
        #: What a throttled answer says in Retry-After; None: nothing.
        self.retry_after: int | None = 1
        self.calls: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()
        self.in_flight = 0
        self.most_in_flight = 0
        #: Seconds that calls took in all, latency and faults included.
        self.busy = 0.0
        self._began = 0.0
        self._peers: set[Any] = set()

    def set(self, wanted: Mapping[str, Any]) -> None:
        """Take over `latency`, `fault`, `seconds` and `retry_after` where they are given. Raises ValueError."""
        if "fault" in wanted:
            if wanted["fault"] not in FAULTS:
                raise ValueError(f"there is no fault {wanted['fault']!r}")
            self.fault = str(wanted["fault"])
            self._began = time.perf_counter()
        self.latency = float(wanted.get("latency", self.latency))
        self.seconds = float(wanted.get("seconds", self.seconds))
        self.retry_after = wanted.get("retry_after", self.retry_after)

    async def serve(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer the request, or do what the fault does."""
        started = time.perf_counter()
        self.calls[request.method] += 1
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        if request.transport is not None:
            self._peers.add(request.transport.get_extra_info("peername"))
        try:
            response = await self._met(request, handler)
            self.statuses[response.status] += 1
            return response
        finally:
            self.in_flight -= 1
            self.busy += time.perf_counter() - started

    def counts(self) -> dict[str, Any]:
        """Return what was counted; `connections` are the TCP connections ever seen."""
        return {
            "calls": dict(self.calls),
            "statuses": {str(status): count for status, count in self.statuses.items()},
            "in_flight": self.in_flight,
            "most_in_flight": self.most_in_flight,
            "busy": self.busy,
            "connections": len(self._peers),
        }

    async def _met(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        fault = self._fault()
        if fault in ANSWERS:
            return self._error(*ANSWERS[fault])
        match fault:
            case "down":
                return _cut(request)
            case "garbage":
                return web.Response(body=GARBAGE, content_type="text/html")
            case "hang":
                await asyncio.sleep(3600)
        response = await handler(request)
        wait = self.latency + (self.seconds if fault == "slow" else 0.0)
        if wait:
            await asyncio.sleep(wait)
        return _cut(request) if fault == "reset_after" else response

    def _fault(self) -> str:
        if self.fault != "flapping":
            return self.fault
        turns = int((time.perf_counter() - self._began) / max(self.seconds, 0.01))
        return "none" if turns % 2 else "down"

    def _error(self, status: int, code: str) -> web.Response:
        retry_after = self.retry_after if status in {429, 503} else None
        return refusal(status, code, retry_after=retry_after)


def refusal(status: int, code: str, *, retry_after: int | None = None) -> web.Response:
    """Make an error as the Bot Connector and the query API write theirs."""
    error = {"error": {"code": code, "message": f"{code}, as the bench wanted it."}}
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return web.Response(
        status=status, body=orjson.dumps(error), content_type="application/json", headers=headers
    )


def _cut(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=599)
