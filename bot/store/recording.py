"""Recording alerts: a group of deliveries in one transaction, with one statement a table.

Row by row was measured seven times slower. What becomes of each alert is decided by audit.incident's pure transitions
on what one reading of the database found; the incidents' rows are locked from then to the commit.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, func, or_, select, update

from audit import incident as transitions
from audit.alert import Condition
from audit.incident import State, Transition, Why
from bot.errors import Reason, Rejected
from bot.ports import LookKind, Recorded
from bot.store import due
from bot.store.codec import incident_of, incident_values, new_incident_values
from bot.store.database import advisory_locks
from bot.store.in_hand import FIRED, AlertInHand, Delivery, InHand, Known
from bot.store.tables import alerts, conversations, counters, incidents, storable, subscriptions

#: Columns of `incidents` that no transition knows of.
_OURS = ("identity", "cluster", "only_for", "also_for")


# Made once: building a statement takes longer than SQLite takes to run it.
_ALERTS = (
    select(
        *(
            alerts.c[name]
            for name in (
                "id",
                "key",
                "identity",
                "condition",
                "incident_id",
                "why",
                "fired_at",
                "resolved_at",
                "over",
                "copied",
            )
        )
    )
    .where(alerts.c.identity.in_(bindparam("identities", expanding=True)))
    .order_by(alerts.c.id)
)
#: Those of `ids`, and those of `identities` that are not over; locked, in the one order of all callers.
INCIDENTS = (
    select(incidents)
    .where(
        or_(
            and_(
                incidents.c.identity.in_(bindparam("identities", expanding=True)),
                incidents.c.state != State.RESOLVED.value,
            ),
            incidents.c.id.in_(bindparam("ids", expanding=True)),
        )
    )
    .order_by(incidents.c.id)
    .with_for_update(key_share=True)
)
_FIRING = (
    select(alerts.c.incident_id, func.count())
    .where(
        alerts.c.incident_id.in_(bindparam("ids", expanding=True)),
        alerts.c.condition == FIRED,
        alerts.c.over.is_(False),
    )
    .group_by(alerts.c.incident_id)
)
_CHANGE = update(incidents).where(incidents.c.id == bindparam("row"))
_OPEN = incidents.insert().returning(incidents.c.id, sort_by_parameter_order=True)
_INSERT = alerts.insert()
_NEWEST_SUBSCRIPTION = select(func.max(subscriptions.c.since))


def record_group(connection: Connection, group: Sequence[Delivery]) -> list[Recorded]:
    """Record the deliveries in their order; return what became of each."""
    # Fired and Resolved of one alert, two alerts of one incident, and a change of subscriptions each wait for the
    # other's commit; without that, both sides would miss what the other has not committed.
    own = [name for one in group for name in (f"alert {one.alert_hash}", f"incident {one.incident_hash}")]
    advisory_locks(connection, shared="routes", own=tuple(own))
    _refuse_ended(connection, group)
    known = _read(connection, group)
    new: dict[str, AlertInHand] = {}
    for delivery in group:
        if delivery.alert.key not in known.before and delivery.alert.key not in new:
            new[delivery.alert.key] = _take(known, delivery)
    _write(connection, known, list(new.values()))
    return [_outcome(delivery.alert.key, known, new, first=n) for n, delivery in _first_seen(group)]


def _refuse_ended(connection: Connection, group: Sequence[Delivery]) -> None:
    """Raise Rejected(Reason.NOT_FOUND) where something fired for a conversation that does not live."""
    named = {
        storable(name)
        for one in group
        for name in (one.only_for, one.also_for)
        if name and one.alert.condition is Condition.FIRED
    }
    if not named:
        return
    living = select(conversations.c.teams_id).where(
        conversations.c.teams_id.in_(named), conversations.c.ended_at.is_(None)
    )
    if named - set(connection.execute(living).scalars()):
        raise Rejected(Reason.NOT_FOUND, "no such conversation")


def _first_seen(group: Sequence[Delivery]) -> Iterable[tuple[bool, Delivery]]:
    seen: set[str] = set()
    for delivery in group:
        yield delivery.alert.key not in seen, delivery
        seen.add(delivery.alert.key)


def _outcome(key: str, known: Known, new: Mapping[str, AlertInHand], *, first: bool) -> Recorded:
    if key in known.before:
        before = known.before[key]
        return Recorded(why=before.why, incident=before.left, repeated=True)
    alert = new[key]
    number = alert.incident.now.number if alert.incident else 0
    incident = replace(alert.left, number=number) if alert.left else None
    return Recorded(why=alert.why, incident=incident, repeated=not first)


def _read(connection: Connection, group: Sequence[Delivery]) -> Known:
    """Read what the group's alerts may meet, and lock the incidents among it."""
    known = Known()
    keys = {delivery.alert.key for delivery in group}
    rows = connection.execute(_ALERTS, {"identities": list({d.alert_hash for d in group})}).all()
    wanted = {
        "identities": list({d.incident_hash for d in group}),
        "ids": list({row.incident_id for row in rows if row.incident_id is not None}),
    }
    for row in connection.execute(INCIDENTS, wanted).all():
        known.by_id[row.id] = InHand(
            id=row.id,
            identity=row.identity,
            now=incident_of(row),
            only_for=row.only_for,
            also_for=row.also_for,
        )
        if row.state != State.RESOLVED.value:
            known.open[row.identity].append(known.by_id[row.id])
    if any(delivery.alert.condition is Condition.RESOLVED for delivery in group):
        for incident_id, count in connection.execute(_FIRING, {"ids": list(known.by_id)}).all():
            known.by_id[incident_id].firing = count
    for row in rows:
        alert = _read_alert(row, known)
        known.by_alert[row.identity].append(alert)
        if row.key in keys:
            known.before[row.key] = alert
    return known


