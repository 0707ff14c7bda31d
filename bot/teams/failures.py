"""What an answer of the Bot Connector that is no success means.

https://learn.microsoft.com/microsoftteams/platform/bots/how-to/rate-limit and
https://learn.microsoft.com/microsoftteams/platform/bots/build-conversational-capability (status codes)
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from bot.errors import OutsideError, Reason, Rejected, Unavailable

#: A wrong clock over there must not silence a conversation for a day.
LONGEST_WAIT = timedelta(minutes=15)
LONGEST_DETAIL = 200

_REJECTED = {
    400: Reason.BAD_REQUEST,
    403: Reason.FORBIDDEN,
    404: Reason.NOT_FOUND,
    413: Reason.TOO_LARGE,
}
_UNAVAILABLE = {
    # Not Rejected: it is our secret or role that is wrong, and once that is mended the alert must still be told.
    401: Reason.UNAUTHORIZED,
    408: Reason.TIMED_OUT,
    412: Reason.THROTTLED,
    429: Reason.THROTTLED,
    503: Reason.SERVER_ERROR,
}
#: A gateway's words: what stands behind it may have done it.
_IN_DOUBT = frozenset({500, 502, 504})
SERVER_ERRORS = 500


def failure_of(method: str, status: int, body: bytes, retry_after: str, now: datetime) -> OutsideError:
    """Return what to raise for an answer with this status."""
    detail = f"HTTP {status} {_words(body)}".strip()
    if status in _REJECTED:
        return Rejected(_REJECTED[status], detail)
    if status in _UNAVAILABLE:
        return Unavailable(_UNAVAILABLE[status], detail, wait_asked(retry_after, now))
    if status in _IN_DOUBT and method == "POST":
        return Unavailable(Reason.UNKNOWN, detail, wait_asked(retry_after, now))
    if status >= SERVER_ERRORS:
        return Unavailable(Reason.SERVER_ERROR, detail, wait_asked(retry_after, now))
    return Rejected(Reason.BAD_REQUEST, detail)


def wait_asked(header: str, now: datetime) -> timedelta | None:
    """Read a Retry-After header, seconds or an HTTP date; None for what cannot be read."""
    header = header.strip()
    if header.isascii() and header.isdigit():
        return min(timedelta(seconds=int(header[:9])), LONGEST_WAIT)
    try:
        at = parsedate_to_datetime(header)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    return min(max(at - now, timedelta()), LONGEST_WAIT)


def _words(body: bytes) -> str:
    """The service's own code and message, shortened and printable; "" where there is none."""
    try:
        error: Any = orjson.loads(body)["error"]
        words = f"{error['code']}: {error['message']}"
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return ""
    return "".join(c if c.isprintable() else " " for c in words)[:LONGEST_DETAIL]
