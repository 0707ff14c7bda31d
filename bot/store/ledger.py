"""The ledger read, checked and cut; lines are written by bot.store.questions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, literal_column, select, text

from audit.incident import Person
from bot.ports import Entry
from bot.store.chain import CUT, NAME, Chain, Check, Line, entry_of
from bot.store.chat_tables import ledger
from bot.store.database import OnDatabase, reads, writes
from bot.store.tables import counters

#: Lines that are checked in one transaction, and lines that are cut in one.
CHECKED_AT_ONCE = 2000
CUT_AT_ONCE = 5000
#: A cut writes a line itself, so it is not made for less.
LEAST_CUT = timedelta(days=1)
NOBODY = Person(id="", name="")

_NEWEST_CUT = (
    select(ledger.c.rows, ledger.c.key)
    .where(ledger.c.what == literal_column(f"'{CUT}'"))
    .order_by(ledger.c.number.desc())
    .limit(1)
)
_OLDEST = select(ledger.c.number, ledger.c.at).order_by(ledger.c.number).limit(1)


@dataclass(frozen=True, kw_only=True)
class _Looked:
    """Lines in their order, and what tells whether they are all there, at one moment."""

    rows: Sequence[Mapping[str, Any]]
    #: How many were ever written.
    count: int
    #: How many were cut off on purpose, and the hash of the last of them.
    gone: int
    gone_hash: str


class SqlLedger(OnDatabase):
    """Implements the reading of bot.ports.Ledger, and the ledger's part of bot.ports.Keeping."""

    @reads
    def entries(
        self, connection: Connection, limit: int = 100, *, before: int | None = None
    ) -> Sequence[Entry]:
        """See bot.ports.Ledger."""
        wanted = select(ledger).order_by(ledger.c.number.desc()).limit(max(0, limit))
        if before is not None:
            wanted = wanted.where(ledger.c.number < before)
        return [entry_of(row) for row in connection.execute(wanted).all()]

    async def broken(self) -> int | None:
        """See bot.ports.Ledger. Lines that are written meanwhile hold nobody up."""
        check = Check()
        looked = await self._look(0)
        while looked.rows:
            if looked.gone > check.number:
                # Lines were cut off, before this began or meanwhile.
                check = Check(number=looked.gone, hash=looked.gone_hash)
            if (number := check.first_broken(looked.rows)) is not None:
                return number
            if len(looked.rows) < CHECKED_AT_ONCE:
                break
            looked = await self._look(check.number)
        return None if looked.count == check.number else min(looked.count, check.number) + 1

    @reads
    def _look(self, connection: Connection, after: int) -> _Looked:
        if connection.dialect.name == "postgresql":
            # All three at one moment; on SQLite every transaction reads that way.
            connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        lines = select(ledger).where(ledger.c.number > after).order_by(ledger.c.number).limit(CHECKED_AT_ONCE)
        count = connection.scalar(select(counters.c.value).where(counters.c.name == NAME))
        cut = connection.execute(_NEWEST_CUT).first()
        return _Looked(
            rows=[dict(row) for row in connection.execute(lines).mappings()],
            count=count or 0,
            gone=(cut.rows or 0) if cut else 0,
            gone_hash=cut.key if cut else "",
        )

    @writes
    def cut(self, connection: Connection, before: datetime, now: datetime) -> int:
        """See bot.ports.Keeping. The first line that is not old ends it, whatever a wrong clock wrote behind that."""
        chain = Chain(connection)
        oldest = connection.execute(_OLDEST).first()
        if oldest is None or oldest.at >= before - LEAST_CUT:
            return 0
        young = select(ledger.c.number).where(ledger.c.at >= before).order_by(ledger.c.number).limit(1)
        first_kept = connection.scalar(young)
        last = min(first_kept - 1 if first_kept else chain.last, oldest.number + CUT_AT_ONCE - 1)
        of_last = connection.scalar(select(ledger.c.hash).where(ledger.c.number == last)) or ""
        said = f"lines 1 to {last}"
        chain.add(Line(what=CUT, at=now, by=NOBODY, conversation_id="", about=said, key=of_last, rows=last))
        chain.write()
        return connection.execute(delete(ledger).where(ledger.c.number <= last)).rowcount
