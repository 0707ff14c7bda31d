"""What becomes due when an incident changes. Called inside the transaction that changes it, its row locked."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, case, exists, func, literal, null, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.ports import Look, LookKind, Notification, NotificationState
from bot.store.tables import UtcTime, evidence, incidents, looks, notifications, subscriptions

#: A look that covers what the other would ask takes its place: since asks from the window's start to now.
_COVERS = {LookKind.LATE: 0, LookKind.ALERT: 1, LookKind.SINCE: 2}

#: Columns of a row that nobody holds.
LET_GO: dict[str, Any] = {"owner": None, "lease_until": None}

NOBODY_HOLDS: dict[str, Any] = LET_GO | {"attempt": 0}


def insert_into(connection: AsyncConnection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """Return the dialect's INSERT, which has ON CONFLICT on both databases, spelt alike."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


def held_by(table: Table, held: Notification | Look) -> ColumnElement[bool]:
    """Tell whether the row still belongs to exactly this claim."""
    return and_(
        table.c.id == held.id,
        table.c.owner == held.owner,
        table.c.attempt == held.attempt,
        table.c.claims == held.claim,
    )


async def want_look(connection: AsyncConnection, incident_id: int, kind: LookKind, now: datetime) -> None:
    """Make a look due now. One that is being taken at this moment ends as usual, and then this one is due."""
    row = (
        await connection.execute(
            select(looks.c.kind, looks.c.due_at).where(looks.c.incident_id == incident_id)
        )
    ).first()
    if row is None:
        await connection.execute(
            looks.insert().values(incident_id=incident_id, kind=kind.value, due_at=now, wants=1)
        )
        return
    kinds = [kind] if row.due_at is None else [kind, LookKind(row.kind)]
    await connection.execute(
        update(looks)
        .where(looks.c.incident_id == incident_id)
        .values(
            kind=max(kinds, key=_COVERS.__getitem__).value,
            due_at=now if row.due_at is None else min(now, row.due_at),
            wants=looks.c.wants + 1,
        )
    )


async def make_stale(connection: AsyncConnection, incident_id: int, now: datetime) -> None:
    """Make posted copies due. Those put off keep their time: they will show the newest version anyway."""
    await connection.execute(
        update(notifications)
        .where(
            notifications.c.incident_id == incident_id,
            notifications.c.state == NotificationState.POSTED.value,
        )
        .values(state=NotificationState.STALE.value, due_at=now)
    )


async def make_postable(connection: AsyncConnection, incident_id: int, now: datetime) -> None:
    """Make due what waited for the evidence."""
    await connection.execute(
        update(notifications)
        .where(
            notifications.c.incident_id == incident_id,
            notifications.c.state == NotificationState.PENDING.value,
            notifications.c.due_at.is_(None),
        )
        .values(due_at=now)
    )


async def notify_subscribed(connection: AsyncConnection, incident_id: int, now: datetime) -> None:
    """Add a pending notification for each subscribed conversation that has none of this incident."""
    wanted = select(
        literal(incident_id),
        subscriptions.c.conversation_id,
        literal(NotificationState.PENDING.value),
        literal(now, UtcTime),
        due_once_asked(literal(incident_id), now),
    ).where(subscriptions.c.id.is_not(None))
    await connection.execute(
        insert_into(connection, notifications)
        .from_select(["incident_id", "conversation_id", "state", "created_at", "due_at"], wanted)
        .on_conflict_do_nothing(index_elements=["incident_id", "conversation_id"])
    )


async def adopt_unseen(connection: AsyncConnection, conversation_id: int, now: datetime) -> None:
    """Send to the conversation all incidents that are not RESOLVED and stand, or will stand, nowhere.

    An alert that came before any subscription is not lost that way, nor one whose only conversation has ended.
    """
    living = exists().where(
        notifications.c.incident_id == incidents.c.id,
        notifications.c.state != NotificationState.FAILED.value,
    )
    unseen = select(
        incidents.c.id,
        literal(conversation_id),
        literal(NotificationState.PENDING.value),
        literal(now, UtcTime),
        due_once_asked(incidents.c.id, now),
    ).where(incidents.c.state != "resolved", ~living)
    statement = insert_into(connection, notifications).from_select(
        ["incident_id", "conversation_id", "state", "created_at", "due_at"], unseen
    )
    posted_before = notifications.c.activity_id != ""
    again = case((posted_before, NotificationState.STALE.value), else_=NotificationState.PENDING.value)
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=["incident_id", "conversation_id"],
            set_=NOBODY_HOLDS | {"state": again, "due_at": statement.excluded.due_at, "reason": ""},
        )
    )


def due_once_asked(incident_id: ColumnElement[int], now: datetime) -> ColumnElement[datetime]:
    """Return now for an incident that has evidence, NULL for one that waits for its first look."""
    asked = exists().where(evidence.c.incident_id == incident_id)
    return case((asked, literal(now, UtcTime)), else_=null())


def next_due_of(table: Table) -> tuple[Any, Any]:
    """Return two scalar queries: when the next free row is due, and when the next lease of a held one ends."""
    due = table.c.due_at.is_not(None)
    free = select(func.min(table.c.due_at)).where(due, table.c.owner.is_(None)).scalar_subquery()
    held = select(func.min(table.c.lease_until)).where(due, table.c.owner.is_not(None)).scalar_subquery()
    return free, held