def _read_alert(row: Row[Any], known: Known) -> AlertInHand:
    incident = known.by_id.get(row.incident_id)
    return AlertInHand(
        id=row.id,
        condition=row.condition,
        incident=incident,
        fired_at=row.fired_at,
        resolved_at=row.resolved_at,
        over=row.over,
        is_copy=row.copied,
        why=Why(row.why),
        left=incident.now if incident else None,
    )


def _take(known: Known, delivery: Delivery) -> AlertInHand:
    """Work out what becomes of a new alert; what is known changes with it."""
    alert = delivery.alert
    taken = AlertInHand(
        id=None,
        condition=alert.condition.value,
        incident=None,
        fired_at=alert.fired_at,
        resolved_at=alert.resolved_at,
        delivery=delivery,
    )
    others = known.by_alert[delivery.alert_hash]
    if alert.condition is Condition.FIRED:
        _fire(known, taken, delivery, others)
    else:
        _resolve(known, taken, delivery, others)
    taken.left = taken.incident.now if taken.incident else None
    others.append(taken)
    return taken


def _fire(known: Known, taken: AlertInHand, delivery: Delivery, others: Sequence[AlertInHand]) -> None:
    resolutions = [other.resolved_at for other in others if other.condition != FIRED]
    over_at = transitions.over_since(delivery.alert.fired_at, resolutions)
    candidates = [one for one in known.open[delivery.incident_hash] if one.now.state is not State.RESOLVED]
    newest = candidates[-1] if candidates else None
    if newest is None or not transitions.takes_in(newest.now, delivery.now):
        # The number comes last, when it is known how many the group opens.
        opened = transitions.open_from(
            delivery.alert, number=0, key=secrets.token_hex(16), now=delivery.now, over_at=over_at
        )
        newest = InHand(
            id=None,
            identity=delivery.incident_hash,
            now=opened.incident,
            only_for=delivery.only_for,
            also_for=delivery.also_for,
        )
        known.opened.append(newest)
        known.open[delivery.incident_hash].append(newest)
        taken.why = opened.why
    else:
        _change(newest, joined := transitions.join(newest.now))
        taken.why = joined.why
    newest.fired = True
    newest.firing += over_at is None
    taken.incident, taken.over = newest, over_at is not None


def _resolve(known: Known, taken: AlertInHand, delivery: Delivery, others: Sequence[AlertInHand]) -> None:
    """End what the Resolved is about: the incident where its alert still fires, before any other."""
    waiting = [other for other in others if other.is_ended_by(delivery.alert.resolved_at)]
    if not waiting:
        taken.why = Why.NOTHING_TO_RESOLVE
        return
    # Newest first, and of those one that still fires, its own incident before a further cluster's.
    about = min(reversed(waiting), key=lambda other: (other.over, other.is_copy)).incident
    firing = [other for other in waiting if not other.over]
    for other in firing:
        other.over = True
        if other.incident:
            other.incident.firing -= 1
        if other.id is not None:
            known.ended.append(other.id)
    taken.incident = about
    if about is None:
        taken.why = Why.NOTHING_TO_RESOLVE
        return
    at = delivery.alert.resolved_at or delivery.now
    # The alert may fire in others too: further clusters', and an older one whose acknowledgement had spoken for it.
    for one in {id(one): one for one in (*(other.incident for other in firing), about) if one}.values():
        ended = transitions.resolve(one.now, at, others_firing=one.firing > 0)
        if ended.changed:
            _change(one, ended)
        if one is about:
            taken.why = ended.why


