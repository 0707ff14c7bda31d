"""Answers of several workspaces to one question as one answer. Pure.

Workspaces are of different clusters: what each of them counted is added up, and their objects are different ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from audit.actor import ActorKind
from audit.asked import Activity, Actors, ActorSeen, Billed, Bucket, Cost, Counted
from audit.kql_answers import MAX_ACTORS, MAX_BILLED, MAX_BUSIEST


def actors_together(parts: Sequence[Actors]) -> Actors:
    """Return who did it in any of the workspaces, at most MAX_ACTORS.

    `users` is the most that it may be where not all were told of: the same user may be untold in two workspaces.
    """
    merged: dict[tuple[str, str], ActorSeen] = {}
    for actor in (actor for part in parts for actor in part.rows):
        key = (actor.user, actor.impersonated)
        merged[key] = _both(merged[key], actor) if key in merged else actor
    again = sum(len(part.rows) for part in parts) - len(merged)
    by_last = sorted(merged.values(), key=lambda actor: actor.last, reverse=True)
    return Actors(
        rows=tuple(sorted(by_last, key=lambda actor: actor.kind)[:MAX_ACTORS]),
        users=sum(part.users for part in parts) - again,
        events=sum(part.events for part in parts),
    )


def activity_together(parts: Sequence[Activity]) -> Activity:
    """Return the events of all over time. One or more, of one window and step: else ValueError.

    Of the busiest each workspace told its own: who is busy in all of them and the busiest in none may be missing.
    """
    if not parts or any(part.step != parts[0].step for part in parts):
        raise ValueError("activity of one window in one step can be added up")
    merged: dict[object, Bucket] = {}
    for bucket in (bucket for part in parts for bucket in part.buckets):
        known = merged.get(bucket.start)
        merged[bucket.start] = _sum(known, bucket) if known else bucket
    return Activity(
        step=parts[0].step,
        buckets=tuple(sorted(merged.values(), key=lambda bucket: bucket.start)),
        actors=_busiest(counted for part in parts for counted in part.actors),
        objects=_busiest(counted for part in parts for counted in part.objects),
    )


def cost_together(parts: Sequence[Cost]) -> Cost:
    """Return what all of them cost together, by the same names; largest first."""
    return Cost(
        tables=_dearest(billed for part in parts for billed in part.tables),
        categories=_dearest(billed for part in parts for billed in part.categories),
        actors=_dearest(billed for part in parts for billed in part.actors)[:MAX_BILLED],
    )


def _both(one: ActorSeen, other: ActorSeen) -> ActorSeen:
    told = max(one, other, key=lambda actor: (actor.done is not None, actor.done or actor.last))
    return replace(
        told,
        last=max(one.last, other.last),
        kind=min(one.kind, other.kind),
        count=one.count + other.count,
        failed=one.failed + other.failed,
        first=min(one.first, other.first),
        objects=one.objects + other.objects,
    )


def _sum(one: Bucket, other: Bucket) -> Bucket:
    return Bucket(
        start=one.start,
        people=one.people + other.people,
        workloads=one.workloads + other.workloads,
        platform=one.platform + other.platform,
    )


def _busiest(found: Iterable[Counted]) -> tuple[Counted, ...]:
    kinds: dict[str, ActorKind | None] = {}
    counts: dict[str, int] = {}
    for each in found:
        known = kinds.get(each.what)
        kinds[each.what] = each.kind if known is None or each.kind is None else min(known, each.kind)
        counts[each.what] = counts.get(each.what, 0) + each.count
    merged = [Counted(what=what, kind=kinds[what], count=number) for what, number in counts.items()]
    return tuple(sorted(merged, key=_by_platform_and_count)[:MAX_BUSIEST])


def _by_platform_and_count(counted: Counted) -> tuple[bool, int]:
    return counted.kind is ActorKind.PLATFORM, -counted.count


def _dearest(found: Iterable[Billed]) -> tuple[Billed, ...]:
    merged: dict[str, Billed] = {}
    for each in found:
        known = merged.get(each.what)
        merged[each.what] = _added(known, each) if known else each
    return tuple(sorted(merged.values(), key=lambda billed: -billed.gigabytes))


def _added(one: Billed, other: Billed) -> Billed:
    rows = None if one.rows is None or other.rows is None else one.rows + other.rows
    return Billed(what=one.what, gigabytes=one.gigabytes + other.gigabytes, rows=rows)
