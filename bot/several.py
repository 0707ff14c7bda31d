"""The evidence of several workspaces together. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from audit.alert import resource_name
from audit.distinct import distinct
from audit.event import AuditEvent
from audit.evidence import Evidence, Group
from audit.grouping import ordered, shortened
from bot import summary
from bot.asides import Asides
from bot.reading import Part
from bot.sources import Known
from bot.summary import MOST_GROUPS


@dataclass(frozen=True, kw_only=True)
class Telling:
    """What one workspace told of one window."""

    #: Evidence that says only who was asked for what.
    blank: Evidence
    part: Part
    known: Known
    asides: Asides


def evidence_of(tellings: Sequence[Telling]) -> Evidence:
    """Return what the workspaces told as one: exact numbers, each group on its cluster. Not for an event loop.

    A cluster may log into two workspaces. Where an event was read in both, what is counted and not read cannot be told
    apart by place any more: then the numbers are as for an alert of several queries, see bot.summary.
    """
    if len(tellings) == 1:
        (one,) = tellings
        return _filled(one.blank, [one.part], one.asides, one.known)
    parts = [each.part for each in tellings]
    each_read = sum(len(distinct(part.events)) for part in parts)
    if each_read == len(distinct(event for part in parts for event in part.events)):
        return _side_by_side(tellings)
    earlier = tuple(event for each in tellings for event in each.asides.earlier)
    known = Known(
        at=tellings[0].known.at,
        sources=tuple(dict.fromkeys(source for each in tellings for source in each.known.sources)),
        basic=tuple(dict.fromkeys(table for each in tellings for table in each.known.basic)),
    )
    return _filled(_blank(tellings), parts, Asides(earlier=earlier), known)


def _filled(blank: Evidence, parts: Sequence[Part], asides: Asides, known: Known) -> Evidence:
    return summary.filled(blank, parts, summary.gathered(parts), asides, known, is_all_asked=True)


def _blank(tellings: Sequence[Telling]) -> Evidence:
    names = ", ".join(each.blank.workspace for each in tellings)
    return replace(tellings[0].blank, workspace=names)


def _side_by_side(tellings: Sequence[Telling]) -> Evidence:
    filled = [_filled(each.blank, [each.part], each.asides, each.known) for each in tellings]
    several = len({event.cluster_id.lower() for each in tellings for event in each.part.events}) > 1
    groups = ordered(
        group
        for each, evidence in zip(tellings, filled, strict=True)
        for group in (_placed(evidence.groups, each.part.events) if several else evidence.groups)
    )
    judged = [each.judged for each in filled]
    return replace(
        _blank(tellings),
        missing=filled[0].missing if len({each.missing for each in filled}) == 1 else None,
        returned=sum(each.returned for each in filled),
        read=sum(each.read for each in filled),
        repeated=sum(each.repeated for each in filled),
        events=sum(each.events or 0 for each in filled),
        by_people=sum(each.by_people for each in filled),
        by_workloads=sum(each.by_workloads for each in filled),
        by_platform=sum(each.by_platform for each in filled),
        unreadable=sum(each.unreadable for each in filled),
        cut=sum(each.cut for each in filled),
        partial=any(each.partial for each in filled),
        detail=summary.joined(*dict.fromkeys(each.detail for each in filled)),
        groups=groups[:MOST_GROUPS],
        groups_left=sum(each.groups_left for each in filled) + len(groups[MOST_GROUPS:]),
        findings=tuple(dict.fromkeys(finding for each in filled for finding in each.findings)),
        judged=None
        if judged == [None] * len(judged)
        else sum(each.events or 0 if each.judged is None else each.judged for each in filled),
        sources=tuple(dict.fromkeys(source for each in filled for source in each.sources)),
        blind_spots=tuple(dict.fromkeys(spot for each in filled for spot in each.blind_spots)),
    )


def _placed(groups: Iterable[Group], events: Sequence[AuditEvent]) -> Iterable[Group]:
    """Name the workspace's one cluster on its groups; of several, those that were read name theirs already."""
    ids = {event.cluster_id.lower(): event.cluster_id for event in events}
    name = shortened(resource_name(next(iter(ids.values())))) if len(ids) == 1 else ""
    return (group if group.cluster else replace(group, cluster=name) for group in groups)
