"""How the outside fails, in one closed list of reasons that answers, logs and metrics share.

OutsideError
├── Unavailable   worth trying again, perhaps later
└── Rejected      trying the same again changes nothing
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum


class Reason(StrEnum):
    UNREACHABLE = "unreachable"
    TIMED_OUT = "timed out"
    THROTTLED = "throttled"
    SERVER_ERROR = "server error"
    #: A send that was cut off: it may have arrived.
    UNKNOWN = "unknown"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not found"
    TOO_LARGE = "too large"
    BAD_REQUEST = "bad request"
    #: A table of the Basic plan cannot be asked as other tables are.
    BASIC_PLAN = "table on a Basic plan"
    #: The workspace has no such table.
    NO_TABLE = "no such table"
    GARBAGE = "garbage"
    STORE = "store"
    #: Held back by ourselves, to keep within the other side's limits.
    PACED = "paced"
    #: We do not speak to that host: an address that no setting allows.
    HOST = "host not allowed"
    #: A mistake of our own: the log has its traceback.
    MISTAKE = "our own mistake"


class OutsideError(Exception):
    """Something outside failed. `detail` is its own words, shortened: hostile text."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else str(reason))
        self.reason = reason
        self.detail = detail


class Unavailable(OutsideError):
    """It may work later; `retry_after` is what the other side asked for, if it did."""

    def __init__(self, reason: Reason, detail: str = "", retry_after: timedelta | None = None) -> None:
        super().__init__(reason, detail)
        self.retry_after = retry_after


class Rejected(OutsideError):
    """The other side will not do it, however often it is asked."""
