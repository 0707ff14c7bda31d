"""What becomes due when an incident changes. Called inside the transaction that changes it, its row locked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Select,
    Table,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal,
    select,
    true,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from bot.ports import Claim, LookKind, NotificationState
from bot.store.tables import (
    UtcTime,
    conversations,
    evidence,
    incidents,
    looks,
    notifications,
    subscriptions,
)

#: A look that covers what the other would ask takes its place: since asks from the window's start to now.
_COVERS = {LookKind.LATE: 0, LookKind.ALERT: 1, LookKind.SINCE: 2}

#: What PostgreSQL's LISTEN and NOTIFY call our news.
CHANNEL = "work"

#: A digest that stands is changed this much after one of its incidents did.
DIGEST_PAUSE = timedelta(seconds=5)

#: An incident that is asked about because of a further alert was last asked about at least this long ago.
LOOK_PAUSE = timedelta(seconds=15)

#: How long a card waits for its evidence; then it goes out with what the alert says.
PATIENCE = timedelta(seconds=45)

#: Columns of a row that nobody holds.
LET_GO: dict[str, Any] = {"owner": None, "lease_until": None}

NOBODY_HOLDS: dict[str, Any] = LET_GO | {"attempt": 0}


def _ids() -> BindParameter[Sequence[Any]]:
    return bindparam("ids", expanding=True)


# Made once: building a statement takes longer than SQLite takes to run it.
_LOOKS = (
    select(looks.c.incident_id, looks.c.kind, looks.c.due_at, evidence.c.asked_at)
    .select_from(looks.outerjoin(evidence, evidence.c.incident_id == looks.c.incident_id))
    .where(looks.c.incident_id.in_(_ids()))
)
_NEW_LOOK = looks.insert()
_WANT_LOOK = (
    update(looks)
    .where(looks.c.incident_id == bindparam("of"))
    .values(
        kind=bindparam("new_kind"),
        due_at=bindparam("new_due", type_=UtcTime()),
        wants=looks.c.wants + bindparam("more"),
    )
)
_MAKE_STALE = (
    update(notifications)
    .where(notifications.c.incident_id.in_(_ids()), notifications.c.state == NotificationState.POSTED.value)
    .values(state=NotificationState.STALE.value, due_at=bindparam("at", type_=UtcTime()))
)
_DIGESTS_OF = (
    select(notifications.c.digest_id)
    .where(notifications.c.digest_id.is_not(None), notifications.c.incident_id.in_(_ids()))
    .distinct()
)
_STANDS = notifications.c.state == NotificationState.POSTED.value
_REFRESH_DIGESTS = (
    update(notifications)
    .where(notifications.c.id.in_(_ids()), notifications.c.state != NotificationState.FAILED.value)
    .values(
        wants=notifications.c.wants + 1,
        state=case((_STANDS, NotificationState.STALE.value), else_=notifications.c.state),
        due_at=case((_STANDS, bindparam("later", type_=UtcTime())), else_=notifications.c.due_at),
    )
)
_NOTIFICATION = ("incident_id", "conversation_id", "state", "created_at", "due_at")
#: Columns of a notification that was given up and is wanted again.
AGAIN = {
    "state": case(
        (notifications.c.activity_id != "", NotificationState.STALE.value),
        else_=NotificationState.PENDING.value,
    ),
    "reason": "",
    "failed_at": None,
    "detail": "",
    "card": None,
    "digest_id": None,
}
_REVIVE = (
    update(notifications)
    .where(
        notifications.c.failed_at.is_not(None),
        notifications.c.incident_id.in_(_ids()),
        notifications.c.conversation_id.in_(select(subscriptions.c.conversation_id)),
    )
    .values(**(NOBODY_HOLDS | AGAIN), due_at=bindparam("at", type_=UtcTime()))
)


def insert_into(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """Return the dialect's INSERT, which has ON CONFLICT on both databases, spelt alike."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


def held_by(table: Table, held: Claim) -> ColumnElement[bool]:
    """Tell whether the row still belongs to exactly this claim."""
    return and_(
        table.c.id == held.id,
        table.c.owner == held.owner,
        table.c.attempt == held.attempt,
        table.c.claims == held.claim,
    )


