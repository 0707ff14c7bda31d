"""Due rows: claimed under a lease, done, let go. Every write of a holder is fenced by its claim."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, Table, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.ports import Look, Notification, NotificationState
from bot.store import due
from bot.store.codec import look_of, notification_of
from bot.store.database import OnDatabase, to_the_end
from bot.store.tables import conversations, incidents, looks, notifications

#: How long a claimed row stays its claimer's; the next one takes it over after that. Nothing renews it yet, so it
#: outlasts the longest work on a row: two questions in turn (the window, then what came since) of
#: bot.inquiry.DEADLINE each, or an update and a post of 30 s each, and the store's own waits.
LEASE = timedelta(seconds=90)


class SqlWork(OnDatabase):
    """Implements bot.ports.Work."""

    @to_the_end
    async def claim_looks(self, owner: str, now: datetime, limit: int) -> Sequence[Look]:
        """See bot.ports.Work. Oldest due first; held for LEASE."""
        wanted = select(looks, incidents.c.key.label("incident_key")).join(
            incidents, incidents.c.id == looks.c.incident_id
        )
        async with self._database.write() as connection:
            rows = await _claim(connection, looks, wanted, owner, now, limit)
        return [look_of(row, owner, now + LEASE) for row in rows]

    @to_the_end
    async def claim_notifications(self, owner: str, now: datetime, limit: int) -> Sequence[Notification]:
        """See bot.ports.Work. Oldest due first; held for LEASE."""
        wanted = (
            select(
                notifications,
                incidents.c.key.label("incident_key"),
                conversations.c.kind.label("conversation_kind"),
                *(conversations.c[name] for name in CONVERSATION_COLUMNS),
            )
            .join(incidents, incidents.c.id == notifications.c.incident_id)
            .join(conversations, conversations.c.id == notifications.c.conversation_id)
        )
        async with self._database.write() as connection:
            rows = await _claim(connection, notifications, wanted, owner, now, limit)
        return [notification_of(row, owner, now + LEASE) for row in rows]

    @to_the_end
    async def posted(self, notification: Notification, activity_id: str, version: int) -> bool:
        """See bot.ports.Work. A success: the next try is the first again."""
        async with self._database.write() as connection:
            # Locked, so that a change of the incident comes either before this and is seen, or after it and
            # finds a posted copy to make stale.
            newest = await connection.scalar(
                select(incidents.c.version)
                .where(incidents.c.key == notification.incident_key)
                .with_for_update(read=True)
            )
            stale = newest is not None and newest > version
            return await _let_go(
                connection,
                notification,
                state=(NotificationState.STALE if stale else NotificationState.POSTED).value,
                due_at=notification.lease_until - LEASE if stale else None,
                activity_id=activity_id,
                shown_version=version,
                reason="",
                attempt=0,
            )

    @to_the_end
    async def put_off(self, notification: Notification, until: datetime, reason: str) -> bool:
        """See bot.ports.Work."""
        async with self._database.write() as connection:
            return await _let_go(connection, notification, due_at=until, reason=reason)

    @to_the_end
    async def fail(self, notification: Notification, reason: str) -> bool:
        """See bot.ports.Work. The reason is kept with it."""
        failed = NotificationState.FAILED.value
        async with self._database.write() as connection:
            return await _let_go(connection, notification, state=failed, due_at=None, reason=reason)

    @to_the_end
    async def next_due(self, now: datetime) -> datetime | None:
        """See bot.ports.Work. Never before `now`; a held row counts from the end of its lease."""
        queries = (*due.next_due_of(looks), *due.next_due_of(notifications))
        async with self._database.read() as connection:
            row = (await connection.execute(select(*queries))).one()
        times = [at for at in row if at is not None]
        return max(now, min(times)) if times else None

    @to_the_end
    async def release(self, owner: str | None) -> int:
        """See bot.ports.Work."""
        count = 0
        async with self._database.write() as connection:
            for table in (looks, notifications):
                held = table.c.owner.is_not(None) if owner is None else table.c.owner == owner
                result = await connection.execute(update(table).where(held).values(**due.LET_GO))
                count += result.rowcount
        return count


CONVERSATION_COLUMNS = (
    "teams_id",
    "service_url",
    "tenant_id",
    "bot_id",
    "team_id",
    "user_object_id",
    "name",
)


async def _claim(
    connection: AsyncConnection, table: Table, wanted: Select[Any], owner: str, now: datetime, limit: int
) -> Sequence[Row[Any]]:
    """Take due rows that nobody holds, and return them as they were before."""
    statement = (
        wanted.where(table.c.due_at <= now, or_(table.c.owner.is_(None), table.c.lease_until <= now))
        .order_by(table.c.due_at, table.c.id)
        .limit(limit)
        # Rows that another claimer has its hand on are his; SQLite has one writer and ignores this.
        .with_for_update(of=table, skip_locked=True, key_share=True)
    )
    rows: Sequence[Row[Any]] = (await connection.execute(statement)).all()
    if rows:
        taken: dict[str, Any] = {
            "owner": owner,
            "lease_until": now + LEASE,
            "attempt": table.c.attempt + 1,
            "claims": table.c.claims + 1,
        }
        if table is looks:
            taken["wants_seen"] = table.c.wants
        ids = [row.id for row in rows]
        await connection.execute(update(table).where(table.c.id.in_(ids)).values(**taken))
    return rows


async def _let_go(connection: AsyncConnection, notification: Notification, **values: Any) -> bool:
    """Write the values and give the row back, if it is still held by this claim."""
    result = await connection.execute(
        update(notifications).where(due.held_by(notifications, notification)).values(**(due.LET_GO | values))
    )
    return result.rowcount == 1
