"""What the workspace itself counted in a window: totals, and groups where not every row is read. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from audit.actor import kind_of
from audit.deeds import describe_request
from audit.event import ActorKind
from audit.evidence import Group
from audit.grouping import ordered, shortened
from audit.kql_columns import Groups as Column
from audit.kql_columns import Totals as Total
from audit.redact import redact_uri
from audit.rules import judge_request
from audit.untyped import count, moment, text


class NotCounted(ValueError):
    """The answer is not the numbers that were asked for: what stood in their place would pass for exact ones."""


@dataclass(frozen=True, kw_only=True)
class Totals:
    """Exact numbers of one window. An event counts once, however many rows it is."""

    rows: int = 0
    events: int = 0
    people: int = 0
    workloads: int = 0
    platform: int = 0
    unreadable: int = 0
    cut: int = 0
    #: None where nobody said what late means, or the workspace cannot tell.
    late: int | None = None
    #: When the last of the events was received.
    last: datetime | None = None


def totals_of(rows: Sequence[Mapping[str, Any]]) -> Totals:
    """Read the answer of a totals query; no row is how a workspace without data answers. Raises NotCounted."""
    if not rows:
        return Totals()
    row = rows[0]
    return Totals(
        rows=_count(row, Total.ROWS),
        events=_count(row, Total.EVENTS),
        people=_count(row, Total.PEOPLE),
        workloads=_count(row, Total.WORKLOADS),
        platform=_count(row, Total.PLATFORM),
        unreadable=_count(row, Total.UNREADABLE),
        cut=_count(row, Total.CUT),
        late=None if row.get(Total.LATE) is None else _count(row, Total.LATE),
        last=moment(row.get(Total.LAST)),
    )


def groups_of(rows: Sequence[Mapping[str, Any]]) -> tuple[tuple[Group, ...], int]:
    """Read the answer of a groups query: the groups, without events, and how many there are in all.

    Raises NotCounted.
    """
    groups = tuple(_group(row) for row in rows)
    return groups, max(len(groups), _count(rows[0], Column.GROUPS)) if rows else 0


def merged(read: Sequence[Group], counted: Sequence[Group]) -> tuple[Group, ...]:
    """Return all groups with the workspace's counts; the events that were read stand in theirs.

    A group of the workspace's may be several of ours, which a body tells apart ("scaled to 0", "changed the image").
    These keep what was read of them, and what was not read is a group of its own, so that counts add up.
    """
    places: dict[tuple[object, ...], list[Group]] = {}
    for group in counted:
        places.setdefault(_deed(group), []).append(group)
    ours: dict[int, list[Group]] = {id(group): [] for group in counted}
    left: list[Group] = []
    for group in read:
        alike = [one for one in places.get(_deed(group), ()) if _may_be(group, one)]
        # Names that matter little are counted together, under none.
        place = next((one for one in alike if one.name == group.name), next(iter(alike), None))
        (ours[id(place)] if place else left).append(group)
    return ordered([*left, *(told for group in counted for told in _told(ours[id(group)], group))])


def _told(read: Sequence[Group], counted: Group) -> list[Group]:
    left = counted.count - sum(group.count for group in read)
    if len(read) == 1 and left > 0 and _says_the_same(read[0], counted):
        first = min(read[0].first, counted.first)
        return [replace(read[0], count=counted.count, first=first, last=max(read[0].last, counted.last))]
    return [*read, *([replace(counted, count=left)] if left > 0 else [])]


def _says_the_same(read: Group, counted: Group) -> bool:
    """Tell whether what was read says no more of the deed than what was counted: else it holds for itself alone."""
    rules = [frozenset(finding.rule for finding in group.findings) for group in (read, counted)]
    return read.name == counted.name and read.action == counted.action and rules[0] == rules[1]


def _deed(group: Group) -> tuple[object, ...]:
    """Return what no cut takes away, for it stands in front of the bodies; the name aside."""
    return (
        group.user,
        group.impersonated,
        group.verb,
        group.api_group,
        group.resource,
        group.namespace,
        group.uri.partition("?")[0],
    )


def _may_be(read: Group, counted: Group) -> bool:
    """Tell whether these may be one: ended alike, but for what a cut took of the end."""
    if counted.name and read.name != counted.name:
        return False
    ends = zip(_end(read), _end(counted), strict=True)
    return all(one == other or (not one and read.cut == read.count) for one, other in ends)


def _end(group: Group) -> tuple[object, ...]:
    return (group.code, group.reason, group.decision)


def _group(row: Mapping[str, Any]) -> Group:
    told = {column: shortened(text(row.get(column))) for column in Column}
    code = _count(row, Column.CODE) or None
    first, last = moment(row.get(Column.FIRST)), moment(row.get(Column.LAST))
    if first is None or last is None:
        raise NotCounted("a group has no time")
    request = {
        "verb": told[Column.VERB],
        "resource": told[Column.RESOURCE],
        "subresource": told[Column.SUBRESOURCE],
        "namespace": told[Column.NAMESPACE],
        "name": told[Column.NAME],
        "api_group": told[Column.API_GROUP],
    }
    path = shortened(redact_uri(told[Column.PATH]))
    parts = (request["resource"], request["subresource"])
    return Group(
        user=told[Column.USER],
        impersonated=told[Column.IMPERSONATED],
        actor=_kind(row),
        verb=request["verb"],
        resource="/".join(filter(None, parts)),
        namespace=request["namespace"],
        name=request["name"],
        api_group=request["api_group"],
        uri=path,
        code=code,
        reason=told[Column.REASON],
        decision=told[Column.DECISION],
        source_ips=(),
        user_agent="",
        count=_count(row, Column.COUNT),
        first=first,
        last=last,
        events=(),
        action=describe_request(**request, uri=path),
        identity=str(kind_of(told[Column.USER])),
        findings=judge_request(**request, user=told[Column.USER], code=code, decision=told[Column.DECISION]),
        cut=_count(row, Column.CUT),
    )


def _kind(row: Mapping[str, Any]) -> ActorKind:
    try:
        return ActorKind(_count(row, Column.KIND))
    except ValueError:
        raise NotCounted("a group is by nobody we know") from None


def _count(row: Mapping[str, Any], column: str) -> int:
    found = count(row.get(column))
    if found is None:
        raise NotCounted(f"{column} is not a number")
    return found
