"""Who did something to what: in the words by which an earlier incident is found again, and as a row's mark."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from audit.evidence import Group

#: Hexadecimal digits of a mark: enough that no two rows of an incident share one by chance.
MARK_LENGTH = 12


def actors(group: Group) -> tuple[str, ...]:
    """Return the user, and the one that was acted as; hostile text, never ""."""
    return tuple(dict.fromkeys(name for name in (group.user, group.impersonated) if name))


def object_of(group: Group) -> str:
    """Return the object, the same for a subresource as for what it belongs to; a path for a request without one.

    "pods shop/web-1" of pods and of pods/exec; "secrets shop" where the whole namespace was meant. Hostile text.
    """
    if not group.resource:
        return group.uri.partition("?")[0]
    place = "/".join(part for part in (group.namespace, group.name) if part)
    return f"{group.resource.partition('/')[0]} {place}".rstrip()


def deeds(groups: Iterable[Group]) -> tuple[tuple[str, str], ...]:
    """Return pairs of actor and object, each once, in the order of the groups."""
    pairs = {(actor, thing): None for each in groups if (thing := object_of(each)) for actor in actors(each)}
    return tuple(pairs)


def mark(group: Group) -> str:
    """Return what names a group as long as its evidence has it, wherever it stands there.

    MARK_LENGTH lower-case hexadecimal digits, made of all that `audit.grouping` tells groups apart by. What late rows
    change is not in it: times, counts, events, findings.
    """
    told = json.dumps(_told_apart_by(group)).encode()
    return hashlib.sha256(told).hexdigest()[:MARK_LENGTH]


def marked(groups: Iterable[Group], wanted: str) -> Group | None:
    """Return the group with this mark, of several that say the same the one with events; None where there is none.

    None also for unlike ones with one mark: names are of a client's choosing, and by many tries it could make its own
    request answer for another's.
    """
    found = [each for each in groups if mark(each) == wanted]
    if len({_told_apart_by(each) for each in found}) != 1:
        return None
    return next((each for each in found if each.events), found[0])


def _told_apart_by(group: Group) -> tuple[str | int | None, ...]:
    return (
        group.user,
        group.impersonated,
        group.verb,
        group.api_group,
        group.resource,
        group.namespace,
        group.name,
        group.uri,
        group.code,
        group.reason,
        group.decision,
        group.address,
        group.client,
        group.cluster,
        group.action.done if group.action else None,
    )
