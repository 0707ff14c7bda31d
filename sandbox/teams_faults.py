"""What goes wrong in Teams, on demand: its errors, a connection that breaks, slowness, and its rate limits."""

from __future__ import annotations

import math
from collections import defaultdict, deque
from datetime import datetime, timedelta
from typing import Literal, get_args

from aiohttp import web

Fault = Literal[
    "throttled",
    "precondition_failed",
    "server_error",
    "bad_gateway",
    "unavailable",
    "timeout",
    "forbidden",
    "not_found",
    "slow",
    # The connection breaks before the call is taken, or after: then the message stands, and nobody told its sender.
    "reset",
    "reset_after",
]

#: Sending and creating, per thread; roster calls may come twice as often.
#: https://learn.microsoft.com/microsoftteams/platform/bots/how-to/rate-limit
LIMITS = ((7, 1), (8, 2), (60, 30), (1800, 3600))


class TeamsError(Exception):
    """An error as the connector answers it: `{"error": {"code", "message"}}`; `retry_after` in seconds."""

    def __init__(
        self, status: int, code: str, message: str, *, sub_code: str = "", retry_after: int = 0
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.sub_code = sub_code
        self.retry_after = retry_after

    def response(self) -> web.Response:
        error = {"code": self.code, "message": self.message}
        if self.sub_code:
            error["subCode"] = self.sub_code
        headers = {"Retry-After": str(self.retry_after)} if self.retry_after else {}
        return web.json_response({"error": error}, status=self.status, headers=headers)


def bad_request(message: str, code: str = "BadSyntax") -> TeamsError:
    return TeamsError(400, code, message)


def throttled(seconds: int) -> TeamsError:
    return TeamsError(429, "Throttled", "Too many requests.", retry_after=seconds)


def not_installed() -> TeamsError:
    return TeamsError(
        403,
        "BotNotInConversationRoster",
        "The bot is not part of the conversation roster.",
        sub_code="MessageWritesBlocked",
    )


def no_conversation() -> TeamsError:
    return TeamsError(404, "ConversationNotFound", "Conversation not found.")


_ANSWERS = {
    "precondition_failed": (412, "PreconditionFailed", "Precondition failed, please try again."),
    "server_error": (500, "ServiceError", "An internal error occurred."),
    "bad_gateway": (502, "ServiceError", "A dependency failed."),
    "unavailable": (503, "ServiceError", "The service is unavailable."),
    "timeout": (504, "GatewayTimeout", "The gateway timed out."),
}


class TeamsFaults:
    """One fault that stays until it is taken back, and others that happen once each, first queued first."""

    def __init__(self, *, retry_after: int = 2, slow: float = 5.0) -> None:
        #: What throttled answers say in Retry-After, and how long a slow call takes; both in seconds.
        self.retry_after = retry_after
        self.slow = slow
        self._persistent: Fault | None = None
        self._queued: deque[Fault] = deque()

    @property
    def current(self) -> Fault | None:
        return self._persistent

    def set(self, fault: Fault | None) -> None:
        """Let every call fail like this; None mends Teams and drops what is queued. Raises ValueError."""
        if fault is None:
            self._queued.clear()
        self._persistent = None if fault is None else _known(fault)

    def queue(self, *faults: Fault) -> None:
        """Let the next calls fail, one fault each. Raises ValueError."""
        self._queued.extend([_known(fault) for fault in faults])

    def take(self) -> Fault | None:
        """Return what is to go wrong with this call."""
        return self._queued.popleft() if self._queued else self._persistent

    def error(self, fault: Fault) -> TeamsError | None:
        """Return the answer of a fault; None for one that is no answer."""
        if fault == "throttled":
            return throttled(self.retry_after)
        if fault == "forbidden":
            return not_installed()
        if fault == "not_found":
            return no_conversation()
        if fault not in _ANSWERS:
            return None
        return TeamsError(*_ANSWERS[fault])


def _known(fault: Fault) -> Fault:
    if fault not in get_args(Fault):
        raise ValueError(f"There is no fault {fault!r}.")
    return fault


class RateLimits:
    """Teams' limits per thread, as sliding windows; a refused call does not count."""

    def __init__(self) -> None:
        self._calls: dict[tuple[str, bool], deque[datetime]] = defaultdict(deque)

    def spend(self, thread: str, now: datetime, *, reading: bool) -> None:
        """Count a call. Raises TeamsError (429) with the seconds until there is room for it."""
        calls = self._calls[thread, reading]
        longest = timedelta(seconds=LIMITS[-1][1])
        while calls and calls[0] <= now - longest:
            calls.popleft()
        wait = max(_wait(calls, now, count * (2 if reading else 1), span) for count, span in LIMITS)
        if wait > 0:
            raise throttled(math.ceil(wait))
        calls.append(now)


def _wait(calls: deque[datetime], now: datetime, count: int, span: int) -> float:
    """Return the seconds until fewer than `count` calls lie in the last `span` seconds."""
    if len(calls) < count:
        return 0.0
    return (calls[-count] + timedelta(seconds=span) - now).total_seconds()
