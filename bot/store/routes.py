"""Where the bot is installed, and which conversations want incidents."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, exists, func, or_, select, update

from bot.errors import Reason, Rejected
from bot.ports import Conversation, NotificationState
from bot.store import due
from bot.store.codec import conversation_of
from bot.store.database import OnDatabase, advisory_locks, reads, writes
from bot.store.tables import conversations, incidents, notifications, subscriptions

#: Kept with the notifications that a route's end ends.
ENDED = "conversation ended"
UNSUBSCRIBED = "unsubscribed"


class SqlRoutes(OnDatabase):
    """Implements bot.ports.Routes."""

    @writes
    def remember(self, connection: Connection, conversation: Conversation, now: datetime) -> None:
        """See bot.ports.Routes. What this activity does not say of name, team and person stays as it was known."""
        values = {
            "kind": conversation.kind.value,
            "service_url": conversation.service_url,
            "tenant_id": conversation.tenant_id,
            "bot_id": conversation.bot_id,
            "seen_at": now,
            "ended_at": None,
        }
        if_known = {
            "team_id": conversation.team_id,
            "user_object_id": conversation.user_object_id,
            "name": conversation.name,
        }
        statement = due.insert_into(connection, conversations).values(
            teams_id=conversation.id, **values, **if_known
        )
        known = {
            name: func.coalesce(func.nullif(statement.excluded[name], ""), conversations.c[name])
            for name in if_known
        }
        connection.execute(statement.on_conflict_do_update(index_elements=["teams_id"], set_=values | known))

    @reads
    def conversation(self, connection: Connection, conversation_id: str) -> Conversation | None:
        """See bot.ports.Routes."""
        row = connection.execute(_living(conversation_id)).first()
        return conversation_of(row) if row else None

    @writes
    def subscribe(self, connection: Connection, conversation_id: str, now: datetime) -> bool:
        """See bot.ports.Routes. Also sends there what stands nowhere yet.

        Raises Rejected(Reason.NOT_FOUND) for a conversation that was never remembered, or has ended.
        """
        # No alert is recorded meanwhile: it is either seen here, or sees the subscription.
        advisory_locks(connection, own=("routes",))
        row = connection.execute(_living(conversation_id)).first()
        if row is None:
            raise Rejected(Reason.NOT_FOUND, "no such conversation")
        new = connection.execute(
            due.insert_into(connection, subscriptions)
            .values(conversation_id=row.id, since=now)
            .on_conflict_do_nothing(index_elements=["conversation_id"])
            .returning(subscriptions.c.id)
        )
        if new.first() is None:
            return False
        due.adopt_unseen(connection, row.id, now)
        due.announce(connection)
        return True

    @writes
    def unsubscribe(self, connection: Connection, conversation_id: str, now: datetime) -> bool:  # noqa: ARG002 - the port's signature
        """See bot.ports.Routes. What was never posted there will not be, but for incidents of its own.

        Cards that stand there are kept up to date.
        """
        advisory_locks(connection, own=("routes",))
        row = connection.execute(_living(conversation_id)).first()
        if row is None or not _unsubscribe(connection, [row.id]):
            return False
        theirs = notifications.alias()
        unsaid = select(theirs.c.id).where(
            theirs.c.conversation_id == row.id, theirs.c.incident_id.is_(None), theirs.c.activity_id == ""
        )
        its_own = exists().where(
            incidents.c.id == notifications.c.incident_id,
            or_(incidents.c.only_for == conversation_id, incidents.c.also_for == conversation_id),
        )
        unwanted = {"state": NotificationState.FAILED.value, "due_at": None, "reason": UNSUBSCRIBED}
        connection.execute(
            update(notifications)
            .where(
                notifications.c.conversation_id == row.id,
                notifications.c.state == NotificationState.PENDING.value,
                or_(notifications.c.digest_id.is_(None), notifications.c.digest_id.in_(unsaid)),
                ~its_own,
            )
            # What is being said at this moment is taken away again by whoever says it, and no longer holds it.
            .values(**(due.NOBODY_HOLDS | unwanted), digest_id=None)
        )
        return True

    @writes
    def end(
        self, connection: Connection, now: datetime, *, conversation_id: str = "", team_id: str = ""
    ) -> int:
        """See bot.ports.Routes. Without either id, nothing ends."""
        if not conversation_id and not team_id:
            return 0
        which = conversations.c.teams_id == conversation_id
        if team_id:
            which = conversations.c.team_id == team_id
        advisory_locks(connection, own=("routes",))
        result = connection.execute(
            update(conversations)
            .where(which, conversations.c.ended_at.is_(None))
            .values(ended_at=now, busy_until=None, paced_until=None)
            .returning(conversations.c.id)
        )
        ended = list(result.scalars())
        if ended:
            _unsubscribe(connection, ended)
            _end_notifications(connection, ended)
        return len(ended)

    @reads
    def subscribed(self, connection: Connection) -> Sequence[Conversation]:
        """See bot.ports.Routes. In the order in which they subscribed."""
        statement = (
            _conversations()
            .join(subscriptions, subscriptions.c.conversation_id == conversations.c.id)
            .order_by(subscriptions.c.id)
        )
        rows: Sequence[Row[Any]] = connection.execute(statement).all()
        return [conversation_of(row) for row in rows]


def _conversations() -> Select[Any]:
    return select(conversations, conversations.c.kind.label("conversation_kind")).where(
        conversations.c.ended_at.is_(None)
    )


def _living(conversation_id: str) -> Select[Any]:
    return _conversations().where(conversations.c.teams_id == conversation_id)


def _unsubscribe(connection: Connection, ids: Sequence[int]) -> int:
    statement = delete(subscriptions).where(subscriptions.c.conversation_id.in_(ids))
    return (connection.execute(statement)).rowcount


def _end_notifications(connection: Connection, ids: Sequence[int]) -> None:
    connection.execute(
        update(notifications)
        .where(
            notifications.c.conversation_id.in_(ids),
            notifications.c.state != NotificationState.FAILED.value,
        )
        .values(**due.LET_GO, state=NotificationState.FAILED.value, due_at=None, reason=ENDED)
    )
