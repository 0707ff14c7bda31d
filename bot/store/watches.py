"""Questions that are asked again and again for a conversation: see bot.ports.Watches."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, delete, exists, func, select, update

from audit.incident import Person
from bot.ports import Watched
from bot.store.chat_tables import questions, watches
from bot.store.codec import digest, json_body
from bot.store.database import OnDatabase, advisory_locks, reads, writes
from bot.store.questions import kept_of
from bot.store.tables import conversations, counters

MOST_FOUND = 2**53


class SqlWatches(OnDatabase):
    """Implements bot.ports.Watches."""

    @writes
    def watch(
        self,
        connection: Connection,
        key: str,
        by: Person,
        zone: str,
        now: datetime,
        *,
        most: int = 20,
        line: str = "",
    ) -> tuple[Watched | None, bool]:
        """See bot.ports.Watches."""
        asked = connection.execute(select(questions).where(questions.c.key == key)).first()
        kept = kept_of(asked) if asked is not None else None
        if asked is None or kept is None or kept.answer is None:
            return None, False
        place, line = asked.place, line or kept.put.line
        clusters = sorted(set(kept.answer.clusters))
        # One after the other in a conversation, so that the same is watched once and no more than `most` are.
        advisory_locks(connection, own=(f"watches {place}",))
        identity = digest(place, line, *clusters)
        known = connection.execute(select(watches).where(watches.c.identity == identity)).first()
        if known is not None:
            return _watched(known), False
        theirs = select(func.count()).select_from(watches).where(watches.c.place == place)
        if (connection.scalar(theirs) or 0) >= most:
            return None, False
        values = {
            "identity": identity,
            "place": place,
            "conversation_id": kept.put.conversation_id,
            "line": line,
            "clusters": json_body(clusters),
            "by_id": by.id,
            "by_name": by.name,
            "zone": zone,
            "since": now,
            "until": now,
        }
        added = watches.insert().values(number=_next_number(connection), **values).returning(watches)
        return _watched(connection.execute(added).one()), True

    @reads
    def watches(self, connection: Connection, conversation_id: str | None = None) -> Sequence[Watched]:
        """See bot.ports.Watches."""
        living = exists().where(
            conversations.c.teams_id == watches.c.conversation_id, conversations.c.ended_at.is_(None)
        )
        here = living if conversation_id is None else watches.c.place == digest(conversation_id)
        rows = connection.execute(select(watches).where(here).order_by(watches.c.number)).all()
        return [_watched(row) for row in rows]

    @writes
    def unwatch(self, connection: Connection, number: int, conversation_id: str, now: datetime) -> bool:  # noqa: ARG002 - the port's signature
        """See bot.ports.Watches."""
        if not _is_number(number):
            return False
        its = (watches.c.number == number, watches.c.place == digest(conversation_id))
        return connection.execute(delete(watches).where(*its)).rowcount == 1

    @writes
    def asked_until(
        self, connection: Connection, number: int, until: datetime, found: int, now: datetime
    ) -> None:
        """See bot.ports.Watches. One that was ended meanwhile stays so."""
        if not _is_number(number):
            return
        values: dict[str, Any] = {"until": until}
        if found > 0:
            values |= {"found_at": now, "found": watches.c.found + min(found, MOST_FOUND)}
        connection.execute(update(watches).where(watches.c.number == number).values(**values))


def _is_number(number: int) -> bool:
    return 0 < number < 2**63


def _next_number(connection: Connection) -> int:
    counted = (
        update(counters)
        .where(counters.c.name == "watches")
        .values(value=counters.c.value + 1)
        .returning(counters.c.value)
    )
    return int(connection.execute(counted).scalar_one())


def _watched(row: Row[Any]) -> Watched:
    return Watched(
        number=row.number,
        line=row.line,
        clusters=msgspec.json.decode(row.clusters, type=tuple[str, ...]),
        by=Person(id=row.by_id, name=row.by_name),
        conversation_id=row.conversation_id,
        zone=row.zone,
        since=row.since,
        until=row.until,
        found_at=row.found_at,
        found=row.found,
    )
