"""Pacing's levels, and what is due and was given up: see bot.ports.Pace and bot.ports.Backlog."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import Connection, Row, Table, bindparam, case, delete, exists, func, select, update

from bot.pacing import Level, scopes, take
from bot.ports import DeadLetter, Load, Send
from bot.store import due
from bot.store.database import OnDatabase, reads, writes
from bot.store.leases import nobody_holds
from bot.store.tables import alerts, chores, conversations, incidents, looks, notifications, pace

#: Incidents taken away in one transaction, so that no alert waits long for it.
CLEANED_AT_ONCE = 500
DROPPED = "dropped: "


class SqlPace(OnDatabase):
    """Implements bot.ports.Pace."""

    @writes
    def reserve(self, connection: Connection, wanted: Sequence[Send], now: datetime) -> Sequence[timedelta]:
        """See bot.ports.Pace. The levels are locked in one order, so that two replicas wait and do not deadlock."""
        names = sorted({scope for send in wanted for scope, _ in scopes(send)})
        rows = _levels(connection, names)
        if len(rows) < len(names):
            # What is not there cannot be locked, and two who find nothing would both have all the room.
            missing = [{"scope": n, "fast": 0.0, "slow": 0.0} for n in names]
            made = due.insert_into(connection, pace).on_conflict_do_nothing(index_elements=["scope"])
            connection.execute(made, missing)
            rows = _levels(connection, names)
        before = {row.scope: Level(fast=row.fast, slow=row.slow) for row in rows}
        levels = dict(before)
        waits = take(levels, wanted, now)
        changed = [name for name in names if levels.get(name) != before.get(name)]
        if changed:
            statement = update(pace).where(pace.c.scope == bindparam("of"))
            connection.execute(
                statement, [{"of": n, "fast": levels[n].fast, "slow": levels[n].slow} for n in changed]
            )
        return waits


def _levels(connection: Connection, names: Sequence[str]) -> Sequence[Row[Any]]:
    known = select(pace).where(pace.c.scope.in_(names)).order_by(pace.c.scope).with_for_update()
    rows: Sequence[Row[Any]] = connection.execute(known).all()
    return rows


class SqlBacklog(OnDatabase):
    """Implements bot.ports.Backlog."""

    @reads
    def load(self, connection: Connection, now: datetime) -> Mapping[str, Load]:
        """See bot.ports.Backlog."""
        found = {}
        for name, table in (("look", looks), ("notification", notifications), ("chore", chores)):
            row = connection.execute(_load(table, now)).one()
            failed = connection.scalar(_dead_count()) if table is notifications else 0
            found[name] = Load(
                due=row.due or 0,
                held=row.held or 0,
                failed=failed or 0,
                oldest_due_at=row.oldest,
            )
        return found

    @reads
    def dead_letters(self, connection: Connection, limit: int = 100) -> Sequence[DeadLetter]:
        """See bot.ports.Backlog."""
        statement = (
            select(
                notifications,
                incidents.c.number,
                incidents.c.rule,
                conversations.c.teams_id,
                conversations.c.name.label("conversation_name"),
            )
            .join(conversations, conversations.c.id == notifications.c.conversation_id)
            .outerjoin(incidents, incidents.c.id == notifications.c.incident_id)
            .where(notifications.c.failed_at.is_not(None))
            .order_by(notifications.c.failed_at.desc(), notifications.c.id.desc())
            .limit(limit)
        )
        return [_dead_letter(row) for row in connection.execute(statement).all()]

    async def retry(self, id_: int, now: datetime) -> bool:
        """See bot.ports.Backlog."""
        return await self._change(id_, due.NOBODY_HOLDS | due.AGAIN | {"due_at": now})

    async def drop(self, id_: int, reason: str, now: datetime) -> bool:  # noqa: ARG002 - the port's signature
        """See bot.ports.Backlog."""
        return await self._change(id_, {"failed_at": None, "card": None, "reason": DROPPED + reason})

    @writes
    def _change(self, connection: Connection, id_: int, values: Mapping[str, Any]) -> bool:
        dead = (notifications.c.id == id_, notifications.c.failed_at.is_not(None))
        done = connection.execute(update(notifications).where(*dead).values(**values))
        due.announce(connection)
        return done.rowcount == 1

    @writes
    def clean(self, connection: Connection, before: datetime) -> int:
        """See bot.ports.Backlog. An incident is as old as its newest alert, whether or not it was ever resolved."""
        newer = exists().where(alerts.c.incident_id == incidents.c.id, alerts.c.received_at >= before)
        old = (
            select(incidents.c.id)
            .where(incidents.c.opened_at < before, ~newer)
            .order_by(incidents.c.id)
            .limit(CLEANED_AT_ONCE)
            # One that is being changed at this moment is not old.
            .with_for_update(skip_locked=True)
        )
        folded = notifications.alias()
        stands_for_some = exists().where(folded.c.digest_id == notifications.c.id)
        ids = list(connection.execute(old).scalars())
        # Asked again now that they are locked: an alert may have come between.
        gone = connection.execute(delete(incidents).where(incidents.c.id.in_(ids), ~newer))
        connection.execute(
            delete(alerts).where(alerts.c.incident_id.is_(None), alerts.c.received_at < before)
        )
        connection.execute(
            delete(notifications).where(
                notifications.c.incident_id.is_(None),
                notifications.c.created_at < before,
                ~stands_for_some,
            )
        )
        # Buckets that have been full since then are as good as new ones.
        connection.execute(delete(pace).where(pace.c.slow < before.timestamp()))
        return gone.rowcount


def _load(table: Table, now: datetime) -> Any:
    waiting = (table.c.due_at <= now) & nobody_holds(table)
    return select(
        func.sum(case((waiting, 1), else_=0)).label("due"),
        func.sum(case((~nobody_holds(table), 1), else_=0)).label("held"),
        func.min(case((waiting, table.c.due_at))).label("oldest"),
    ).where(table.c.due_at.is_not(None))


def _dead_count() -> Any:
    return select(func.count()).select_from(notifications).where(notifications.c.failed_at.is_not(None))


def _dead_letter(row: Row[Any]) -> DeadLetter:
    return DeadLetter(
        id=row.id,
        number=row.number,
        rule=row.rule or "",
        conversation_id=row.teams_id,
        conversation_name=row.conversation_name,
        reason=row.reason,
        detail=row.detail,
        failed_at=row.failed_at,
        attempt=row.attempt,
        card=None if row.card is None else orjson.loads(row.card),
    )
