"""What must come of deliveries and clicks, in whatever order they come: a small model without a store or a loop."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from tests.fakes import NOW

#: How long an acknowledgement speaks for further alerts.
A_DAY = timedelta(days=1)

RULES = ("CoreDNS changed", "Secrets read")
#: Alerts that there are, per rule; each fires twice, a day and more apart.
ALERTS = 2


@dataclass(frozen=True, kw_only=True)
class Told:
    """One call of the webhook: a Fired, or with `resolved_at` a Resolved, of an alert."""

    alert_id: str
    rule: str
    fired_at: datetime
    resolved_at: datetime | None = None


@dataclass(kw_only=True)
class Case:
    """An incident, as it must be."""

    number: int
    rule: str
    alerts: int = 1
    resolved_at: datetime | None = None
    by: str = ""
    by_at: datetime | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """What must be read on its card, in lower case."""
        over = ("azure says it is over",) if self.resolved_at else ()
        by = (f"acknowledged by {self.by.lower()}",) if self.by else ()
        nobody = ("nobody acknowledged",) if self.resolved_at and not self.by else ()
        many = (f"{self.alerts} alerts",) if self.alerts > 1 else ()
        return (*over, *by, *nobody, *many)


@dataclass(kw_only=True)
class _Shot:
    """A Fired that was taken."""

    told: Told
    case: Case
    fires: bool


@dataclass
class Model:
    cases: list[Case] = field(default_factory=list)
    _heard: set[Told] = field(default_factory=set)
    _shots: list[_Shot] = field(default_factory=list)
    _over: defaultdict[str, list[datetime]] = field(default_factory=lambda: defaultdict(list))

    def deliver(self, told: Told, now: datetime) -> int | None:
        """Take a delivery, repeated or not; return the number of the incident that it belongs to, None for none."""
        if told in self._heard:
            return self._belongs(told)
        self._heard.add(told)
        if told.resolved_at is None:
            self._fire(told, now)
        else:
            self._resolve(told, told.resolved_at)
        return self._belongs(told)

    def acknowledge(self, number: int, by: str, now: datetime) -> None:
        """Take a click: the first one stands."""
        case = self.cases[number - 1]
        if not case.by:
            case.by, case.by_at = by, now

    def _belongs(self, told: Told) -> int | None:
        return self._numbers.get(told)

    def _fire(self, told: Told, now: datetime) -> None:
        over_at = min((at for at in self._over[told.alert_id] if at >= told.fired_at), default=None)
        case = self._open(told.rule, now)
        if case is None:
            case = Case(number=len(self.cases) + 1, rule=told.rule, resolved_at=over_at)
            self.cases.append(case)
        else:
            case.alerts += 1
        self._shots.append(_Shot(told=told, case=case, fires=over_at is None))
        self._numbers[told] = case.number

    def _open(self, rule: str, now: datetime) -> Case | None:
        """Return the newest incident of the rule, unless it is over or was acknowledged a day ago."""
        waiting = [case for case in self.cases if case.rule == rule and case.resolved_at is None]
        newest = waiting[-1] if waiting else None
        return None if newest and newest.by_at and now >= newest.by_at + A_DAY else newest

    def _resolve(self, told: Told, at: datetime) -> None:
        self._over[told.alert_id].append(at)
        mine = list(self._fired_before(told.alert_id, at))
        if not mine:
            return
        firing = [shot for shot in mine if shot.fires]
        for shot in firing:
            shot.fires = False
        about = (firing or mine)[-1].case
        self._numbers[told] = about.number
        for case in [about, *(shot.case for shot in firing)]:
            if case.resolved_at is None and not any(s.fires for s in self._shots if s.case is case):
                case.resolved_at = at

    def _fired_before(self, alert_id: str, at: datetime) -> Iterator[_Shot]:
        yield from (s for s in self._shots if s.told.alert_id == alert_id and s.told.fired_at <= at)

    _numbers: dict[Told, int] = field(default_factory=dict)


def all_told() -> list[Told]:
    """Return everything that Azure may ever say here."""
    found = []
    for rule_ in RULES:
        for number in range(ALERTS):
            for days in (0, 2):
                fired_at = NOW - timedelta(minutes=10 - number) + timedelta(days=days)
                fired = Told(alert_id=f"{rule_} {number}", rule=rule_, fired_at=fired_at)
                found += [fired, replace(fired, resolved_at=fired_at + timedelta(minutes=5))]
    return found
