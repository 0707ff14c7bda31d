"""What people work on: all alerts of one rule and one cluster until they are over."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from audit.alert import Alert, resource_name
from audit.origin import Origin

#: How long an acknowledgement speaks for further alerts too.
COVERED_FOR = timedelta(days=1)


class State(StrEnum):
    FIRED = "fired"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class Why(StrEnum):
    """Why a transition did what it did."""

    OPENED = "opened"
    JOINED = "joined"
    ALREADY_OVER = "already over"
    ACKNOWLEDGED = "acknowledged"
    ALREADY_ACKNOWLEDGED = "already acknowledged"
    RESOLVED = "resolved"
    STILL_FIRING = "still firing"
    ALREADY_RESOLVED = "already resolved"
    NOTHING_TO_RESOLVE = "nothing to resolve"


@dataclass(frozen=True, kw_only=True)
class Person:
    """Who acted. `id` is the Entra object id, which identifies; `name` is only for reading."""

    id: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Acknowledgement:
    by: Person
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Incident:
    """An incident. `version` grows with every change that a card shows."""

    #: The number people say: #12.
    number: int
    #: 128 random bits in hex: the only thing of an incident that a card carries.
    key: str
    rule: str
    severity: str
    #: Resource id, lower case; "" when the alert names none.
    subject_id: str
    #: As people write it.
    subject_name: str
    opened_at: datetime
    state: State = State.FIRED
    version: int = 1
    #: Deliveries of "Fired" that belong to it, repeats aside.
    alert_count: int = 1
    acknowledgement: Acknowledgement | None = None
    resolved_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Transition:
    """What became of an incident, and why. `incident` is the one to keep, changed or not."""

    incident: Incident
    why: Why

    @property
    def changed(self) -> bool:
        return self.why in {Why.OPENED, Why.JOINED, Why.ALREADY_OVER, Why.ACKNOWLEDGED, Why.RESOLVED}


def identity(alert: Alert) -> tuple[str, str]:
    """Return what makes alerts belong together while their incident is not RESOLVED: rule and subject.

    Azure writes one resource id in several cases, so the subject counts in lower case. Alerts of our own go by their id:
    behind a space, with which no rule's name begins.
    """
    rule = alert.rule if alert.origin is Origin.AZURE else f" {alert.alert_id.lower()}"
    return rule, alert.subject.lower()


def alert_identity(alert: Alert) -> tuple[str, ...]:
    """Return what Fired and Resolved of one alert have in common: Azure's id, or rule and subject without one."""
    return (alert.alert_id.lower(),) if alert.alert_id else identity(alert)


def over_since(fired_at: datetime | None, resolutions: Iterable[datetime | None]) -> datetime | None:
    """Return when an alert that fired then was over, judging by all resolutions known of it; None if it is not.

    Only the payload's own times tell: a resolution from before the firing belongs to an earlier one, and where
    a time is missing the alert counts as firing, since a card too many harms less than one too few.
    """
    if fired_at is None:
        return None
    return min((at for at in resolutions if at is not None and at >= fired_at), default=None)


def open_from(
    alert: Alert, *, number: int, key: str, now: datetime, over_at: datetime | None = None
) -> Transition:
    """Open an incident from an alert that fired. `over_at`: its Resolved overtook it, so it opens resolved."""
    _, subject_id = identity(alert)
    incident = Incident(
        number=number,
        key=key,
        rule=alert.rule,
        severity=alert.severity,
        subject_id=subject_id,
        subject_name=resource_name(alert.subject),
        opened_at=now,
        state=State.FIRED if over_at is None else State.RESOLVED,
        resolved_at=over_at,
    )
    return Transition(incident=incident, why=Why.OPENED if over_at is None else Why.ALREADY_OVER)


def takes_in(incident: Incident, now: datetime) -> bool:
    """Tell whether a further alert belongs to this incident.

    Not once it is over; and not a day after it was acknowledged: some rules never send a Resolved, and what happens
    next week must not hide under this week's acknowledgement.
    """
    if incident.state is State.RESOLVED:
        return False
    return incident.acknowledgement is None or now < incident.acknowledgement.at + COVERED_FOR


def join(incident: Incident) -> Transition:
    """Count one more alert that fired into an incident that is not RESOLVED."""
    joined = replace(incident, alert_count=incident.alert_count + 1, version=incident.version + 1)
    return Transition(incident=joined, why=Why.JOINED)


def acknowledge(incident: Incident, by: Person, at: datetime) -> Transition:
    """Keep who acknowledged: the first stands. After RESOLVED it is still kept, and the state stays."""
    if incident.acknowledgement is not None:
        return Transition(incident=incident, why=Why.ALREADY_ACKNOWLEDGED)
    state = State.RESOLVED if incident.state is State.RESOLVED else State.ACKNOWLEDGED
    acknowledged = replace(
        incident,
        state=state,
        acknowledgement=Acknowledgement(by=by, at=at),
        version=incident.version + 1,
    )
    return Transition(incident=acknowledged, why=Why.ACKNOWLEDGED)


def resolve(incident: Incident, at: datetime, *, others_firing: bool) -> Transition:
    """End the incident, unless another alert of it is firing still. Only the first end counts."""
    if incident.state is State.RESOLVED:
        return Transition(incident=incident, why=Why.ALREADY_RESOLVED)
    if others_firing:
        return Transition(incident=incident, why=Why.STILL_FIRING)
    resolved = replace(incident, state=State.RESOLVED, resolved_at=at, version=incident.version + 1)
    return Transition(incident=resolved, why=Why.RESOLVED)