def _change(one: InHand, transition: Transition) -> None:
    one.now = transition.incident
    one.changed = True


def _write(connection: Connection, known: Known, new: Sequence[AlertInHand]) -> None:
    if not new:
        return
    insert_incidents(connection, known.opened)
    changed = [one for one in known.by_id.values() if one.changed]
    if changed:
        connection.execute(_CHANGE, [{"row": one.id, **incident_values(one.now)} for one in changed])
    if known.ended:
        connection.execute(update(alerts).where(alerts.c.id.in_(known.ended)).values(over=True))
    connection.execute(_INSERT, [_alert_values(one) for one in new])
    fired = Counter(
        one.incident.id
        for one in new
        if one.condition == FIRED and one.incident is not None and one.incident.id is not None
    )
    now = max(one.delivery.now for one in new if one.delivery)
    theirs = [one.id for one in changed if one.id is not None]
    due.make_stale(connection, theirs, now)
    due.change_digests(connection, theirs, now)
    due.notify_subscribed(connection, _untold(connection, known, fired), now)
    due.revive(connection, list(fired), now)
    due.notify_besides(connection, _besides(new), now)
    due.want_looks(connection, fired, LookKind.ALERT, now)
    due.announce(connection)


def _untold(connection: Connection, known: Known, fired: Iterable[int]) -> list[int]:
    """Return those for which there may be conversations without a notification: new ones, and if a subscription is."""
    newest = connection.scalar(_NEWEST_SUBSCRIPTION)
    new = [one.id for one in known.opened if one.id is not None and not one.only_for]
    older = (known.by_id[id_] for id_ in fired if id_ in known.by_id and not known.by_id[id_].only_for)
    return new + [
        one.id for one in older if one.id is not None and newest is not None and newest >= one.now.opened_at
    ]


def _besides(new: Iterable[AlertInHand]) -> set[tuple[int, str]]:
    """Return the incidents of what fired for a conversation, subscribed or not, with the conversation's id."""
    return {
        (one.incident.id, name)
        for one in new
        if one.condition == FIRED and one.incident and one.incident.id is not None and one.delivery
        for name in (one.incident.only_for, one.incident.also_for, one.delivery.also_for)
        if name
    }


def insert_incidents(connection: Connection, opened: Sequence[InHand]) -> None:
    """Write the incidents that are opened, each with the next number; their `id` and `now.number` are set."""
    if not opened:
        return
    # A sequence would leave gaps where a transaction fails; people read the number as a count.
    last = connection.scalar(
        update(counters)
        .where(counters.c.name == "incidents")
        .values(value=counters.c.value + len(opened))
        .returning(counters.c.value)
    )
    for number, one in enumerate(opened, start=int(last or 0) - len(opened) + 1):
        one.now = replace(one.now, number=number)
    rows = connection.execute(
        _OPEN,
        [new_incident_values(one.now) | {name: getattr(one, name) for name in _OURS} for one in opened],
    )
    for one, row in zip(opened, rows.all(), strict=True):
        one.id = row.id


def _alert_values(one: AlertInHand) -> dict[str, Any]:
    delivery = one.delivery
    if delivery is None:
        raise AssertionError("only deliveries are written")
    alert = delivery.alert
    happened_at = alert.fired_at if one.condition == FIRED else alert.resolved_at
    return {
        "key": alert.key,
        "identity": delivery.alert_hash,
        "condition": one.condition,
        "incident_id": one.incident.id if one.incident else None,
        "why": one.why.value,
        "fired_at": alert.fired_at,
        "resolved_at": alert.resolved_at,
        "happened_at": happened_at or delivery.now,
        "received_at": delivery.now,
        "recorded_at": delivery.recorded_at(),
        "found_at": delivery.now if delivery.found else None,
        "over": one.over,
        "ends_at": alert.ends_at,
        "body": delivery.body,
    }
