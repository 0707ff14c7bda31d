"""What a request to the query API asks."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson
from aiohttp import web

from audit.filter import Window
from sandbox.timespan import intersection, read_timespan
from sandbox.wire import Failure, bad_request

_DEFAULT_WAIT: Final = 180.0
_LONGEST_WAIT: Final = 600.0
_MOST_IN_BATCH: Final = 100


@dataclass(frozen=True, kw_only=True)
class Question:
    kql: str
    #: As it was sent; "" for none.
    timespan: str
    window: Window | None
    #: Name -> value, in lower case.
    prefer: Mapping[str, str]

    @property
    def wait(self) -> float:
        """How many seconds the query may take: https://learn.microsoft.com/azure/azure-monitor/logs/api/timeouts."""
        asked = self.prefer.get("wait", "")
        if not (asked.isascii() and asked.isdecimal()):
            return _DEFAULT_WAIT
        return min(float(asked), _LONGEST_WAIT) or _DEFAULT_WAIT


def read_question(
    body: Any, prefer: Any, *, known: Collection[str], now: datetime, url_timespan: str | None = None
) -> Question:
    """Read a decoded body {query, timespan, workspaces}; `known` are GUIDs and names in lower case.

    `prefer` is the Prefer header; what of it is not understood is passed over, as RFC 7240 has it. The window
    is where the timespans of body and URL meet. Raises Failure.
    """
    kql = body.get("query") if isinstance(body, dict) else None
    if not isinstance(kql, str) or not kql.strip():
        raise bad_request("BadArgumentError", "The request has no query")
    timespan = body.get("timespan")
    if not isinstance(timespan, str | None):
        raise bad_request("BadArgumentError", "The timespan is not a string")
    _check_others(body.get("workspaces"), known)
    try:
        window = intersection(read_timespan(timespan, now), read_timespan(url_timespan, now))
    except ValueError as error:
        raise bad_request("BadArgumentError", str(error)) from None
    return Question(
        kql=kql, timespan=timespan or url_timespan or "", window=window, prefer=_options(str(prefer or ""))
    )


def unresolved(workspace: object) -> Failure:
    """Make the answer for a workspace in a body that is not there."""
    return bad_request("FailedToResolveResource", f"The workspace '{str(workspace)[:80]}' could not be found")


def read_batch(body: Any) -> Sequence[Mapping[str, Any]]:
    """Read the body of `$batch`. Raises Failure."""
    items = body.get("requests") if isinstance(body, dict) else None
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise bad_request("BadArgumentError", "The request has no list of requests")
    if not 0 < len(items) <= _MOST_IN_BATCH:
        raise bad_request("BadArgumentError", f"A batch has 1 to {_MOST_IN_BATCH} requests")
    return items


async def json_body(request: web.Request) -> Any:
    """Receive and decode the body. Raises Failure."""
    try:
        return orjson.loads(await request.read())
    except orjson.JSONDecodeError as error:
        raise bad_request("BadArgumentError", f"The body is not JSON: {error.msg}") from None
    except web.HTTPRequestEntityTooLarge:
        raise Failure(413, "RequestEntityTooLarge", "The request is too large") from None


def _check_others(others: Any, known: Collection[str]) -> None:
    if not isinstance(others, list | None):
        raise bad_request("BadArgumentError", "The workspaces are not a list")
    for other in others or ():
        if str(other).lower() not in known:
            raise unresolved(other)


def _options(prefer: str) -> Mapping[str, str]:
    options = (option.partition("=") for option in prefer.split(","))
    return {name.strip().lower(): value.strip().lower() for name, _, value in options}
