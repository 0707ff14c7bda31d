"""Groups that differ in their object alone, as one line: a rollout of twelve deployments is one thing that was done."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from audit.evidence import Action, Change, Group
from audit.grouping import ACTION_LENGTH, FIELD_LENGTH, MOST_EVENTS, MOST_LINES, shortened
from audit.resources import plural, singular

#: So many groups become one line; fewer are read faster one by one, each with its own buttons.
ENOUGH = 3
#: Objects that the line names where there are more than ENOUGH.
_NAMED = 2
#: Characters of one of them.
_LABEL = 60
#: Stands for the object; no name has it, since names come without control characters or are not recognised.
_OBJECT = "\0"


@dataclass(frozen=True, kw_only=True)
class Placed:
    """What has a line of its own: a group, or one made of several, with the place of its first in Evidence.groups."""

    index: int
    group: Group
    #: Groups of the evidence that the line stands for.
    of: int = 1
    #: The first of them as the evidence has it; None for a group that stands for itself.
    leading: Group | None = None


def gathered(placed: Iterable[Placed]) -> Sequence[Placed]:
    """Make one of ENOUGH groups or more that say the same of different objects; it stands where the first stood.

    All else that a line shows must agree, so that nothing is told of an object that is true of another only. Counts are
    sums, so no number of the card changes.
    """
    alike: dict[object, list[Placed]] = {}
    for each in placed:
        alike.setdefault(_likeness(each), []).append(each)
    lines: list[Placed] = []
    for found in alike.values():
        lines += [_one(found)] if len(found) >= ENOUGH else found
    return sorted(lines, key=lambda each: each.index)


def _likeness(placed: Placed) -> object:
    """Return what must agree; for a group that is not to be gathered, its own place."""
    group = placed.group
    told = _told(group)
    if told is None:
        return placed.index
    return (
        told,
        group.user,
        group.impersonated,
        group.actor,
        group.verb,
        group.api_group,
        group.resource,
        group.code,
        group.reason,
        group.decision,
        group.identity,
        group.client,
        group.user_agent,
        group.address,
        group.source_ips,
        group.findings,
        group.first_seen,
        group.cluster,
    )


def _label(group: Group) -> str:
    return f"{group.namespace}/{group.name}" if group.namespace else group.name


def _told(group: Group) -> Action | None:
    """Return what was done with a blank for the object; None where the sentence does not hold it exactly once."""
    action = group.action
    if not group.name or action is None or max(len(group.namespace), len(group.name)) > FIELD_LENGTH:
        return None
    if max(len(action.done), len(action.base)) > ACTION_LENGTH or _OBJECT in action.done + action.base:
        return None
    label = _label(group)
    if action.done.count(label) != 1 or action.base.count(label) != 1:
        return None
    return Action(done=action.done.replace(label, _OBJECT), base=action.base.replace(label, _OBJECT))


def _one(found: Sequence[Placed]) -> Placed:
    first, groups = found[0], [each.group for each in found]
    told = _told(first.group)
    if told is None:
        return first
    objects = _objects(list(dict.fromkeys(_label(group) for group in groups)))
    events = sorted((event for group in groups for event in group.events), key=lambda event: event.time)
    action = Action(
        done=_filled(told.done, first.group.resource, objects),
        base=_filled(told.base, first.group.resource, objects),
    )
    group = replace(
        first.group,
        action=action,
        count=sum(group.count for group in groups),
        first=min(group.first for group in groups),
        last=max(group.last for group in groups),
        events=tuple(events[:MOST_EVENTS]),
        cut=sum(group.cut for group in groups),
        change=_changes(groups),
    )
    return Placed(index=first.index, group=group, of=len(groups), leading=first.group)


def _objects(labels: Sequence[str]) -> str:
    """Return "shop/cart, shop/catalog and 10 more"; of few all."""
    cut = [shortened(label, _LABEL) for label in labels]
    if len(cut) <= ENOUGH:
        return " and ".join(part for part in (", ".join(cut[:-1]), cut[-1]) if part)
    return f"{', '.join(cut[:_NAMED])} and {len(cut) - _NAMED:,} more"


def _filled(told: str, resource: str, objects: str) -> str:
    """Put the objects in, and their kind into the plural where it stands before them."""
    kind = resource.partition("/")[0]
    one = singular(kind)
    for single, many in ((one, plural(kind)), (one.replace(" ", ""), kind)):
        if f"{single} {_OBJECT}" in told:
            return told.replace(f"{single} {_OBJECT}", f"{many} {objects}")
    return told.replace(_OBJECT, objects)


def _changes(groups: Sequence[Group]) -> Change | None:
    """Return what changed in one object after the other, each named; None where nothing is known of any."""
    known = [(group, group.change) for group in groups if group.change is not None]
    told = [change for _, change in known if change.lines]
    if not told:
        why = dict.fromkeys(change.why_not for _, change in known if change.why_not.strip())
        return replace(known[0][1], why_not="; ".join(why)) if known else None
    lines = [line for group, change in known for line in _named_lines(group, change)]
    kinds = {change.kind for change in told}
    return Change(
        kind=told[0].kind if len(kinds) == 1 else None,
        lines=tuple(lines[:MOST_LINES]),
        added=sum(change.added for change in told),
        removed=sum(change.removed for change in told),
        more=sum(change.more for change in told) + max(0, len(lines) - MOST_LINES),
        compared=all(change.compared for change in told),
    )


def _named_lines(group: Group, change: Change) -> Sequence[str]:
    """Return the object as a line of its own and what changed in it, or why that is not known."""
    why = f"  {change.why_not}" if change.why_not.strip() else ""
    unknown = [why] if why else []
    return [f"in {shortened(_label(group), _LABEL)}:", *change.lines, *unknown]
