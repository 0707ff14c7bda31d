"""What recording has in its hands: deliveries, and the alerts and incidents that they meet."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from audit import incident as transitions
from audit.alert import Alert, Condition
from audit.incident import Incident, Why
from bot.store.codec import digest

FIRED = Condition.FIRED.value


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """An alert as it came; `now` is when."""

    alert: Alert
    body: bytes
    now: datetime
    found: bool = False
    #: See bot.ports.Incidents.record.
    only_for: str = ""
    also_for: str = ""
    #: By time.perf_counter: how long it waited for its commit is told by the run trail.
    came: float = field(default_factory=time.perf_counter)

    @cached_property
    def alert_hash(self) -> str:
        return digest(*transitions.alert_identity(self.alert))

    @cached_property
    def incident_hash(self) -> str:
        return incident_hash(*transitions.identity(self.alert), only_for=self.only_for)

    def recorded_at(self) -> datetime:
        return self.now + timedelta(seconds=time.perf_counter() - self.came)


def incident_hash(rule: str, subject: str, *, only_for: str) -> str:
    """Return what alerts of one incident have in common; one conversation's own is nobody else's."""
    return digest(rule, subject, "only for", only_for) if only_for else digest(rule, subject)


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
    #: See bot.ports.Incidents.record.
    only_for: str = ""
    also_for: str = ""


@dataclass(kw_only=True, eq=False)
class AlertInHand:
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
class Known:
    """What the database knows of a group's alerts, and what becomes of it."""

    by_alert: dict[str, list[AlertInHand]] = field(default_factory=lambda: defaultdict(list))
    by_id: dict[int, InHand] = field(default_factory=dict)
    #: Incidents that may take in an alert, oldest first.
    open: dict[str, list[InHand]] = field(default_factory=lambda: defaultdict(list))
    opened: list[InHand] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)
    #: Alerts of the group that were recorded before it, by their keys.
    before: dict[str, AlertInHand] = field(default_factory=dict)
