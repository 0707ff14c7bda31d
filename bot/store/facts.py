"""Who did what to what in earlier incidents. Kept as hashes: what is asked for is only whether it was the same."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, exists, func, select, tuple_

from audit.earlier import headline
from audit.evidence import Evidence
from audit.involved import deeds as deeds_of
from bot.errors import Rejected
from bot.ports import SeenBefore
from bot.store.codec import digest, encodable, evidence_of, incident_of
from bot.store.database import OnDatabase, reads
from bot.store.tables import conversations, evidence, incident_facts, incidents, notifications

#: Facts of one incident; of more the newest are kept.
MOST_FACTS = 20
#: Deeds that are looked for at once.
MOST_ASKED = 100


class SqlFacts(OnDatabase):
    """Implements the looking back of bot.ports.Incidents."""

    @reads
    def seen_before(
        self,
        connection: Connection,
        key: str,
        deeds: Sequence[tuple[str, str]],
        limit: int,
        *,
        conversation_id: str = "",
    ) -> tuple[int, Sequence[SeenBefore]]:
        """See bot.ports.Incidents."""
        number = connection.scalar(select(incidents.c.number).where(incidents.c.key == key))
        if number is None or not deeds:
            return 0, ()
        where = [incidents.c.number < number, _tell_of(deeds)]
        if conversation_id:
            where.append(_is_for(conversation_id))
        total = connection.scalar(select(func.count()).select_from(incidents).where(*where))
        newest_first = (
            select(incidents, evidence.c.body)
            .outerjoin(evidence, evidence.c.incident_id == incidents.c.id)
            .where(*where)
            .order_by(incidents.c.number.desc())
            .limit(limit)
        )
        return total or 0, [_seen(row) for row in connection.execute(newest_first).all()]


def _tell_of(deeds: Sequence[tuple[str, str]]) -> ColumnElement[bool]:
    hashes = [(_hash(actor), _hash(thing)) for actor, thing in deeds[:MOST_ASKED]]
    return exists().where(
        incident_facts.c.incident_id == incidents.c.id,
        tuple_(incident_facts.c.actor, incident_facts.c.object).in_(hashes),
    )


def _is_for(conversation_id: str) -> ColumnElement[bool]:
    return exists().where(
        notifications.c.incident_id == incidents.c.id,
        notifications.c.conversation_id == conversations.c.id,
        conversations.c.teams_id == conversation_id,
    )


def _seen(row: Row[Any]) -> SeenBefore:
    told = ""
    # What another version of ours wrote and this one cannot read takes nothing else away.
    with suppress(Rejected):
        told = headline(evidence_of(row.body, row.opened_at))
    return SeenBefore(incident=incident_of(row), headline=told)


def keep(connection: Connection, incident_id: int, found: Evidence) -> None:
    """Add what the evidence tells to what is known of the incident, whose row is locked.

    An earlier alert's window was about the same incident, so what it told stays as long as there is room.
    """
    told = {(_hash(actor), _hash(thing)) for actor, thing in deeds_of(found.groups)[:MOST_FACTS]}
    rows = connection.execute(
        select(incident_facts)
        .where(incident_facts.c.incident_id == incident_id)
        .order_by(incident_facts.c.id)
    ).all()
    new = told - {(row.actor, row.object) for row in rows}
    if not new:
        return
    older = [row.id for row in rows if (row.actor, row.object) not in told]
    over = len(rows) + len(new) - MOST_FACTS
    if over > 0:
        connection.execute(delete(incident_facts).where(incident_facts.c.id.in_(older[:over])))
    connection.execute(
        incident_facts.insert(),
        [{"incident_id": incident_id, "actor": actor, "object": thing} for actor, thing in sorted(new)],
    )


def _hash(name: str) -> str:
    return digest(encodable(name))
