"""Due rows: claimed under a lease, done, let go. Every write of a holder is fenced by its claim."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import Connection, Row, Select, Table, exists, or_, select, update

from audit.incident import Incident
from bot.errors import Reason
from bot.ports import Chore, Claim, Look, Notification, NotificationState, Step
from bot.store import digests, due, trail
from bot.store.claims import CHORES, CONVERSATION, HELD, HOLDS, LOOKS, NEXT_LOOK, NEXT_TURN, TURNS
from bot.store.codec import chore_of, incident_of, look_of, notification_of
from bot.store.database import OnDatabase, reads, writes
from bot.store.leases import DatabaseTime, lease_end
from bot.store.tables import chores, conversations, incidents, looks, notifications

#: Tries of a card before others of its conversation may go before it.
TRIES_IN_FRONT = 5

#: The longest that anything is ever put off; what is due later than that was written by a clock that was wrong.
LONGEST_WAIT = timedelta(minutes=20)
#: The second look is due a while after the window's end, which may lie in the future a little.
LONGEST_LOOK = timedelta(minutes=45)
LONGEST_CHORE = timedelta(hours=2)


class SqlWork(OnDatabase):
    """Implements bot.ports.Work."""

    async def claim_looks(self, owner: str, now: datetime, limit: int) -> Sequence[Look]:
        """See bot.ports.Work. Oldest due first."""
        rows = await self._claimed(looks, LOOKS, owner, now, limit)
        return [look_of(row, owner, now) for row in rows]

    async def claim_chores(self, owner: str, now: datetime, limit: int) -> Sequence[Chore]:
        """See bot.ports.Work."""
        rows = await self._claimed(chores, CHORES, owner, now, limit)
        return [chore_of(row, owner, now) for row in rows]

    async def claim_notifications(self, owner: str, now: datetime, limit: int) -> Sequence[Notification]:
        """See bot.ports.Work. One for each conversation, that each has its messages in order; oldest due first."""
        if crowd := await self._crowded():
            await self._fold(crowd, now)
        rows = await self._claimed(notifications, TURNS, owner, now, limit)
        return [notification_of(row, owner, now) for row in rows]

    @reads
    def _crowded(self, connection: Connection) -> Sequence[int]:
        return digests.crowded(connection)

    @writes
    def _fold(self, connection: Connection, crowd: Sequence[int], now: datetime) -> None:
        digests.fold(connection, crowd, now)

    async def _claimed(
        self, table: Table, wanted: Select[Any], owner: str, now: datetime, limit: int
    ) -> Sequence[Row[Any]]:
        # On SQLite nobody else can take them; and a claim that finds nothing must not wait for the one writer.
        if self._database.dialect == "sqlite" and not await self._finds(wanted, now):
            return ()
        return await self._take(table, wanted, owner, {"now": now, "most": limit})

    @reads
    def _finds(self, connection: Connection, wanted: Select[Any], now: datetime) -> bool:
        return connection.execute(wanted, {"now": now, "most": 1}).first() is not None

    @writes
    def _take(
        self,
        connection: Connection,
        table: Table,
        wanted: Select[Any],
        owner: str,
        told: Mapping[str, Any],
    ) -> Sequence[Row[Any]]:
        """Take the rows, and return them as they were before."""
        rows: Sequence[Row[Any]] = connection.execute(wanted, told).all()
        if not rows:
            return ()
        until = lease_end(self._database.lease)
        taken: dict[str, Any] = {
            "owner": owner,
            "lease_until": until,
            "attempt": table.c.attempt + 1,
            "claims": table.c.claims + 1,
        }
        if "wants" in table.c:
            taken["wants_seen"] = table.c.wants
        ids = [row.id for row in rows]
        connection.execute(update(table).where(table.c.id.in_(ids)).values(**taken))
        if table is notifications:
            busy = conversations.c.id.in_([row.conversation_id for row in rows])
            connection.execute(update(conversations).where(busy).values(busy_until=until))
        return rows

    @writes
    def renew(self, connection: Connection, held: Sequence[Claim]) -> None:
        """See bot.ports.Work."""
        until = lease_end(self._database.lease)
        by_table: dict[Table, list[Claim]] = defaultdict(list)
        for claim in held:
            by_table[_table_of(claim)].append(claim)
        for table, claims in by_table.items():
            ours = or_(*(due.held_by(table, claim) for claim in claims))
            if table is notifications:
                theirs = conversations.c.id.in_(select(notifications.c.conversation_id).where(ours))
                # Locked first: an update that waits for a lock goes by what its subquery found before the wait.
                connection.execute(
                    select(conversations.c.id)
                    .where(theirs)
                    .order_by(conversations.c.id)
                    .with_for_update(key_share=True)
                )
                connection.execute(update(conversations).where(theirs).values(busy_until=until))
            connection.execute(update(table).where(ours).values(lease_until=until))

    @reads
    def holds(self, connection: Connection, notification: Notification) -> bool:
        """See bot.ports.Work."""
        return connection.execute(HOLDS, _fence(notification)).first() is not None

    @writes
    def posted(
        self,
        connection: Connection,
        notification: Notification,
        activity_id: str,
        version: int,
        now: datetime,
    ) -> bool:
        """See bot.ports.Work. A success: the next try is the first again.

        False, too, where somebody clicked another copy meanwhile, which is the one that is kept since.
        """
        # Locked, so that a change of the incident comes either before this and is seen, or after it and
        # finds a posted copy to make stale.
        newest = connection.scalar(
            select(incidents.c.version)
            .where(incidents.c.key == notification.incident_key)
            .with_for_update(read=True)
        )
        row = _held(connection, notification)
        if row is None:
            return False
        adopted = row.activity_id not in {notification.activity_id, activity_id}
        stale = adopted or (newest is not None and newest > version) or row.wants != row.wants_seen
        _let_go(
            connection,
            row,
            state=(NotificationState.STALE if stale else NotificationState.POSTED).value,
            due_at=now if stale else None,
            activity_id=row.activity_id if adopted else activity_id,
            shown_version=version,
            reason="",
            attempt=0,
        )
        step = Step.UPDATED if activity_id == notification.activity_id else Step.POSTED
        trail.note(connection, row.incident_id, *trail.said(notification, step, now))
        return not adopted

    @writes
    def put_off(
        self,
        connection: Connection,
        notification: Notification,
        until: datetime,
        reason: str,
        now: datetime,
        *,
        whole: bool = False,
    ) -> bool:
        """See bot.ports.Work."""
        row = _held(connection, notification)
        if row is None:
            return False
        # First again when the conversation may be spoken in, so that its tries count on and its order stays; but
        # a card that fails again and again makes room for the others.
        stays_first = whole and notification.attempt <= TRIES_IN_FRONT
        changes: dict[str, Any] = {"due_at": notification.due_at if stays_first else until, "reason": reason}
        if reason == Reason.PACED:
            # Nothing was tried.
            changes["attempt"] = row.attempt - 1
        _let_go(connection, row, **changes)
        if whole:
            connection.execute(
                update(conversations)
                .where(
                    conversations.c.id == row.conversation_id,
                    or_(conversations.c.paced_until.is_(None), conversations.c.paced_until < until),
                )
                .values(paced_until=until)
            )
        said = trail.said(notification, Step.PUT_OFF, now, reason)
        trail.note(connection, row.incident_id, *said)
        return True

    @writes
    def fail(
        self,
        connection: Connection,
        notification: Notification,
        reason: str,
        now: datetime,
        *,
        detail: str = "",
        card: Mapping[str, Any] | None = None,
    ) -> bool:
        """See bot.ports.Work."""
        kept = None if card is None else orjson.dumps(card)
        dead = {"failed_at": now, "detail": detail, "card": kept, "reason": reason, "due_at": None}
        row = _held(connection, notification)
        if row is None:
            return False
        _let_go(connection, row, state=NotificationState.FAILED.value, **dead)
        if row.incident_id is None:
            # Nobody has seen what the digest stood for: each becomes a dead letter, to be tried on its own.
            connection.execute(
                update(notifications)
                .where(notifications.c.digest_id == row.id)
                .values(**(due.NOBODY_HOLDS | dead | {"card": None}), digest_id=None, state="failed")
            )
        said = trail.said(notification, Step.FAILED, now, reason)
        trail.note(connection, row.incident_id, *said)
        return True

    @writes
    def pull_in(self, connection: Connection, now: datetime) -> int:
        """See bot.ports.Work."""
        count = 0
        for table, longest in ((looks, LONGEST_LOOK), (notifications, LONGEST_WAIT), (chores, LONGEST_CHORE)):
            far = (table.c.due_at > now + longest, table.c.owner.is_(None))
            count += connection.execute(update(table).where(*far).values(due_at=now)).rowcount
        silent = conversations.c.paced_until > now + LONGEST_WAIT
        connection.execute(update(conversations).where(silent).values(paced_until=None))
        return count

    @writes
    def chore_done(self, connection: Connection, chore: Chore, again_at: datetime) -> bool:
        """See bot.ports.Work."""
        values = due.NOBODY_HOLDS | {"due_at": again_at}
        done = connection.execute(update(chores).where(due.held_by(chores, chore)).values(**values))
        return done.rowcount == 1

    @reads
    def digest(self, connection: Connection, notification: Notification) -> Sequence[Incident]:
        """See bot.ports.Work."""
        statement = (
            select(incidents)
            .join(notifications, notifications.c.incident_id == incidents.c.id)
            .where(notifications.c.digest_id == notification.id)
            .order_by(incidents.c.number)
        )
        return [incident_of(row) for row in connection.execute(statement).all()]

    @reads
    def next_due(self, connection: Connection, now: datetime) -> datetime | None:
        """See bot.ports.Work. Never before `now`; neither what is held, here or elsewhere, nor chores: they can wait."""
        times = [connection.scalar(NEXT_LOOK), connection.scalar(NEXT_TURN)]
        found = [at for at in times if at is not None]
        return max(now, min(found)) if found else None

    @writes
    def release(self, connection: Connection, owner: str | None) -> int:
        """See bot.ports.Work."""
        count = 0
        held = _owned(notifications, owner)
        theirs = conversations.c.id.in_(select(notifications.c.conversation_id).where(held))
        connection.execute(update(conversations).where(theirs).values(busy_until=None))
        for table in (looks, notifications, chores):
            let_go = update(table).where(_owned(table, owner)).values(**due.LET_GO)
            count += (connection.execute(let_go)).rowcount
        due.announce(connection)
        return count


def _owned(table: Table, owner: str | None) -> Any:
    return table.c.owner.is_not(None) if owner is None else table.c.owner == owner


def _table_of(claim: Claim) -> Table:
    if isinstance(claim, Notification):
        return notifications
    return looks if isinstance(claim, Look) else chores


def _fence(claim: Claim) -> dict[str, Any]:
    return {"row": claim.id, "holder": claim.owner, "try": claim.attempt, "claim": claim.claim}


def _held(connection: Connection, notification: Notification) -> Row[Any] | None:
    """Lock the conversation and then the row, in the order in which a route's end takes them; None if it is not ours."""
    connection.execute(CONVERSATION, {"teams_id": notification.conversation.id})
    return connection.execute(HELD, _fence(notification)).first()


def _let_go(connection: Connection, row: Row[Any], **values: Any) -> None:
    """Write the values, and give the row and its conversation's turn back."""
    connection.execute(
        update(notifications).where(notifications.c.id == row.id).values(**(due.LET_GO | values))
    )
    others = notifications.alias()
    busy = exists().where(
        others.c.conversation_id == row.conversation_id,
        others.c.id != row.id,
        others.c.owner.is_not(None),
        others.c.lease_until > DatabaseTime(),
    )
    connection.execute(
        update(conversations).where(conversations.c.id == row.conversation_id, ~busy).values(busy_until=None)
    )
