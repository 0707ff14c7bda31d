"""Alerts and incidents: each method is one transaction round a pure transition of audit.incident."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from audit import incident as transitions
from audit.alert import Alert, Condition
from audit.evidence import Evidence
from audit.incident import Incident, Person, Transition, Why
from bot.errors import Reason, Unavailable
from bot.ports import Dossier, Look, LookKind, Recorded
from bot.store import due
from bot.store.codec import (
    alert_of,
    digest,
    evidence_body,
    evidence_of,
    incident_of,
    incident_values,
    new_incident_values,
    same_evidence,
)
from bot.store.database import OnDatabase, advisory_locks, to_the_end
from bot.store.tables import alerts, conversations, counters, evidence, incidents, looks, notifications

FIRED = Condition.FIRED.value


class SqlIncidents(OnDatabase):
    """Implements bot.ports.Incidents."""

    @to_the_end
    async def record(self, alert: Alert, body: bytes, now: datetime) -> Recorded:
        """See bot.ports.Incidents. `body` is what `alert` was read from; it is kept as it came."""
        alert_hash = digest(*transitions.alert_identity(alert))
        incident_hash = digest(*transitions.identity(alert))
        async with self._database.write() as connection:
            # Fired and Resolved of one alert, two alerts of one incident, and a change of subscriptions each
            # wait for the other's commit; without that, both sides would miss what the other has not committed.
            own = (f"alert {alert_hash}", f"incident {incident_hash}")
            await advisory_locks(connection, shared="routes", own=own)
            alert_id = await _insert_alert(connection, alert, alert_hash, body, now)
            if alert_id is None:
                return await _recorded_before(connection, alert.key)
            if alert.condition is Condition.FIRED:
                recorded = await self._fired(connection, alert, alert_id, (alert_hash, incident_hash), now)
            else:
                recorded = await self._resolved(connection, alert, alert_id, alert_hash, now)
        return recorded

    async def _fired(
        self,
        connection: AsyncConnection,
        alert: Alert,
        alert_id: int,
        hashes: tuple[str, str],
        now: datetime,
    ) -> Recorded:
        alert_hash, incident_hash = hashes
        over_at = transitions.over_since(alert.fired_at, await _resolutions(connection, alert_hash))
        row = await _newest_open(connection, incident_hash)
        if row is None or not transitions.takes_in(incident_of(row), now):
            transition = transitions.open_from(
                alert,
                number=await _next_number(connection),
                key=secrets.token_hex(16),
                now=now,
                over_at=over_at,
            )
            incident_id = await _insert_incident(connection, transition.incident, incident_hash)
        else:
            transition = transitions.join(incident_of(row))
            incident_id = row.id
            await _keep(connection, row, transition)
            await due.make_stale(connection, incident_id, now)
        await _belongs(connection, alert_id, incident_id, transition.why, over=over_at is not None)
        await due.notify_subscribed(connection, incident_id, now)
        await due.want_look(connection, incident_id, LookKind.ALERT, now)
        return Recorded(why=transition.why, incident=transition.incident)

    async def _resolved(
        self, connection: AsyncConnection, alert: Alert, alert_id: int, alert_hash: str, now: datetime
    ) -> Recorded:
        incident_id = await _waiting_for(connection, alert, alert_hash)
        if incident_id is None:
            await _belongs(connection, alert_id, None, Why.NOTHING_TO_RESOLVE, over=False)
            return Recorded(why=Why.NOTHING_TO_RESOLVE, incident=None)
        row = await _lock_incident(connection, incidents.c.id == incident_id)
        if row is None:
            raise Unavailable(Reason.STORE, "an alert's incident is gone")
        await _end_firing(connection, alert, alert_hash)
        transition = transitions.resolve(
            incident_of(row),
            alert.resolved_at or now,
            others_firing=await _any_firing(connection, incident_id),
        )
        if transition.changed:
            await _keep(connection, row, transition)
            await due.make_stale(connection, incident_id, now)
        await _belongs(connection, alert_id, incident_id, transition.why, over=False)
        return Recorded(why=transition.why, incident=transition.incident)

    @to_the_end
    async def dossier(self, key: str) -> Dossier | None:
        """See bot.ports.Incidents."""
        async with self._database.read() as connection:
            # The incident first: what changes while this reads makes its version look old, and the card stale.
            row = (await connection.execute(select(incidents).where(incidents.c.key == key))).first()
            if row is None:
                return None
            alert_body = await connection.scalar(_newest_fired(row.id))
            body = await connection.scalar(select(evidence.c.body).where(evidence.c.incident_id == row.id))
            cards = (await connection.execute(_cards(row.id))).all()
        if alert_body is None:
            raise Unavailable(Reason.STORE, "an incident's alerts are gone")
        return Dossier(
            incident=incident_of(row),
            alert=alert_of(alert_body),
            evidence=evidence_of(body, row.opened_at),
            posted={card.activity_id: card.teams_id for card in cards if card.activity_id},
            conversations=frozenset(card.teams_id for card in cards),
        )

    @to_the_end
    async def acknowledge(self, key: str, by: Person, now: datetime) -> Transition | None:
        """See bot.ports.Incidents. The incident's row is locked, so that of many at once one is first."""
        async with self._database.write() as connection:
            row = await _lock_incident(connection, incidents.c.key == key)
            if row is None:
                return None
            transition = transitions.acknowledge(incident_of(row), by, now)
            if transition.changed:
                await _keep(connection, row, transition)
                await due.make_stale(connection, row.id, now)
                await due.want_look(connection, row.id, LookKind.SINCE, now)
        return transition

    @to_the_end
    async def save_evidence(
        self, look: Look, evidence: Evidence, now: datetime, again_at: datetime | None
    ) -> bool:
        """See bot.ports.Incidents. What differs in `asked_at` alone is the same evidence to a card.

        With `again_at`, an answered look of kind ALERT comes again as LATE, any other as what it was; a look wanted
        meanwhile is due at once.
        """
        async with self._database.write() as connection:
            # Incident before look, as in acknowledge and record: one order, no deadlock.
            row = await _lock_incident(connection, incidents.c.key == look.incident_key)
            held = (
                await connection.execute(
                    select(looks).where(due.held_by(looks, look)).with_for_update(key_share=True)
                )
            ).first()
            if row is None or held is None:
                return False
            again = _after(look, held, evidence, now, again_at)
            await connection.execute(update(looks).where(looks.c.id == look.id).values(**again))
            changed = await _keep_evidence(connection, row.id, evidence)
            await due.make_postable(connection, row.id, now)
            if changed:
                await connection.execute(
                    update(incidents).where(incidents.c.id == row.id).values(version=row.version + 1)
                )
                await due.make_stale(connection, row.id, now)
        return True


