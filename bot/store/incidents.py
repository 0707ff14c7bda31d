"""Alerts and incidents: each method is one transaction round a pure transition of audit.incident."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select, update

from audit import incident as transitions
from audit.alert import Alert, Condition
from audit.evidence import Evidence
from audit.incident import Person, Transition
from audit.inside import without_row_secrets
from bot.batch import Batch
from bot.errors import Reason, Unavailable
from bot.ports import Dossier, Look, LookKind, NotificationState, Recorded, Step, Trace
from bot.store import due, facts, trail
from bot.store.codec import (
    alert_of,
    digest,
    evidence_of,
    incident_of,
    incident_values,
    json_body,
    same_evidence,
)
from bot.store.database import Database, OnDatabase, reads, writes
from bot.store.groups import all_or_each
from bot.store.in_hand import Delivery
from bot.store.recording import record_group
from bot.store.tables import alerts, conversations, evidence, incidents, looks, notifications

FIRED = Condition.FIRED.value
#: Alerts in one commit: as many as wait, but a transaction of a few dozen milliseconds at most.
MOST_AT_ONCE = 100
#: Values in one query, far below what either database takes.
MOST_IDS = 500
LARGEST_NUMBER = 2**63 - 1


class SqlIncidents(OnDatabase):
    """Implements bot.ports.Incidents."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._deliveries = Batch(self._record, most=MOST_AT_ONCE)

    async def record(
        self,
        alert: Alert,
        body: bytes,
        now: datetime,
        *,
        found: bool = False,
        only_for: str = "",
        also_for: str = "",
    ) -> Recorded:
        """See bot.ports.Incidents. `body` is what `alert` was read from; kept as it came, but for secrets in its rows."""
        if alert.results:
            body = await asyncio.to_thread(without_row_secrets, body)
        delivery = Delivery(
            alert=alert, body=body, now=now, found=found, only_for=only_for, also_for=also_for
        )
        outcome = await self._deliveries.add(delivery)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def _record(self, group: Sequence[Delivery]) -> Sequence[Recorded | Exception]:
        return await all_or_each(self._recorded, group)

    @writes
    def _recorded(self, connection: Connection, group: Sequence[Delivery]) -> Sequence[Recorded]:
        return record_group(connection, group)

    @reads
    def known(self, connection: Connection, alert_ids: Sequence[str]) -> Mapping[str, frozenset[Condition]]:
        """See bot.ports.Incidents."""
        ids = {digest(id_.lower()): id_.lower() for id_ in alert_ids if id_}
        found: dict[str, set[Condition]] = defaultdict(set)
        for some in (list(ids)[n : n + MOST_IDS] for n in range(0, len(ids), MOST_IDS)):
            statement = select(alerts.c.identity, alerts.c.condition).where(alerts.c.identity.in_(some))
            for row in connection.execute(statement).all():
                found[ids[row.identity]].add(Condition(row.condition))
        return {id_: frozenset(conditions) for id_, conditions in found.items()}

    @reads
    def key_of(self, connection: Connection, number: int) -> str | None:
        """See bot.ports.Incidents."""
        if not 0 < number <= LARGEST_NUMBER:
            return None
        key = connection.scalar(select(incidents.c.key).where(incidents.c.number == number))
        return None if key is None else str(key)

    @writes
    def adopt(
        self, connection: Connection, key: str, conversation_id: str, activity_id: str, now: datetime
    ) -> str:
        """See bot.ports.Incidents."""
        theirs = (
            select(notifications.c.id, notifications.c.activity_id)
            .join(incidents, incidents.c.id == notifications.c.incident_id)
            .join(conversations, conversations.c.id == notifications.c.conversation_id)
            .where(incidents.c.key == key, conversations.c.teams_id == conversation_id)
            .with_for_update(of=notifications, key_share=True)
        )
        row = connection.execute(theirs).first()
        if row is None or row.activity_id == activity_id:
            return ""
        stale = {"state": NotificationState.STALE.value, "due_at": now, "activity_id": activity_id}
        connection.execute(
            update(notifications).where(notifications.c.id == row.id).values(**(due.AGAIN | stale))
        )
        due.announce(connection)
        return str(row.activity_id)

    @reads
    def dossier(self, connection: Connection, key: str) -> Dossier | None:
        """See bot.ports.Incidents."""
        # The incident first: what changes while this reads makes its version look old, and the card stale.
        row = connection.execute(select(incidents).where(incidents.c.key == key)).first()
        if row is None:
            return None
        newest = connection.execute(_newest_fired(row.id)).first()
        body = connection.scalar(select(evidence.c.body).where(evidence.c.incident_id == row.id))
        cards = connection.execute(_cards(row.id)).all()
        if newest is None:
            raise Unavailable(Reason.STORE, "an incident's alerts are gone")
        return Dossier(
            incident=incident_of(row),
            alert=alert_of(newest.body),
            found_at=newest.found_at,
            evidence=evidence_of(body, row.opened_at),
            posted={card.activity_id: card.teams_id for card in cards if card.activity_id},
            conversations=frozenset(card.teams_id for card in cards),
            cluster=row.cluster,
        )

    @writes
    def acknowledge(self, connection: Connection, key: str, by: Person, now: datetime) -> Transition | None:
        """See bot.ports.Incidents. The incident's row is locked, so that of many at once one is first."""
        row = _lock_incident(connection, incidents.c.key == key)
        if row is None:
            return None
        transition = transitions.acknowledge(incident_of(row), by, now)
        if transition.changed:
            _keep(connection, row, transition)
            due.make_stale(connection, [row.id], now)
            due.change_digests(connection, [row.id], now)
            due.want_looks(connection, {row.id: 1}, LookKind.SINCE, now)
            trail.note(connection, row.id, Trace(at=now, step=Step.ACKNOWLEDGED, subject=by.name))
            due.announce(connection)
        return transition

    @writes
    def save_evidence(
        self, connection: Connection, look: Look, evidence: Evidence, now: datetime, again_at: datetime | None
    ) -> bool:
        """See bot.ports.Incidents. What differs in `asked_at` alone is the same evidence to a card.

        With `again_at`, an answered look of kind ALERT comes again as LATE, any other as what it was; a look wanted
        meanwhile is due at once.
        """
        # Incident before look, as in acknowledge and record: one order, no deadlock.
        row = _lock_incident(connection, incidents.c.key == look.incident_key)
        held = (
            connection.execute(select(looks).where(due.held_by(looks, look)).with_for_update(key_share=True))
        ).first()
        if row is None or held is None:
            return False
        again = _after(look, held, evidence, now, again_at)
        connection.execute(update(looks).where(looks.c.id == look.id).values(**again))
        trail.note(connection, row.id, *trail.asked(look, evidence, now))
        changed = _keep_evidence(connection, row.id, evidence)
        due.make_postable(connection, row.id, now)
        if changed:
            facts.keep(connection, row.id, evidence)
            connection.execute(
                update(incidents).where(incidents.c.id == row.id).values(version=row.version + 1)
            )
            due.make_stale(connection, [row.id], now)
        due.announce(connection)
        return True


