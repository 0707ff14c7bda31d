"""Asking a Log Analytics workspace: azure-monitor-query's client, our own deadline, retries and decoding.

Rows are decoded by orjson from the raw body, because the client's own decoding blocks the event loop for
seconds on a large answer. The client's retries are off: it would run a query that timed out four times.
API: https://learn.microsoft.com/azure/azure-monitor/logs/api/overview
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import deque
from datetime import datetime, timedelta
from typing import Any

import orjson
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.core.pipeline.policies import AsyncHTTPPolicy, SansIOHTTPPolicy
from azure.core.rest import AsyncHttpResponse, HttpRequest
from azure.monitor.query.aio import LogsQueryClient

from bot.errors import OutsideError, Reason, Rejected, Unavailable
from bot.ports import Answer, Meter, Query

#: Larger answers are not read to the end: a card shows a few dozen rows.
MAX_BYTES = 8 * 1024 * 1024
#: Bytes read at a time: the client's own 4 KiB double the time that a large answer takes to come in, and a
#: compressed block may unpack to a thousand times as much before its size is known.
BLOCK = 32 * 1024
#: The service runs five queries at once for an identity; one is left for people at the portal.
#: https://learn.microsoft.com/azure/azure-monitor/service-limits#log-queries-and-language
MAX_AT_ONCE = 4
#: The service takes 200 requests in 30 s of one identity; a question may be asked twice.
#: https://learn.microsoft.com/azure/azure-monitor/service-limits#log-queries-and-language
MOST_IN_SPAN = 90
SPAN = 30.0
#: What a throttling answer may make us wait within one question's deadline.
MAX_RETRY_AFTER = timedelta(seconds=10)
DETAIL_LENGTH = 300
#: What is looked at of an error, in bytes.
_MOST_OF_ERROR = 4096

_REASONS = {
    400: Reason.BAD_REQUEST,
    401: Reason.UNAUTHORIZED,
    403: Reason.FORBIDDEN,
    404: Reason.NOT_FOUND,
    413: Reason.TOO_LARGE,
    429: Reason.THROTTLED,
    502: Reason.UNREACHABLE,
    503: Reason.SERVER_ERROR,
    504: Reason.TIMED_OUT,
}
_LASTING = {
    Reason.BAD_REQUEST,
    Reason.BASIC_PLAN,
    Reason.NO_TABLE,
    Reason.FORBIDDEN,
    Reason.NOT_FOUND,
    Reason.TOO_LARGE,
}
#: What a 400 says, by a piece of its error. The first: https://github.com/Azure/azure-sdk-for-go/issues/24606; the
#: second is what a union with such a table gets: https://github.com/Azure/Azure-Sentinel/issues/12172
_BAD_REQUESTS = (
    ("UnsupportedApiQueryValidationError", Reason.BASIC_PLAN),
    ("Basic or Auxiliary Logs table", Reason.BASIC_PLAN),
    ("Basic Logs table", Reason.BASIC_PLAN),
    ("Failed to resolve table", Reason.NO_TABLE),
)


class LogAnalytics:
    """AuditLog over the query API. Close it with `close()`; the credential stays its owner's."""

    def __init__(
        self,
        *,
        credential: AsyncTokenCredential,
        endpoint: str = "https://api.loganalytics.io",
        meter: Meter,
        most_in_span: int = MOST_IN_SPAN,
        authentication_policy: SansIOHTTPPolicy[Any, Any] | AsyncHTTPPolicy[Any, Any] | None = None,
    ) -> None:
        options: dict[str, Any] = {
            "endpoint": endpoint,
            "retry_total": 0,
            "retry_status": 0,
            "connection_data_block_size": BLOCK,
        }
        if authentication_policy is not None:
            options["authentication_policy"] = authentication_policy
        self._client = LogsQueryClient(credential, **options)
        self._places = asyncio.Semaphore(MAX_AT_ONCE)
        self._meter = meter
        self._begun: deque[float] = deque(maxlen=most_in_span)

    async def close(self) -> None:
        await self._client.close()

    async def ask(self, query: Query) -> Answer:
        """Run the query within its deadline, the wait for a place included. Raises Unavailable or Rejected."""
        started = time.perf_counter()
        outcome = "cancelled"
        try:
            answer = await self._in_time(query)
            outcome = "partial" if answer.partial else "ok"
        except OutsideError as failure:
            outcome = failure.reason
            raise
        finally:
            self._meter.asked(outcome, time.perf_counter() - started)
        return answer

    async def _in_time(self, query: Query) -> Answer:
        started = time.perf_counter()
        if query.is_aside and self._is_busy():
            raise Unavailable(Reason.THROTTLED, "not asked: the workspace is busy")
        try:
            async with asyncio.timeout(query.deadline.total_seconds()), self._places:
                await self._wait_for_room()
                body = await self._body_with_retry(query)
        except TimeoutError as late:
            raise Unavailable(
                Reason.TIMED_OUT, f"no answer within {query.deadline.total_seconds():.0f} s"
            ) from late
        # Megabytes of JSON would hold up everything else on the event loop.
        return await asyncio.to_thread(_answer, body, time.perf_counter() - started)

    def _is_busy(self) -> bool:
        """Tell whether what is only nice to know would take the place of what must be known."""
        half = (self._begun.maxlen or 0) // 2
        is_half_spent = len(self._begun) >= half > 0 and self._begun[-half] + SPAN > time.monotonic()
        return self._places.locked() or is_half_spent

    async def _wait_for_room(self) -> None:
        """Keep within what the service takes of one identity; past it every question would be refused."""
        if len(self._begun) == self._begun.maxlen:
            await asyncio.sleep(max(0.0, self._begun[0] + SPAN - time.monotonic()))
        self._begun.append(time.monotonic())

    async def _body_with_retry(self, query: Query) -> bytes:
        try:
            return await self._body(query)
        except Unavailable as failure:
            # A query that timed out would only time out again; all else that passes gets one more try.
            if failure.reason not in {Reason.THROTTLED, Reason.SERVER_ERROR}:
                raise
            asked = timedelta(seconds=1) if failure.retry_after is None else failure.retry_after
            await asyncio.sleep(min(asked, MAX_RETRY_AFTER).total_seconds())
            return await self._body(query)

    async def _body(self, query: Query) -> bytes:
        request = HttpRequest(
            "POST",
            f"/workspaces/{query.workspace.id}/query",
            json={"query": query.kql, "timespan": f"{_iso(query.window.start)}/{_iso(query.window.end)}"},
            headers={"Prefer": f"wait={max(1, int(query.deadline.total_seconds()))}"},
        )
        try:
            response = await self._client.send_request(request, stream=True)
            try:
                return await _read(response)
            finally:
                await response.close()
        except ClientAuthenticationError as refused:
            raise Unavailable(Reason.UNAUTHORIZED, _short(refused.message)) from refused
        except (ServiceRequestError, ServiceResponseError) as lost:
            raise Unavailable(Reason.UNREACHABLE, _short(lost.message)) from lost
        except AzureError as odd:
            raise Unavailable(Reason.GARBAGE, _short(odd.message)) from odd


