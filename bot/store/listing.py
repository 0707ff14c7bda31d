"""Lists of incidents: see bot.ports.IncidentLists."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, exists, func, literal_column, select

from audit.incident import Incident
from bot.store.codec import incident_of
from bot.store.database import OnDatabase, reads
from bot.store.tables import conversations, incidents, notifications

#: Conversations in one query, far below what either database takes.
MOST_CONVERSATIONS = 1000


class SqlListing(OnDatabase):
    """Implements bot.ports.IncidentLists."""

    @reads
    def open_incidents(
        self,
        connection: Connection,
        limit: int,
        *,
        conversation_ids: Sequence[str],
        acknowledged_by: str = "",
    ) -> tuple[int, Sequence[Incident]]:
        """See bot.ports.IncidentLists."""
        if not conversation_ids:
            return 0, ()
        theirs = exists().where(
            notifications.c.incident_id == incidents.c.id,
            notifications.c.conversation_id == conversations.c.id,
            conversations.c.teams_id.in_(list(conversation_ids)[:MOST_CONVERSATIONS]),
        )
        # Written out, so that the partial index serves.
        where = [incidents.c.state != literal_column("'resolved'"), theirs]
        if acknowledged_by:
            where.append(incidents.c.acknowledged_by == acknowledged_by)
        total = connection.scalar(select(func.count()).select_from(incidents).where(*where))
        newest = select(incidents).where(*where).order_by(incidents.c.number.desc()).limit(max(0, limit))
        return total or 0, [incident_of(row) for row in connection.execute(newest).all()]
