"""The same event once: with two categories or tables switched on, Azure writes it twice."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from audit.event import AuditEvent, TableShape


def distinct(events: Iterable[AuditEvent]) -> list[AuditEvent]:
    """Leave out repeats. Of two copies the one that tells more stays, in the place of the first.

    An audit id alone is not believed, for a client may choose it (the Audit-ID header): stage, verb, URI and user must
    agree, and the time of receipt where both copies have one, which a cut copy has not. Events without an audit id are
    all kept: nothing tells them apart. The workspace counts in the same way (`audit.kql`).
    https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/#audit-k8s-io-v1-Event
    """
    kept: list[AuditEvent | None] = []
    places: dict[tuple[str, ...], dict[datetime | None, int]] = {}
    for event in events:
        if not event.audit_id:
            kept.append(event)
            continue
        key = (event.audit_id, event.stage, event.verb, event.uri, event.username)
        copies = places.setdefault(key, {})
        place = _place(copies, received(event))
        if place is None:
            copies[received(event)] = len(kept)
            kept.append(event)
            continue
        copies.setdefault(received(event), place)
        kept[place] = _fuller(kept[place], event)
    return [event for event in kept if event is not None]


def received(event: AuditEvent) -> datetime | None:
    """Return when the API server received the request; None where the row does not say, such as a cut one."""
    return event.time if event.raw.get("requestReceivedTimestamp") else None


def _place(copies: dict[datetime | None, int], at: datetime | None) -> int | None:
    """Return where a copy stands already: of the same time, or one of unknown time."""
    if at in copies:
        return copies[at]
    if at is None:
        return next(iter(copies.values()), None)
    # The unknown one is this: from now on it has a time.
    return copies.pop(None, None)


def _fuller(one: AuditEvent | None, other: AuditEvent) -> AuditEvent:
    """Return the copy that tells more: whole before cut, and `log_s` alone has the impersonated user."""
    if one is None:
        return other
    return max((one, other), key=lambda event: (not event.is_cut, event.shape is TableShape.LOG))
