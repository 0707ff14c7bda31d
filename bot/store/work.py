"""Due rows: claimed under a lease, done, let go. Every write of a holder is fenced by its claim."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import (
    Connection,
    Integer,
    Row,
    Select,
    Table,
    and_,
    bindparam,
    case,
    func,
    or_,
    select,
    update,
)

from audit.incident import Incident
from bot.ports import Chore, Claim, Look, Notification, NotificationState, Step
from bot.store import digests, due, trail
from bot.store.codec import chore_of, incident_of, look_of, notification_of
from bot.store.database import OnDatabase, reads, writes
from bot.store.leases import DatabaseTime, lease_end, nobody_holds
from bot.store.tables import UtcTime, chores, conversations, incidents, looks, notifications

CONVERSATION_COLUMNS = (
    "teams_id",
    "service_url",
    "tenant_id",
    "bot_id",
    "team_id",
    "user_object_id",
    "name",
)

#: Tries of a card before others of its conversation may go before it.
TRIES_IN_FRONT = 5


class SqlWork(OnDatabase):
    """Implements bot.ports.Work."""

    async def claim_looks(self, owner: str, now: datetime, limit: int) -> Sequence[Look]:
        """See bot.ports.Work. Oldest due first."""
        rows = await self._claimed(looks, _LOOKS, owner, now, limit)
        return [look_of(row, owner, now) for row in rows]

    async def claim_chores(self, owner: str, now: datetime, limit: int) -> Sequence[Chore]:
        """See bot.ports.Work."""
        rows = await self._claimed(chores, _CHORES, owner, now, limit)
        return [chore_of(row, owner, now) for row in rows]

    async def claim_notifications(self, owner: str, now: datetime, limit: int) -> Sequence[Notification]:
        """See bot.ports.Work. One for each conversation, that each has its messages in order; oldest due first."""
        if crowd := await self._crowded():
            await self._fold(crowd, now)
        rows = await self._claimed(notifications, _TURNS, owner, now, limit)
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
                connection.execute(update(conversations).where(theirs).values(busy_until=until))
            connection.execute(update(table).where(ours).values(lease_until=until))

    @reads
    def holds(self, connection: Connection, notification: Notification) -> bool:
        """See bot.ports.Work."""
        return connection.execute(_HOLDS, _fence(notification)).first() is not None

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
        _let_go(connection, row, due_at=notification.due_at if stays_first else until, reason=reason)
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
        said = trail.said(notification, Step.FAILED, now, reason)
        trail.note(connection, row.incident_id, *said)
        return True

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
        times = [connection.scalar(_NEXT_LOOK), connection.scalar(_NEXT_TURN)]
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


_NOW = bindparam("now", type_=UtcTime())
_MOST = bindparam("most", type_=Integer())


def _next(table: Table, wanted: Select[Any]) -> Select[Any]:
    return (
        wanted.where(table.c.due_at <= _NOW, nobody_holds(table))
        .order_by(table.c.due_at, table.c.id)
        .limit(_MOST)
        # Rows that another claimer has its hand on are his; SQLite has one writer and ignores this.
        .with_for_update(of=table, skip_locked=True, key_share=True)
    )


def _turns() -> Select[Any]:
    """Select, for each conversation that may be spoken in, the one notification whose turn it is.

    What nobody has seen yet comes before changes of what stands.
    """
    each = notifications.alias()
    first = (
        select(each.c.id)
        .where(each.c.conversation_id == conversations.c.id, each.c.due_at <= _NOW, nobody_holds(each))
        .order_by(each.c.due_at, each.c.id)
        .limit(1)
        .correlate(conversations)
    )
    unseen = first.where(each.c.activity_id == "").scalar_subquery()
    return (
        select(
            notifications,
            incidents.c.key.label("incident_key"),
            conversations.c.kind.label("conversation_kind"),
            *(conversations.c[name] for name in CONVERSATION_COLUMNS),
        )
        .select_from(conversations)
        .join(notifications, notifications.c.id == func.coalesce(unseen, first.scalar_subquery()))
        .outerjoin(incidents, incidents.c.id == notifications.c.incident_id)
        .where(
            or_(conversations.c.paced_until.is_(None), conversations.c.paced_until <= _NOW),
            or_(conversations.c.busy_until.is_(None), conversations.c.busy_until <= DatabaseTime()),
        )
        .order_by(notifications.c.due_at, notifications.c.id)
        .limit(_MOST)
        .with_for_update(of=(notifications, conversations), skip_locked=True, key_share=True)
    )


def _next_turn() -> Select[Any]:
    """Select when the next notification may be said; not before its conversation may be spoken in."""
    first = (
        select(func.min(notifications.c.due_at))
        .where(
            notifications.c.conversation_id == conversations.c.id,
            notifications.c.due_at.is_not(None),
            nobody_holds(notifications),
        )
        .correlate(conversations)
        .scalar_subquery()
    )
    turns = (
        select(first.label("due_at"), conversations.c.paced_until)
        .where(or_(conversations.c.busy_until.is_(None), conversations.c.busy_until <= DatabaseTime()))
        .subquery()
    )
    return select(
        func.min(case((turns.c.paced_until > turns.c.due_at, turns.c.paced_until), else_=turns.c.due_at))
    ).where(turns.c.due_at.is_not(None))


# Made once: building a statement takes longer than SQLite takes to run it.
_LOOKS = _next(
    looks,
    select(looks, incidents.c.key.label("incident_key")).join(
        incidents, incidents.c.id == looks.c.incident_id
    ),
)
_CHORES = _next(chores, select(chores))
_TURNS = _turns()
_NEXT_TURN = _next_turn()
_NEXT_LOOK = select(func.min(looks.c.due_at)).where(looks.c.due_at.is_not(None), nobody_holds(looks))
_CONVERSATION = (
    select(conversations.c.id)
    .where(conversations.c.teams_id == bindparam("teams_id"))
    .with_for_update(key_share=True)
)
_FENCED = and_(
    notifications.c.id == bindparam("row"),
    notifications.c.owner == bindparam("holder"),
    notifications.c.attempt == bindparam("try"),
    notifications.c.claims == bindparam("claim"),
)
_HELD = select(notifications).where(_FENCED).with_for_update(key_share=True)
_HOLDS = select(notifications.c.id).where(_FENCED, notifications.c.lease_until > DatabaseTime())


def _fence(claim: Claim) -> dict[str, Any]:
    return {"row": claim.id, "holder": claim.owner, "try": claim.attempt, "claim": claim.claim}


def _held(connection: Connection, notification: Notification) -> Row[Any] | None:
    """Lock the conversation and then the row, in the order in which a route's end takes them; None if it is not ours."""
    connection.execute(_CONVERSATION, {"teams_id": notification.conversation.id})
    return connection.execute(_HELD, _fence(notification)).first()


def _let_go(connection: Connection, row: Row[Any], **values: Any) -> None:
    """Write the values, and give the row and its conversation's turn back."""
    connection.execute(
        update(notifications).where(notifications.c.id == row.id).values(**(due.LET_GO | values))
    )
    connection.execute(
        update(conversations).where(conversations.c.id == row.conversation_id).values(busy_until=None)
    )
