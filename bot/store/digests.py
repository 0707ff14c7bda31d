"""Digests: when too many incidents wait to be said in one conversation, one card stands for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, func, insert, literal, select, update

from bot.ports import NotificationState, Step
from bot.store import due
from bot.store.tables import UtcTime, conversations, notifications, traces

#: So many cards that nobody has seen yet may wait for one conversation; of more, a digest is made.
MOST_WAITING = 20
#: A digest takes in further incidents for this long; after that a new one is posted, which people are told of.
OPEN_FOR = timedelta(hours=1)

_UNSEEN = and_(
    notifications.c.state == NotificationState.PENDING.value,
    notifications.c.activity_id == "",
    notifications.c.incident_id.is_not(None),
    notifications.c.digest_id.is_(None),
    notifications.c.owner.is_(None),
)


_CROWDED = (
    select(notifications.c.conversation_id)
    .where(_UNSEEN)
    .group_by(notifications.c.conversation_id)
    .having(func.count() > MOST_WAITING)
)


def crowded(connection: Connection) -> Sequence[int]:
    """Return the conversations for which too many cards wait."""
    return list(connection.execute(_CROWDED).scalars())


def fold(connection: Connection, crowd: Sequence[int], now: datetime) -> None:
    """Put what waits for these conversations into a digest each."""
    free = (
        select(conversations.c.id)
        .where(conversations.c.id.in_(crowd))
        .order_by(conversations.c.id)
        # A conversation that another replica has its hand on is folded by it, or by the next claim.
        .with_for_update(skip_locked=True, key_share=True)
    )
    locked = list(connection.execute(free).scalars())
    # Asked again now that they are locked: somebody else may have folded them, or nobody wants them any more.
    for conversation_id in set(locked) & set(crowded(connection)):
        digest_id = _digest(connection, conversation_id, now)
        folded = connection.execute(
            update(notifications)
            .where(_UNSEEN, notifications.c.conversation_id == conversation_id)
            .values(digest_id=digest_id, due_at=None)
            .returning(notifications.c.incident_id)
        )
        rows = [
            {"incident_id": id_, "at": now, "step": Step.FOLDED.value, "seconds": None}
            for id_ in folded.scalars()
        ]
        if rows:
            connection.execute(insert(traces), rows)
            due.refresh_digests(connection, [digest_id], now)


def _digest(connection: Connection, conversation_id: int, now: datetime) -> int:
    """Return the conversation's open digest, or a new one."""
    newest = (
        select(notifications.c.id)
        .where(
            notifications.c.conversation_id == conversation_id,
            notifications.c.incident_id.is_(None),
            notifications.c.state != NotificationState.FAILED.value,
            notifications.c.created_at > literal(now - OPEN_FOR, UtcTime),
        )
        .order_by(notifications.c.id.desc())
        .limit(1)
    )
    found = connection.scalar(newest)
    if found is not None:
        return int(found)
    new: dict[str, Any] = {
        "conversation_id": conversation_id,
        "state": NotificationState.PENDING.value,
        "created_at": now,
        "due_at": now,
    }
    made = insert(notifications).values(**new).returning(notifications.c.id)
    return int(connection.execute(made).scalar_one())