async def _read(response: AsyncHttpResponse) -> bytes:
    """Return the body of a success; raise what a failure means."""
    body = bytearray()
    async for chunk in response.iter_bytes():
        body += chunk
        if len(body) > MAX_BYTES:
            raise Rejected(Reason.TOO_LARGE, f"the answer is larger than {MAX_BYTES // 2**20} MiB")
    if response.status_code == 200:  # noqa: PLR2004 - the one code with rows
        return bytes(body)
    if response.status_code == 204:  # noqa: PLR2004 - a workspace without data
        return b""
    raise _failure(response.status_code, response.headers.get("Retry-After", ""), bytes(body))


def _failure(status: int, retry_after: str, body: bytes) -> OutsideError:
    reason = _REASONS.get(status, Reason.SERVER_ERROR if status >= 500 else Reason.BAD_REQUEST)  # noqa: PLR2004
    detail = _short(_innermost_message(body))
    if reason is Reason.BAD_REQUEST:
        told = body[:_MOST_OF_ERROR].decode(errors="replace")
        reason = next((known for piece, known in _BAD_REQUESTS if piece in told), reason)
    if reason in _LASTING:
        return Rejected(reason, detail)
    wait = timedelta(seconds=int(retry_after)) if re.fullmatch(r"[0-9]{1,5}", retry_after) else None
    return Unavailable(reason, detail, retry_after=wait)


def _innermost_message(body: bytes) -> str:
    """The API nests its errors; the innermost says what is wrong with the query."""
    try:
        error = orjson.loads(body).get("error", {})
        while isinstance(error.get("innererror"), dict):
            error = error["innererror"]
        return str(error.get("message", ""))
    except (orjson.JSONDecodeError, AttributeError):
        return ""


def _answer(body: bytes, seconds: float) -> Answer:
    """Decode `{tables: [{columns, rows}], error?}`; an empty body is a workspace without data."""
    if not body.strip():
        return Answer(rows=(), seconds=seconds)
    try:
        decoded = orjson.loads(body)
        table = decoded["tables"][0]
        names = [str(column["name"]) for column in table["columns"]]
        rows = [dict(zip(names, row, strict=True)) for row in table["rows"]]
        partial = _short(_partial_message(decoded.get("error")))
    except (orjson.JSONDecodeError, KeyError, IndexError, TypeError, ValueError, AttributeError) as odd:
        raise Unavailable(Reason.GARBAGE, "the answer is not one of the query API") from odd
    return Answer(rows=rows, partial=partial, seconds=seconds)


def _partial_message(error: Any) -> str:
    """A 200 may carry an error beside the tables: then the tables are not all there is."""
    if not error:
        return ""
    details = error.get("details") or [{}]
    inner = details[0].get("innererror") or {}
    return str(inner.get("message") or error.get("message") or "the answer is incomplete")


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _short(text: str) -> str:
    return text if len(text) <= DETAIL_LENGTH else text[:DETAIL_LENGTH] + "…"
