"""Which alerts of our own are over because nothing more came: nobody else says so."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from sqlalchemy import Connection, func, select

from audit.alert import Alert, Condition
from bot.errors import Rejected
from bot.store.codec import alert_of
from bot.store.database import OnDatabase, reads
from bot.store.tables import alerts

#: At once; the others are as much over a moment later.
MOST = 100
_FIRING = (
    alerts.c.condition == Condition.FIRED.value,
    alerts.c.ends_at.is_not(None),
    alerts.c.over.is_(False),
)
#: Of each alert its last word: every further firing of one puts its end off.
_LAST = (
    select(func.max(alerts.c.id).label("id"), func.max(alerts.c.ends_at).label("ends_at"))
    .where(*_FIRING)
    .group_by(alerts.c.identity)
    .subquery()
)


class SqlEndings(OnDatabase):
    """Implements bot.ports.Endings."""

    @reads
    def ending(self, connection: Connection, now: datetime) -> tuple[Sequence[Alert], datetime | None]:
        """See bot.ports.Endings."""
        due = (
            select(alerts.c.body)
            .join(_LAST, _LAST.c.id == alerts.c.id)
            .where(_LAST.c.ends_at <= now)
            .order_by(_LAST.c.ends_at, alerts.c.id)
            .limit(MOST)
        )
        over = []
        for body in connection.execute(due).scalars():
            # One that this version cannot read any more must not keep the others.
            with suppress(Rejected):
                over.append(alert_of(body))
        next_at = connection.scalar(select(func.min(_LAST.c.ends_at)).where(_LAST.c.ends_at > now))
        return over, next_at