def _lock_incident(connection: Connection, *where: Any) -> Row[Any] | None:
    statement = select(incidents).where(*where).with_for_update(key_share=True)
    return connection.execute(statement).first()


def _keep(connection: Connection, row: Row[Any], transition: Transition) -> None:
    """Write the transition over the row that it was made from, and over no other version of it."""
    result = connection.execute(
        update(incidents)
        .where(incidents.c.id == row.id, incidents.c.version == row.version)
        .values(**incident_values(transition.incident))
    )
    if result.rowcount != 1:
        raise Unavailable(Reason.STORE, "an incident changed while it was locked")


def _newest_fired(incident_id: int) -> Any:
    return (
        select(alerts.c.body, alerts.c.found_at)
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


def _keep_evidence(connection: Connection, incident_id: int, found: Evidence) -> bool:
    """Write the evidence; return whether a card of it would look otherwise than before."""
    before = connection.scalar(select(evidence.c.body).where(evidence.c.incident_id == incident_id))
    body = json_body(found)
    values = {"asked_at": found.asked_at, "body": body}
    statement = due.insert_into(connection, evidence).values(incident_id=incident_id, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["incident_id"], set_=values))
    return before is None or not same_evidence(before, body)


def _after(
    look: Look, held: Row[Any], found: Evidence, now: datetime, again_at: datetime | None
) -> dict[str, Any]:
    """Return the look's columns once it is answered."""
    if held.wants != held.wants_seen:
        pause = timedelta() if held.kind == LookKind.SINCE.value else due.LOOK_PAUSE
        return due.NOBODY_HOLDS | {"kind": held.kind, "due_at": now + pause}
    answered = look.kind is LookKind.ALERT and found.missing is None
    if again_at is None:
        return due.NOBODY_HOLDS | {"due_at": None}
    if answered:
        return due.NOBODY_HOLDS | {"kind": LookKind.LATE.value, "due_at": again_at}
    return due.LET_GO | {"due_at": again_at}
