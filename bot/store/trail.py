"""The run trail: written in the transaction that does what it tells, so that it never tells what did not happen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select

from audit.evidence import Evidence
from bot.ports import Claim, Look, Notification, Step, Trace
from bot.store.database import OnDatabase, reads
from bot.store.tables import alerts, incidents, traces

#: Lines of one incident that are read: the newest.
MOST_LINES = 200
OK = "ok"


class SqlTrail(OnDatabase):
    """Implements the trail of bot.ports.Incidents."""

    @reads
    def trail(self, connection: Connection, number: int) -> Sequence[Trace]:
        """See bot.ports.Incidents. What the webhook did is told by the alerts themselves."""
        of_it = select(incidents.c.id).where(incidents.c.number == number).scalar_subquery()
        came = select(alerts).where(alerts.c.incident_id == of_it).order_by(alerts.c.id.desc())
        done = select(traces).where(traces.c.incident_id == of_it).order_by(traces.c.id.desc())
        deliveries = connection.execute(came.limit(MOST_LINES)).all()
        steps = connection.execute(done.limit(MOST_LINES)).all()
        # Sorting keeps the order of equals: a webhook before what it led to, and each in the order of its writing.
        lines = [*(_received(row) for row in reversed(deliveries)), *(_trace(row) for row in reversed(steps))]
        return sorted(lines, key=lambda line: line.at)[-MOST_LINES:]


def note(connection: Connection, incident_id: int | None, *lines: Trace) -> None:
    """Write lines about an incident; a digest, which is about many, has no trail."""
    if incident_id is not None and lines:
        connection.execute(traces.insert(), [_values(incident_id, line) for line in lines])


def claimed(claim: Claim, subject: str) -> Trace:
    """Tell that a worker took the row, and how long it had been due."""
    step = Step.TAKEN_OVER if claim.taken_over else Step.CLAIMED
    waited = max(timedelta(), claim.claimed_at - claim.due_at).total_seconds()
    return Trace(at=claim.claimed_at, step=step, subject=subject, seconds=waited, attempt=claim.attempt)


def asked(look: Look, evidence: Evidence, now: datetime) -> tuple[Trace, Trace]:
    """Tell of a look: taken, and what the workspace said."""
    took = (now - look.claimed_at).total_seconds()
    reason = str(evidence.missing) if evidence.missing else "partial" if evidence.partial else OK
    answer = Trace(
        at=now, step=Step.ASKED, subject=str(look.kind), seconds=took, attempt=look.attempt, reason=reason
    )
    return claimed(look, str(look.kind)), answer


def said(notification: Notification, step: Step, now: datetime, reason: str = OK) -> tuple[Trace, Trace]:
    """Tell of a try to say something: taken, and how it ended."""
    where = notification.conversation.name or notification.conversation.id
    took = (now - notification.claimed_at).total_seconds()
    end = Trace(at=now, step=step, subject=where, seconds=took, attempt=notification.attempt, reason=reason)
    return claimed(notification, where), end


def _values(incident_id: int, line: Trace) -> dict[str, Any]:
    return {
        "incident_id": incident_id,
        "at": line.at,
        "step": line.step.value,
        "subject": line.subject,
        "seconds": line.seconds,
        "attempt": line.attempt,
        "reason": line.reason,
    }


def _trace(row: Row[Any]) -> Trace:
    return Trace(
        at=row.at,
        step=Step(row.step),
        subject=row.subject,
        seconds=row.seconds,
        attempt=row.attempt,
        reason=row.reason,
    )


def _received(row: Row[Any]) -> Trace:
    took = (row.recorded_at - row.received_at).total_seconds() if row.recorded_at else None
    # Only what is our own has an end of its own.
    step = Step.MADE if row.ends_at else Step.FOUND if row.found_at else Step.RECEIVED
    return Trace(at=row.received_at, step=step, subject=row.condition, seconds=took, reason=row.why or "")
