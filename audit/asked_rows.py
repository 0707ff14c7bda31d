"""What workspaces answered to somebody's question, read into the shapes of audit.asked. Pure.

Every reader raises NotCounted where the answer is not what was asked for, whatever stands in it; texts are shortened.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from audit.actor import ActorKind
from audit.asked import Activity, Actors, ActorSeen, Billed, Bucket, ClusterSeen, Cost, Counted
from audit.asked_together import activity_together, actors_together, cost_together
from audit.counted import NotCounted
from audit.event import AuditEvent, parse_event
from audit.filter import Window
from audit.grouping import shortened
from audit.kql_answers import MAX_STEPS
from audit.kql_columns import (
    BYTES,
    DIGEST,
    MEGABYTES,
    REACH,
    ActorsSeen,
    Billing,
    Busiest,
    ClustersSeen,
    Steps,
)
from audit.untyped import count, moment, number, text

__all__ = [
    "activity_of",
    "activity_together",
    "actors_of",
    "actors_together",
    "clusters_of",
    "cost_of",
    "cost_together",
    "listed_of",
    "reach_of",
]

Rows = Sequence[Mapping[str, Any]]

_DIGEST = re.compile("[0-9a-f]{64}")
_MB, _GB = 1e6, 1e9
_DAY = timedelta(days=1)


def actors_of(rows: Rows) -> Actors:
    """Read the answer of actors_asked."""
    if not rows:
        return Actors()
    seen = tuple(map(_actor, rows))
    return Actors(
        rows=seen,
        users=max(len(seen), _count(rows[0], ActorsSeen.USERS)),
        events=_count(rows[0], ActorsSeen.EVENTS),
    )


def activity_of(buckets: Rows, actors: Rows, objects: Rows, *, window: Window, step: timedelta) -> Activity:
    """Read the answers of activity_asked, of that window and step; steps without events are zeros.

    Raises ValueError for a step that activity_asked would not take.
    """
    counts = dict.fromkeys(_starts(window, step), (0, 0, 0))
    for row in buckets:
        start, kind = _moment(row, Steps.START), _kind(row, Steps.KIND)
        if start not in counts:
            raise NotCounted("a step is outside of the window")
        found = list(counts[start])
        found[kind] += _count(row, Steps.COUNT)
        counts[start] = (found[0], found[1], found[2])
    return Activity(
        step=step,
        buckets=tuple(
            Bucket(start=start, people=people, workloads=workloads, platform=platform)
            for start, (people, workloads, platform) in counts.items()
        ),
        actors=tuple(_busy(row, _text(row, Busiest.USER)) for row in actors),
        objects=tuple(_busy(row, _object(row)) for row in objects),
    )


def listed_of(rows: Rows) -> tuple[tuple[AuditEvent, str], ...]:
    """Read a page of events_listed: each event and its digest, 64 lower-case hexadecimal digits, in their order."""
    found = []
    for row in rows:
        event, digest = parse_event(row), row.get(DIGEST)
        if not isinstance(event, AuditEvent) or not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
            raise NotCounted("a row is no event that was listed")
        found.append((event, digest))
    return tuple(found)


def clusters_of(rows: Rows, workspace: str) -> tuple[ClusterSeen, ...]:
    """Read the answer of clusters_seen, by cluster; rows of all its tables and categories are counted together."""
    by_cluster: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        by_cluster.setdefault(_text(row, ClustersSeen.CLUSTER).lower(), []).append(row)
    return tuple(_cluster(id_, alike, workspace) for id_, alike in by_cluster.items() if id_)


def cost_of(usage: Rows, categories: Rows, actors: Rows) -> Cost:
    """Read the answers of billed, largest first."""
    return Cost(
        tables=_dearest(
            Billed(what=_text(row, Billing.TABLE), gigabytes=_number(row, MEGABYTES) * _MB / _GB)
            for row in usage
        ),
        categories=_dearest(_billed(row, Billing.TABLE, Billing.CATEGORY) for row in categories),
        actors=_dearest(_billed(row, Billing.USER) for row in actors),
    )


def reach_of(rows: Rows) -> datetime | None:
    """Read the answer of reach; None where there is nothing in the window."""
    if not rows or rows[0].get(REACH) in (None, ""):
        return None
    return _moment(rows[0], REACH)


# --- rows ------------------------------------------------------------------------------------------


def _actor(row: Mapping[str, Any]) -> ActorSeen:
    return ActorSeen(
        user=_text(row, ActorsSeen.USER),
        impersonated=_text(row, ActorsSeen.IMPERSONATED),
        kind=_kind(row, ActorsSeen.KIND),
        count=_count(row, ActorsSeen.COUNT),
        failed=_count(row, ActorsSeen.FAILED),
        first=_moment(row, ActorsSeen.FIRST),
        last=_moment(row, ActorsSeen.LAST),
        objects=_count(row, ActorsSeen.OBJECTS),
        done=_moment(row, ActorsSeen.DONE) if row.get(ActorsSeen.DONE) else None,
        verb=_text(row, ActorsSeen.VERB),
        resource=_text(row, ActorsSeen.RESOURCE),
        subresource=_text(row, ActorsSeen.SUBRESOURCE),
        namespace=_text(row, ActorsSeen.NAMESPACE),
        name=_text(row, ActorsSeen.NAME),
    )


def _starts(window: Window, step: timedelta) -> list[datetime]:
    """Return when each step of the window begins, as `bin` has it."""
    if step <= timedelta(0) or _DAY % step or window.length / step > MAX_STEPS:
        raise ValueError("the window cannot be counted in such steps")
    midnight = window.start.replace(hour=0, minute=0, second=0, microsecond=0)
    first = midnight + (window.start - midnight) // step * step
    return [first + n * step for n in range((window.end - first) // step + 1)]


def _busy(row: Mapping[str, Any], what: str) -> Counted:
    return Counted(what=what, kind=_kind(row, Busiest.KIND), count=_count(row, Busiest.COUNT))


def _object(row: Mapping[str, Any]) -> str:
    """Return "configmaps kube-system/coredns"."""
    place = "/".join(filter(None, (_text(row, Busiest.NAMESPACE), _text(row, Busiest.NAME))))
    return " ".join(filter(None, (_text(row, Busiest.RESOURCE), place)))


def _cluster(id_: str, rows: Rows, workspace: str) -> ClusterSeen:
    logged = (
        " ".join(filter(None, (_text(row, ClustersSeen.TABLE), _text(row, ClustersSeen.CATEGORY))))
        for row in rows
    )
    return ClusterSeen(
        id=id_,
        name=id_.rstrip("/").rsplit("/", 1)[-1],
        workspace=workspace,
        rows=sum(_count(row, ClustersSeen.ROWS) for row in rows),
        first=min(_moment(row, ClustersSeen.FIRST) for row in rows),
        last=max(_moment(row, ClustersSeen.LAST) for row in rows),
        logged=tuple(dict.fromkeys(logged)),
    )


def _billed(row: Mapping[str, Any], *columns: str) -> Billed:
    what = " ".join(filter(None, (_text(row, column) for column in columns)))
    return Billed(what=what, gigabytes=_number(row, BYTES) / _GB, rows=_count(row, Billing.ROWS))


def _dearest(found: Iterable[Billed]) -> tuple[Billed, ...]:
    return tuple(sorted(found, key=lambda each: -each.gigabytes))


# --- values ----------------------------------------------------------------------------------------


def _text(row: Mapping[str, Any], column: str) -> str:
    return shortened(text(row.get(column)))


def _count(row: Mapping[str, Any], column: str) -> int:
    found = count(row.get(column))
    if found is None:
        raise NotCounted(f"{column} is not a number")
    return found


def _number(row: Mapping[str, Any], column: str) -> float:
    """Return an amount; the sum of nothing is null in some workspaces."""
    value = row.get(column)
    found = 0.0 if value is None else number(value)
    if found is None or found < 0:
        raise NotCounted(f"{column} is not an amount")
    return found


def _moment(row: Mapping[str, Any], column: str) -> datetime:
    found = moment(row.get(column))
    if found is None:
        raise NotCounted(f"{column} is not a time")
    return found


def _kind(row: Mapping[str, Any], column: str) -> ActorKind:
    try:
        return ActorKind(_count(row, column))
    except ValueError:
        raise NotCounted("somebody is of no kind that we know") from None
