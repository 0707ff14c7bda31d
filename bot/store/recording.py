"""Recording alerts: a group of deliveries in one transaction, with one statement a table.

Row by row was measured seven times slower. What becomes of each alert is decided by audit.incident's pure transitions
on what one reading of the database found; the incidents' rows are locked from then to the commit.
"""

from __future__ import annotations

import secrets
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, func, or_, select, update

from audit import incident as transitions
from audit.alert import Alert, Condition
from audit.incident import Incident, State, Transition, Why
from bot.ports import LookKind, Recorded
from bot.store import due
from bot.store.codec import digest, incident_of, incident_values, new_incident_values
from bot.store.database import advisory_locks
from bot.store.tables import alerts, counters, incidents, subscriptions

FIRED = Condition.FIRED.value


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """An alert as it came; `now` is when."""

    alert: Alert
    body: bytes
    now: datetime
    found: bool = False
    #: By time.perf_counter: how long it waited for its commit is told by the run trail.
    came: float = field(default_factory=time.perf_counter)

    @cached_property
    def alert_hash(self) -> str:
        return digest(*transitions.alert_identity(self.alert))

    @cached_property
    def incident_hash(self) -> str:
        return digest(*transitions.identity(self.alert))

    def recorded_at(self) -> datetime:
        return self.now + timedelta(seconds=time.perf_counter() - self.came)


@dataclass(kw_only=True, eq=False)
class InHand:
    """An incident while alerts are worked through; `id` is None for one that is opened by them."""

    id: int | None
    identity: str
    now: Incident
    #: How many of its alerts are firing.
    firing: int = 0
    changed: bool = False
    #: A further alert fired into it.
    fired: bool = False
    #: See bot.store.splitting.
    cluster: str = ""


@dataclass(kw_only=True, eq=False)
class _Alert:
    """A row of `alerts`, read or to be written."""

    id: int | None
    condition: str
    incident: InHand | None
    incident_id: int | None = None
    fired_at: datetime | None
    resolved_at: datetime | None
    over: bool = False
    #: Of another cluster than the alert's first: see bot.store.splitting.
    is_copy: bool = False
    delivery: Delivery | None = None
    why: Why = Why.OPENED
    #: The incident as this alert left it.
    left: Incident | None = None

    def is_ended_by(self, resolved_at: datetime | None) -> bool:
        """Tell whether a Resolved of that time ends this firing."""
        return self.condition == FIRED and (
            resolved_at is None or self.fired_at is None or self.fired_at <= resolved_at
        )


@dataclass(kw_only=True)
class _Known:
    """What the database knows of a group's alerts, and what becomes of it."""

    by_alert: dict[str, list[_Alert]] = field(default_factory=lambda: defaultdict(list))
    by_id: dict[int, InHand] = field(default_factory=dict)
    #: Incidents that may take in an alert, oldest first.
    open: dict[str, list[InHand]] = field(default_factory=lambda: defaultdict(list))
    opened: list[InHand] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)
    #: Alerts of the group that were recorded before it, by their keys.
    before: dict[str, _Alert] = field(default_factory=dict)


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
    known = _read(connection, group)
    new: dict[str, _Alert] = {}
    for delivery in group:
        if delivery.alert.key not in known.before and delivery.alert.key not in new:
            new[delivery.alert.key] = _take(known, delivery)
    _write(connection, known, list(new.values()))
    return [_outcome(delivery.alert.key, known, new, first=n) for n, delivery in _first_seen(group)]


def _first_seen(group: Sequence[Delivery]) -> Iterable[tuple[bool, Delivery]]:
    seen: set[str] = set()
    for delivery in group:
        yield delivery.alert.key not in seen, delivery
        seen.add(delivery.alert.key)


def _outcome(key: str, known: _Known, new: Mapping[str, _Alert], *, first: bool) -> Recorded:
    if key in known.before:
        before = known.before[key]
        return Recorded(why=before.why, incident=before.left, repeated=True)
    alert = new[key]
    number = alert.incident.now.number if alert.incident else 0
    incident = replace(alert.left, number=number) if alert.left else None
    return Recorded(why=alert.why, incident=incident, repeated=not first)


def _read(connection: Connection, group: Sequence[Delivery]) -> _Known:
    """Read what the group's alerts may meet, and lock the incidents among it."""
    known = _Known()
    keys = {delivery.alert.key for delivery in group}
    rows = connection.execute(_ALERTS, {"identities": list({d.alert_hash for d in group})}).all()
    wanted = {
        "identities": list({d.incident_hash for d in group}),
        "ids": list({row.incident_id for row in rows if row.incident_id is not None}),
    }
    for row in connection.execute(INCIDENTS, wanted).all():
        known.by_id[row.id] = InHand(id=row.id, identity=row.identity, now=incident_of(row))
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


def _read_alert(row: Row[Any], known: _Known) -> _Alert:
    incident = known.by_id.get(row.incident_id)
    return _Alert(
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


def _take(known: _Known, delivery: Delivery) -> _Alert:
    """Work out what becomes of a new alert; what is known changes with it."""
    alert = delivery.alert
    taken = _Alert(
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


def _fire(known: _Known, taken: _Alert, delivery: Delivery, others: Sequence[_Alert]) -> None:
    incident_hash = delivery.incident_hash
    resolutions = [other.resolved_at for other in others if other.condition != FIRED]
    over_at = transitions.over_since(delivery.alert.fired_at, resolutions)
    candidates = [one for one in known.open[incident_hash] if one.now.state is not State.RESOLVED]
    newest = candidates[-1] if candidates else None
    if newest is None or not transitions.takes_in(newest.now, delivery.now):
        # The number comes last, when it is known how many the group opens.
        opened = transitions.open_from(
            delivery.alert, number=0, key=secrets.token_hex(16), now=delivery.now, over_at=over_at
        )
        newest = InHand(id=None, identity=incident_hash, now=opened.incident)
        known.opened.append(newest)
        known.open[incident_hash].append(newest)
        taken.why = opened.why
    else:
        _change(newest, joined := transitions.join(newest.now))
        taken.why = joined.why
    newest.fired = True
    newest.firing += over_at is None
    taken.incident, taken.over = newest, over_at is not None


def _resolve(known: _Known, taken: _Alert, delivery: Delivery, others: Sequence[_Alert]) -> None:
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


def _write(connection: Connection, known: _Known, new: Sequence[_Alert]) -> None:
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
    due.want_looks(connection, fired, LookKind.ALERT, now)
    due.announce(connection)


def _untold(connection: Connection, known: _Known, fired: Iterable[int]) -> list[int]:
    """Return those for which there may be conversations without a notification: new ones, and if a subscription is."""
    newest = connection.scalar(_NEWEST_SUBSCRIPTION)
    new = [one.id for one in known.opened if one.id is not None]
    older = (known.by_id[id_] for id_ in fired if id_ in known.by_id)
    return new + [
        one.id for one in older if one.id is not None and newest is not None and newest >= one.now.opened_at
    ]


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
        [new_incident_values(one.now) | {"identity": one.identity, "cluster": one.cluster} for one in opened],
    )
    for one, row in zip(opened, rows.all(), strict=True):
        one.id = row.id


def _alert_values(one: _Alert) -> dict[str, Any]:
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
        "body": delivery.body,
    }
