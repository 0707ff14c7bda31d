"""Alerts as Azure Monitor posts them, by the thousand: the same seed gives the same ones."""

from __future__ import annotations

import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from bench.workspace import CLUSTER
from sandbox.bot_process import ROOT

_SAMPLE = ROOT / "samples" / "alerts" / "coredns-changed.json"
_PREFIX = "/subscriptions/a0a0a0a0-0000-4000-8000-000000000001/providers/Microsoft.AlertsManagement/alerts/"
WINDOW = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One call of the webhook."""

    body: bytes
    alert_id: str
    rule: str
    #: "Fired" or "Resolved".
    condition: str
    #: The same body was delivered before.
    repeated: bool = False


class Writer:
    """Writes bodies like the sample's, for the bench's cluster."""

    def __init__(self) -> None:
        sample: dict[str, Any] = orjson.loads(_SAMPLE.read_bytes())
        self._document = sample
        self._essentials: dict[str, Any] = sample["data"]["essentials"]
        self._condition: dict[str, Any] = sample["data"]["alertContext"]["condition"]
        self._essentials["alertTargetIDs"] = [CLUSTER]
        self._essentials["configurationItems"] = [CLUSTER.upper()]
        self._condition["allOf"][0]["dimensions"] = []

    def write(
        self, *, rule: str, alert_id: str, fired_at: datetime, resolved_at: datetime | None = None
    ) -> Delivery:
        """Write a Fired, or with `resolved_at` its Resolved. The window is the five minutes before it fired."""
        told = self._essentials
        condition = "Resolved" if resolved_at else "Fired"
        told |= {"alertRule": rule, "alertId": _PREFIX + alert_id, "originAlertId": alert_id}
        told |= {"monitorCondition": condition, "firedDateTime": _iso(fired_at)}
        told.pop("resolvedDateTime", None)
        if resolved_at:
            told["resolvedDateTime"] = _iso(resolved_at)
        # Whole minutes, as Azure's own windows are: rules of one storm have them in common.
        end = fired_at.replace(second=0, microsecond=0)
        self._condition |= {"windowStartTime": _iso(end - WINDOW), "windowEndTime": _iso(end)}
        return Delivery(
            body=orjson.dumps(self._document), alert_id=_PREFIX + alert_id, rule=rule, condition=condition
        )


def storm(
    count: int,
    *,
    now: datetime,
    rules: int = 40,
    repeats: float = 0.3,
    resolved: float = 0.5,
    seed: int = 1,
) -> list[Delivery]:
    """Return `count` deliveries in random order: `repeats` of them said before, `resolved` of the alerts also over.

    A Resolved may come before its Fired. A repeat may come before what it repeats: both are the same body.
    """
    draw = random.Random(seed)
    first = distinct(count - int(count * repeats), now=now, rules=rules, resolved=resolved, seed=seed)
    again = [
        Delivery(
            body=each.body,
            alert_id=each.alert_id,
            rule=each.rule,
            condition=each.condition,
            repeated=True,
        )
        for each in draw.choices(first, k=count - len(first))
    ]
    mixed = [*first, *again]
    draw.shuffle(mixed)
    return mixed


def distinct(
    count: int,
    *,
    now: datetime,
    rules: int = 40,
    resolved: float = 0.0,
    seed: int = 1,
    tag: str = "",
) -> list[Delivery]:
    """Return `count` deliveries that all differ; each Resolved comes straight after its Fired.

    Rules are named `Bench rule {tag}0` and so on; the alerts fired within the minute before `now`.
    """
    draw, writer = random.Random(f"{seed}{tag}"), Writer()
    made: list[Delivery] = []
    while len(made) < count:
        rule = f"Bench rule {tag}{draw.randrange(rules)}"
        alert_id = str(uuid.UUID(int=draw.getrandbits(128), version=4))
        fired_at = now - timedelta(microseconds=draw.randrange(60_000_000))
        made.append(writer.write(rule=rule, alert_id=alert_id, fired_at=fired_at))
        if len(made) < count and draw.random() < resolved:
            over = now + timedelta(microseconds=draw.randrange(1_000_000))
            made.append(writer.write(rule=rule, alert_id=alert_id, fired_at=fired_at, resolved_at=over))
    return made


def bodies(deliveries: Sequence[Delivery]) -> list[bytes]:
    """Return just what is posted."""
    return [each.body for each in deliveries]


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
