"""What a worker asks for all the time, made once: building a statement takes longer than SQLite takes to run it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, Table, and_, bindparam, case, func, or_, select

from bot.store.leases import DatabaseTime, nobody_holds
from bot.store.tables import UtcTime, chores, conversations, evidence, incidents, looks, notifications

CONVERSATION_COLUMNS = (
    "teams_id",
    "service_url",
    "tenant_id",
    "bot_id",
    "team_id",
    "user_object_id",
    "name",
)

_NOW = bindparam("now", type_=UtcTime())
_MOST = bindparam("most", type_=Integer())


def _next(table: Table, wanted: Select[Any], *first: ColumnElement[Any]) -> Select[Any]:
    return (
        wanted.where(table.c.due_at <= _NOW, nobody_holds(table))
        .order_by(*first, table.c.due_at, table.c.id)
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
            # Of the row itself, too: PostgreSQL reads it anew after waiting for its lock, and the subquery it does not.
            notifications.c.due_at <= _NOW,
            nobody_holds(notifications),
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


LOOKS = _next(
    looks,
    select(looks, incidents.c.key.label("incident_key"))
    .join(incidents, incidents.c.id == looks.c.incident_id)
    .outerjoin(evidence, evidence.c.incident_id == looks.c.incident_id),
    # A first look, for which a card waits, comes before any repetition.
    evidence.c.incident_id.is_not(None),
)
CHORES = _next(chores, select(chores))
TURNS = _turns()
NEXT_TURN = _next_turn()
NEXT_LOOK = select(func.min(looks.c.due_at)).where(looks.c.due_at.is_not(None), nobody_holds(looks))
CONVERSATION = (
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
HELD = select(notifications).where(_FENCED).with_for_update(key_share=True)
HOLDS = select(notifications.c.id).where(_FENCED, notifications.c.lease_until > DatabaseTime())
