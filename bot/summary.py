"""From what a workspace answered to what may be said of it: evidence, and what went on since. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from audit.blind_spots import Facts, blind_spots
from audit.counted import Totals, merged
from audit.distinct import distinct
from audit.event import ActorKind, AuditEvent
from audit.evidence import Evidence, Finding, Group, Missing, Since
from audit.first_seen import phrases
from audit.grouping import count_by_actor, group, ordered, shortened
from audit.history import changes_of
from audit.rules import judge
from bot.asides import Asides
from bot.reading import Part
from bot.sources import Known

#: New users that are named of what went on since.
MOST_NEW_USERS = 5
#: Groups that are kept as evidence: the riskiest, then people's.
MOST_GROUPS = 120


@dataclass(frozen=True, kw_only=True)
class Gathered:
    """The events of all parts, which may overlap: an event counts once."""

    events: Sequence[AuditEvent]
    #: Parallel to the events.
    findings: Sequence[tuple[Finding, ...]]
    over_all: tuple[Finding, ...]


def gathered(parts: Sequence[Part]) -> Gathered:
    """Put the parts' events together and judge their risk. Slow where bodies are large: not for an event loop."""
    events = distinct(event for part in parts for event in part.events)
    judgement = judge(events)
    return Gathered(events=events, findings=judgement.of_event, over_all=judgement.over_all)


def filled(
    blank: Evidence,
    parts: Sequence[Part],
    found: Gathered,
    asides: Asides,
    known: Known | None = None,
    *,
    is_all_asked: bool = False,
) -> Evidence:
    """Return the evidence. Slow where URIs are long (see audit.grouping.group): not for an event loop.

    `is_all_asked`: whatever holds audit events was asked, which an alert's own query need not do.
    """
    read_from = frozenset(event.category for part in parts for event in part.events)
    totals = _sum(parts, found.events)
    groups = _groups(blank, parts, found, asides)
    in_all = len(groups) + sum(max(0, part.groups_in_all - len(part.groups)) for part in parts)
    read = len(found.events) + sum(len(part.unreadable) for part in parts)
    return replace(
        blank,
        missing=_missing(parts),
        returned=sum(part.returned for part in parts),
        read=read,
        repeated=sum(part.read for part in parts) - read,
        events=totals.events,
        by_people=totals.people,
        by_workloads=totals.workloads,
        by_platform=totals.platform,
        unreadable=totals.unreadable,
        cut=totals.cut,
        late=totals.late,
        partial=any(part.partial for part in parts),
        detail=_detail(blank, parts),
        groups=groups[:MOST_GROUPS],
        groups_left=in_all - len(groups[:MOST_GROUPS]),
        findings=found.over_all,
        judged=len(found.events) if len(found.events) < totals.events else None,
        before=asides.before,
        after=asides.after,
        reaches_back_to=asides.seen.reaches_back_to if asides.seen else None,
        sources=known.sources if known else (),
        table=next((part.table for part in parts if part.table), None),
        blind_spots=blind_spots(
            Facts(
                sources=known.sources if known else (),
                events=found.events,
                categories=frozenset() if is_all_asked else read_from,
                cut=totals.cut,
                basic_tables=known.basic if known else (),
            )
        ),
    )


def _missing(parts: Sequence[Part]) -> Missing | None:
    """An alert whose query returns no audit events has a table instead."""
    rows = any(part.events or part.totals.events for part in parts)
    foreign = [row.is_foreign for part in parts for row in part.unreadable]
    only_foreign = bool(foreign) and all(foreign)
    only_table = any(part.table for part in parts) and not any(part.returned for part in parts)
    return Missing.NOT_EVENTS if not rows and (only_foreign or only_table) else None


def _sum(parts: Sequence[Part], found: Sequence[AuditEvent]) -> Totals:
    """Add the parts' numbers up. Rows may arrive between two questions, so none is below what was read."""
    if len(parts) == 1:
        (one,) = parts
        events = max(one.totals.events, len(found))
        by = {kind: count_by_actor(found, kind) for kind in ActorKind}
        return replace(
            one.totals,
            events=events,
            people=max(one.totals.people, by[ActorKind.PERSON]),
            workloads=max(one.totals.workloads, by[ActorKind.WORKLOAD]),
            platform=max(one.totals.platform, by[ActorKind.PLATFORM]),
            unreadable=max(one.totals.unreadable, len(one.unreadable)),
        )
    # Parts may overlap, and only what is read tells by how much.
    twice = sum(len(distinct(part.events)) for part in parts) - len(found)
    late = [part.totals.late for part in parts]
    return Totals(
        rows=sum(part.returned for part in parts),
        events=sum(part.totals.events for part in parts) - twice,
        people=count_by_actor(found, ActorKind.PERSON),
        workloads=count_by_actor(found, ActorKind.WORKLOAD),
        platform=count_by_actor(found, ActorKind.PLATFORM),
        unreadable=sum(part.totals.unreadable for part in parts),
        cut=sum(part.totals.cut for part in parts),
        late=None if None in late else sum(filter(None, late)),
    )


def _groups(blank: Evidence, parts: Sequence[Part], found: Gathered, asides: Asides) -> tuple[Group, ...]:
    changes = changes_of(found.events, asides.earlier)
    groups = group(found.events, found.findings, changes)
    if len(parts) == 1 and parts[0].groups:
        # Of several parts, which may overlap, nobody can tell what both counted.
        groups = merged(groups, parts[0].groups)
    if asides.seen is None or blank.window is None:
        return ordered(groups)
    start = blank.window.start
    return tuple(replace(one, first_seen=phrases(one, asides.seen, start)) for one in groups)


def _detail(blank: Evidence, parts: Sequence[Part]) -> str:
    notes = dict.fromkeys(note for part in parts for note in part.notes)
    return joined(blank.detail, *notes, next((part.partial for part in parts if part.partial), ""))


def since(parts: Sequence[Part], until: datetime, known: Evidence) -> Since:
    """Say what the parts tell of the time after the window of `known`, up to `until`."""
    found = distinct(event for part in parts for event in part.events)
    totals = _sum(parts, found)
    people = [event for event in found if event.actor is ActorKind.PERSON]
    times = [event.time for event in found] + [part.totals.last for part in parts if part.totals.last]
    return Since(
        until=until,
        returned=totals.events + totals.unreadable,
        by_people=totals.people,
        last=max(times, default=None),
        new_users=_new_users(people, known),
    )


def _new_users(people: Sequence[AuditEvent], known: Evidence) -> tuple[str, ...]:
    """Name who was not in the window; nobody where not all of that window is known."""
    if known.partial or known.unreadable or known.groups_left or known.read + known.repeated < known.returned:
        return ()
    before = {g.user for g in known.groups}
    names = dict.fromkeys(shortened(event.username) for event in people)
    return tuple(name for name in names if name not in before)[:MOST_NEW_USERS]


def joined(*sentences: str) -> str:
    """Return one text of those that are not empty."""
    return " ".join(filter(None, sentences))
