"""The ledger's lines as a chain: each line's hash covers its words and the hash of the line before.

So a line that is changed, taken out or moved is found by whoever has the lines alone. Lines that are gone at the end
are told by the count in `counters`, and lines that were cut off at the front on purpose by the newest line "cut".
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select, update

from audit.incident import Person
from bot.ports import Entry
from bot.store.chat_tables import ledger
from bot.store.tables import counters, storable

NAME = "ledger"
CUT = "cut"
#: Longest texts of a line, in characters; what is longer is cut before it is hashed.
_LONGEST = {
    "what": 40,
    "by_id": 200,
    "by_name": 200,
    "conversation_id": 1000,
    "about": 500,
    "key": 100,
    "outcome": 100,
}
MOST_ROWS = 2**63 - 1
#: What the hash covers, besides the hash before.
_WORDS = ("number", "what", "by_id", "by_name", "conversation_id", "about", "key", "rows", "outcome")

# Made once: building a statement takes longer than SQLite takes to run it.
_COUNT = select(counters.c.value).where(counters.c.name == NAME).with_for_update()
_NEWEST = select(ledger.c.hash).order_by(ledger.c.number.desc()).limit(1)
_COUNTED = update(counters).where(counters.c.name == NAME).values(value=bindparam("last"))
_WRITE = ledger.insert()


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line that is to be written."""

    what: str
    at: datetime
    by: Person
    conversation_id: str
    about: str = ""
    key: str = ""
    rows: int | None = None
    outcome: str = ""

    def values(self) -> dict[str, Any]:
        """Return the columns as either database gives them back, so that the hash is of what is kept."""
        texts = {
            "what": self.what,
            "by_id": self.by.id,
            "by_name": self.by.name,
            "conversation_id": self.conversation_id,
            "about": self.about,
            "key": self.key,
            "outcome": self.outcome,
        }
        rows = None if self.rows is None else max(0, min(self.rows, MOST_ROWS))
        return {"at": self.at, "rows": rows} | {name: bounded(name, text) for name, text in texts.items()}


def bounded(name: str, text: str) -> str:
    """Return the text as the ledger's column of that name keeps it."""
    return storable(text[: _LONGEST[name]])


class Chain:
    """The end of the ledger, locked for this transaction: one writer at a time, over all replicas."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        #: Number of the newest line.
        self.last = int(connection.execute(_COUNT).scalar_one())
        self._lines: list[Line] = []

    def add(self, line: Line) -> None:
        """Keep a line for `write`."""
        self._lines.append(line)

    def write(self) -> None:
        """Write the lines that were added, in their order."""
        if not self._lines:
            return
        before = self._connection.scalar(_NEWEST) or ""
        rows = []
        for line in self._lines:
            self.last += 1
            values = line.values() | {"number": self.last, "before": before}
            before = line_hash(values)
            rows.append(values | {"hash": before})
        self._connection.execute(_WRITE, rows)
        self._connection.execute(_COUNTED, {"last": self.last})
        self._lines = []


def line_hash(values: Mapping[str, Any]) -> str:
    """Return the SHA-256, in hexadecimal, of the hash before and the line as JSON with sorted names."""
    at: datetime = values["at"]
    told = {name: values[name] for name in _WORDS}
    told["at"] = at.astimezone(UTC).isoformat(timespec="microseconds")
    canonical = json.dumps(told, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256((values["before"] + canonical).encode()).hexdigest()


def entry_of(row: Row[Any]) -> Entry:
    """Return the line of a row of `ledger`."""
    return Entry(
        number=row.number,
        at=row.at,
        what=row.what,
        by=Person(id=row.by_id, name=row.by_name),
        conversation_id=row.conversation_id,
        about=row.about,
        key=row.key,
        rows=row.rows,
        outcome=row.outcome,
        hash=row.hash,
    )


@dataclass(kw_only=True)
class Check:
    """Looks at lines in their order. `number` and `hash` are of the line before."""

    number: int = 0
    hash: str = ""

    def first_broken(self, rows: Sequence[Mapping[str, Any]]) -> int | None:
        """Return the first number at which these next lines are not what was written, or None."""
        for row in rows:
            expected = self.number + 1
            if (row["number"], row["before"], row["hash"]) != (expected, self.hash, line_hash(row)):
                return expected
            self.number, self.hash = row["number"], row["hash"]
        return None