def announce(connection: Connection) -> None:
    """Wake the workers of all replicas once this transaction is committed; on SQLite there is one, woken in process."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_notify(CHANNEL, "")))


def want_looks(connection: Connection, wanted: Mapping[int, int], kind: LookKind, now: datetime) -> None:
    """Make a look of each incident due now. `wanted`: incident id -> how many things wanted it.

    One that is being taken at this moment ends as usual, and then this one is due.
    """
    if not wanted:
        return
    found = connection.execute(_LOOKS, {"ids": list(wanted)})
    known = {row.incident_id: row for row in found.all()}
    new = [
        {"incident_id": id_, "kind": kind.value, "due_at": now, "wants": count}
        for id_, count in wanted.items()
        if id_ not in known
    ]
    if new:
        connection.execute(_NEW_LOOK, new)
    if known:
        rows = [_wanted_again(row, kind, now) | {"more": wanted[id_]} for id_, row in known.items()]
        connection.execute(_WANT_LOOK, rows)


def _wanted_again(row: Any, kind: LookKind, now: datetime) -> dict[str, Any]:
    kinds = [kind] if row.due_at is None else [kind, LookKind(row.kind)]
    at = now
    if kind is LookKind.ALERT and row.asked_at is not None:
        # In a storm every further alert of an incident would have the workspace asked again at once.
        at = max(now, row.asked_at + LOOK_PAUSE)
    return {
        "of": row.incident_id,
        "new_kind": max(kinds, key=_COVERS.__getitem__).value,
        "new_due": at if row.due_at is None else min(at, row.due_at),
    }


def make_stale(connection: Connection, incident_ids: Sequence[int], now: datetime) -> None:
    """Make posted copies due. Those put off keep their time: they will show the newest version anyway."""
    if incident_ids:
        connection.execute(_MAKE_STALE, {"ids": list(incident_ids), "at": now})


def change_digests(connection: Connection, incident_ids: Sequence[int], now: datetime) -> None:
    """Make due the digests that stand for one of these: they tell of states, not of evidence."""
    if not incident_ids:
        return
    digests = list(connection.execute(_DIGESTS_OF, {"ids": list(incident_ids)}).scalars())
    if digests:
        refresh_digests(connection, digests, now)


def refresh_digests(connection: Connection, digests: Sequence[int], now: datetime) -> None:
    """Make digests due again; one that stands is changed a while later, so that a storm does not change it all the time."""
    connection.execute(_REFRESH_DIGESTS, {"ids": list(digests), "later": now + DIGEST_PAUSE})


def make_postable(connection: Connection, incident_id: int, now: datetime) -> None:
    """Make due what waited for the evidence."""
    connection.execute(
        update(notifications)
        .where(
            notifications.c.incident_id == incident_id,
            notifications.c.state == NotificationState.PENDING.value,
            notifications.c.attempt == 0,
            notifications.c.due_at > now,
            notifications.c.digest_id.is_(None),
        )
        .values(due_at=now)
    )


def notify_subscribed(connection: Connection, incident_ids: Sequence[int], now: datetime) -> None:
    """Add a pending notification for each subscribed conversation that has none of these incidents."""
    if not incident_ids:
        return
    wanted = _pending(subscriptions.c.conversation_id, now).select_from(incidents.join(subscriptions, true()))
    statement = insert_into(connection, notifications).from_select(
        _NOTIFICATION, wanted.where(incidents.c.id.in_(incident_ids))
    )
    connection.execute(statement.on_conflict_do_nothing(index_elements=["incident_id", "conversation_id"]))


def notify_besides(connection: Connection, wanted: Iterable[tuple[int, str]], now: datetime) -> None:
    """Add a pending notification for each incident and conversation, by its id in Teams, whether subscribed or not.

    One that was given up is tried again; a conversation that does not live gets none.
    """
    for incident_id, teams_id in wanted:
        pair = (incidents.c.id == incident_id, conversations.c.teams_id == teams_id)
        pending = _pending(conversations.c.id, now).select_from(incidents.join(conversations, true()))
        statement = insert_into(connection, notifications).from_select(
            _NOTIFICATION, pending.where(*pair, conversations.c.ended_at.is_(None))
        )
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["incident_id", "conversation_id"],
                set_=_living_again(statement),
                where=notifications.c.state == NotificationState.FAILED.value,
            )
        )


def _pending(conversation_id: ColumnElement[int], now: datetime) -> Select[Any]:
    return select(
        incidents.c.id,
        conversation_id,
        literal(NotificationState.PENDING.value),
        literal(now, UtcTime),
        due_once_asked(incidents.c.id, now),
    )


def revive(connection: Connection, incident_ids: Sequence[int], now: datetime) -> None:
    """Try again what was given up of these incidents where it is still wanted: a further alert makes another card."""
    if incident_ids:
        connection.execute(_REVIVE, {"ids": list(incident_ids), "at": now})


def _living_again(statement: postgresql.Insert | sqlite.Insert) -> dict[str, Any]:
    """Return the columns of a notification that was given up and is wanted again."""
    posted_before = notifications.c.activity_id != ""
    due_at = case((posted_before, statement.excluded.created_at), else_=statement.excluded.due_at)
    return NOBODY_HOLDS | AGAIN | {"due_at": due_at}


def adopt_unseen(connection: Connection, conversation_id: int, now: datetime) -> None:
    """Send to the conversation all incidents that are not RESOLVED and stand, or will stand, nowhere.

    An alert that came before any subscription is not lost that way, nor one whose only conversation has ended.
    """
    living = exists().where(
        notifications.c.incident_id == incidents.c.id,
        notifications.c.state != NotificationState.FAILED.value,
    )
    everybodys = incidents.c.only_for == ""
    unseen = _pending(literal(conversation_id), now).where(
        incidents.c.state != "resolved", everybodys, ~living
    )
    statement = insert_into(connection, notifications).from_select(_NOTIFICATION, unseen)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["incident_id", "conversation_id"], set_=_living_again(statement)
        )
    )


def due_once_asked(incident_id: ColumnElement[int], now: datetime) -> ColumnElement[datetime]:
    """Return now for an incident that has evidence; one that waits for its first look does so for a while only."""
    asked = exists().where(evidence.c.incident_id == incident_id)
    return case((asked, literal(now, UtcTime)), else_=literal(now + PATIENCE, UtcTime))