async def _insert_alert(
    connection: AsyncConnection, alert: Alert, alert_hash: str, body: bytes, now: datetime
) -> int | None:
    """Return the new row's id, or None for an alert that is there already."""
    fired = alert.condition is Condition.FIRED
    statement = (
        due.insert_into(connection, alerts)
        .values(
            key=alert.key,
            identity=alert_hash,
            condition=alert.condition.value,
            fired_at=alert.fired_at,
            resolved_at=alert.resolved_at,
            happened_at=(alert.fired_at if fired else alert.resolved_at) or now,
            received_at=now,
            body=body,
        )
        .on_conflict_do_nothing(index_elements=["key"])
        .returning(alerts.c.id)
    )
    found = (await connection.execute(statement)).first()
    return None if found is None else int(found.id)


async def _recorded_before(connection: AsyncConnection, key: str) -> Recorded:
    first = (
        await connection.execute(select(alerts.c.why, alerts.c.incident_id).where(alerts.c.key == key))
    ).one()
    row = (await connection.execute(select(incidents).where(incidents.c.id == first.incident_id))).first()
    return Recorded(why=Why(first.why), incident=incident_of(row) if row else None, repeated=True)


async def _resolutions(connection: AsyncConnection, alert_hash: str) -> list[datetime | None]:
    resolved = select(alerts.c.resolved_at).where(
        alerts.c.identity == alert_hash, alerts.c.condition == Condition.RESOLVED.value
    )
    return list((await connection.execute(resolved)).scalars())


async def _lock_incident(connection: AsyncConnection, *where: Any) -> Row[Any] | None:
    statement = select(incidents).where(*where).with_for_update(key_share=True)
    return (await connection.execute(statement)).first()


async def _newest_open(connection: AsyncConnection, incident_hash: str) -> Row[Any] | None:
    statement = (
        select(incidents)
        .where(incidents.c.identity == incident_hash, incidents.c.state != "resolved")
        .order_by(incidents.c.id.desc())
        .limit(1)
        .with_for_update(key_share=True)
    )
    return (await connection.execute(statement)).first()


