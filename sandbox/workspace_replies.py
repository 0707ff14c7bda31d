"""What the stand-in workspace says to one request, and how it is put on the wire: faults included."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import orjson
from aiohttp import web

from sandbox.wire import Failure, not_found, timed_out
from sandbox.workspace_faults import Fault

_JSON: Final = "application/json; charset=utf-8"
#: `huge` has an end after all, at a gigabyte, for a client that would read for ever.
_HUGE_CHUNKS: Final = 16_384
_GARBAGE: Final = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502</h1></body></html>"


@dataclass(frozen=True, kw_only=True)
class Reply:
    #: 0: none, the connection is cut.
    status: int
    body: bytes = b""
    content_type: str = _JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    rows: int = 0
    error: str = ""
    endless: bool = False


async def meet(fault: Fault | None) -> Reply | None:
    """Give the reply that a fault gives instead of asking; None where the query is to be run. Raises Failure."""
    match fault:
        case Fault(kind="down", status=0):
            return Reply(status=0, error="down")
        case Fault(kind="slow"):
            await asyncio.sleep(fault.seconds)
        case Fault(kind="garbage", cut=False):
            return Reply(status=200, body=_GARBAGE, content_type="text/html", error="garbage")
        case Fault(kind="empty"):
            return Reply(status=fault.status or 204)
        case Fault(kind="huge"):
            return Reply(status=200, error="rows without end", endless=True)
        case Fault(kind="wrong-workspace"):
            raise not_found()
        case Fault(kind="down" | "throttled" | "forbidden" | "unauthorized" | "timeout"):
            raise _refusal(fault)
        case _:
            pass
    return None


def unauthorized(reason: str) -> Failure:
    """Make the answer for a request whose token proves nothing."""
    failure = Failure(401, "AuthenticationFailed", reason)
    failure.headers["WWW-Authenticate"] = 'Bearer error="invalid_token"'
    return failure


def failed(failure: Failure) -> Reply:
    """Make the reply of a failure."""
    return Reply(
        status=failure.status,
        body=orjson.dumps(failure.body()),
        headers=failure.headers,
        error=failure.inner[-1][1] if failure.inner else str(failure),
    )


def response_of(reply: Reply, request: web.Request | None = None) -> web.Response:
    """Make the HTTP response; compressed where the request takes gzip."""
    response = web.Response(status=reply.status or 503, body=reply.body, headers=reply.headers)
    if reply.body:
        response.headers["Content-Type"] = reply.content_type
        response.headers["Via"] = "1.1 draft-oms-sandbox"
    if reply.body and request is not None and "gzip" in request.headers.get("Accept-Encoding", ""):
        # Named: aiohttp would choose deflate, which azure-core cannot read.
        response.enable_compression(web.ContentCoding.gzip)
    return response


async def send(request: web.Request, reply: Reply) -> web.StreamResponse:
    """Answer the request, or cut its connection."""
    if reply.endless:
        return await _send_without_end(request)
    if reply.status == 0 and request.transport is not None:
        request.transport.abort()
    return response_of(reply, request)


def _refusal(fault: Fault) -> Failure:
    match fault.kind:
        case "down":
            return Failure(fault.status, "ServiceUnavailable", "The service is not available")
        case "throttled":
            failure = Failure(429, "ThrottledError", "Too many requests: the rate limit was exceeded")
            failure.headers["Retry-After"] = f"{fault.seconds:g}"
            return failure
        case "forbidden":
            return Failure(
                403,
                "InsufficientAccessError",
                "The provided credentials have insufficient access to the resource",
            )
        case "unauthorized":
            return unauthorized("The token is not valid.")
        case _:
            return timed_out()


async def _send_without_end(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": _JSON})
    columns = [{"name": "TimeGenerated", "type": "datetime"}, {"name": "log_s", "type": "string"}]
    row = orjson.dumps(["2026-01-01T00:00:00Z", "x" * 1000])
    chunk = (row + b",") * 64
    try:
        await response.prepare(request)
        await response.write(
            b'{"tables":[{"name":"PrimaryResult","columns":%b,"rows":[' % orjson.dumps(columns)
        )
        for _ in range(_HUGE_CHUNKS):
            await response.write(chunk)
        await response.write_eof(row + b"]}]}")
    except ConnectionError:
        # The client had enough, as it should.
        pass
    return response
