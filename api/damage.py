"""Whether the database was found damaged: that does not go away by itself, whatever the next write says.

A damaged page is met by whoever needs it; a write elsewhere in the same file may well succeed.
"""

from __future__ import annotations

import logging
import sqlite3

log = logging.getLogger(__name__)

#: https://www.sqlite.org/rescode.html
_SQLITE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
#: data_corrupted and index_corrupted: https://www.postgresql.org/docs/current/errcodes-appendix.html
_POSTGRESQL = frozenset({"XX001", "XX002"})
_PRIMARY = 0xFF
#: No chain of causes is longer; one that is goes in a circle.
_LONGEST_CHAIN = 10


class Damage:
    """Remembers, until the process ends, that a failure of the store told of damage."""

    def __init__(self) -> None:
        self.seen = False

    def saw(self, failure: BaseException) -> None:
        """Look at a failure of the store."""
        if not self.seen and tells_damage(failure):
            self.seen = True
            log.error("the database is damaged; run `python -m api doctor`")


def tells_damage(failure: BaseException | None) -> bool:
    """Tell whether a driver said, anywhere behind this failure, that what it read cannot be right."""
    for _ in range(_LONGEST_CHAIN):
        if failure is None:
            return False
        told = (failure, getattr(failure, "orig", None))
        if any(_is_damage(each) for each in told):
            return True
        failure = failure.__cause__
    return False


def _is_damage(error: object) -> bool:
    code = getattr(error, "sqlite_errorcode", None)
    # The extended codes have the primary one in their last byte.
    if isinstance(code, int):
        return code & _PRIMARY in _SQLITE
    return getattr(error, "sqlstate", None) in _POSTGRESQL