async def _next_number(connection: AsyncConnection) -> int:
    # A sequence would leave gaps where a transaction fails; people read the number as a count.
    statement = (
        update(counters)
        .where(counters.c.name == "incidents")
        .values(value=counters.c.value + 1)
        .returning(counters.c.value)
    )
    return int((await connection.execute(statement)).scalar_one())


async def _insert_incident(connection: AsyncConnection, incident: Incident, incident_hash: str) -> int:
    values = new_incident_values(incident) | {"identity": incident_hash}
    return int(
        (await connection.execute(incidents.insert().values(**values).returning(incidents.c.id))).scalar_one()
    )


async def _keep(connection: AsyncConnection, row: Row[Any], transition: Transition) -> None:
    """Write the transition over the row that it was made from, and over no other version of it."""
    result = await connection.execute(
        update(incidents)
        .where(incidents.c.id == row.id, incidents.c.version == row.version)
        .values(**incident_values(transition.incident))
    )
    if result.rowcount != 1:
        raise Unavailable(Reason.STORE, "an incident changed while it was locked")


async def _belongs(
    connection: AsyncConnection, alert_id: int, incident_id: int | None, why: Why, *, over: bool
) -> None:
    await connection.execute(
        update(alerts)
        .where(alerts.c.id == alert_id)
        .values(incident_id=incident_id, why=why.value, over=over)
    )


def _fired_before(alert: Alert, alert_hash: str) -> tuple[Any, ...]:
    """Return what selects the Fired alerts that this Resolved ends."""
    where = (alerts.c.identity == alert_hash, alerts.c.condition == FIRED)
    if alert.resolved_at is None:
        return where
    return (*where, alerts.c.fired_at.is_(None) | (alerts.c.fired_at <= alert.resolved_at))


async def _waiting_for(connection: AsyncConnection, alert: Alert, alert_hash: str) -> int | None:
    """Return the incident that this Resolved is about: one where its alert still fires, before any other."""
    statement = (
        select(alerts.c.incident_id)
        .where(*_fired_before(alert, alert_hash))
        .order_by(alerts.c.over, alerts.c.id.desc())
        .limit(1)
    )
    return (await connection.execute(statement)).scalar()


async def _end_firing(connection: AsyncConnection, alert: Alert, alert_hash: str) -> None:
    await connection.execute(
        update(alerts).where(*_fired_before(alert, alert_hash), alerts.c.over.is_(False)).values(over=True)
    )


async def _any_firing(connection: AsyncConnection, incident_id: int) -> bool:
    statement = (
        select(alerts.c.id)
        .where(alerts.c.incident_id == incident_id, alerts.c.condition == FIRED, alerts.c.over.is_(False))
        .limit(1)
    )
    return (await connection.execute(statement)).first() is not None


def _newest_fired(incident_id: int) -> Any:
    return (
        select(alerts.c.body)
        .where(alerts.c.incident_id == incident_id, alerts.c.condition == FIRED)
        .order_by(alerts.c.happened_at.desc(), alerts.c.id.desc())
        .limit(1)
    )


def _cards(incident_id: int) -> Any:
    return (
        select(notifications.c.activity_id, conversations.c.teams_id)
        .join(conversations, conversations.c.id == notifications.c.conversation_id)
        .where(notifications.c.incident_id == incident_id)
    )


async def _keep_evidence(connection: AsyncConnection, incident_id: int, found: Evidence) -> bool:
    """Write the evidence; return whether a card of it would look otherwise than before."""
    before = await connection.scalar(select(evidence.c.body).where(evidence.c.incident_id == incident_id))
    body = evidence_body(found)
    values = {"asked_at": found.asked_at, "body": body}
    statement = due.insert_into(connection, evidence).values(incident_id=incident_id, **values)
    await connection.execute(statement.on_conflict_do_update(index_elements=["incident_id"], set_=values))
    return before is None or not same_evidence(before, body)


def _after(
    look: Look, held: Row[Any], found: Evidence, now: datetime, again_at: datetime | None
) -> dict[str, Any]:
    """Return the look's columns once it is answered."""
    if held.wants != held.wants_seen:
        return due.NOBODY_HOLDS | {"kind": held.kind, "due_at": now}
    answered = look.kind is LookKind.ALERT and found.missing is None
    if again_at is None:
        return due.NOBODY_HOLDS | {"due_at": None}
    if answered:
        return due.NOBODY_HOLDS | {"kind": LookKind.LATE.value, "due_at": again_at}
    return due.LET_GO | {"due_at": again_at}
