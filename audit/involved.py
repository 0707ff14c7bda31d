"""Who did something to what, in the words by which an earlier incident is found again."""

from __future__ import annotations

from collections.abc import Iterable

from audit.evidence import Group


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
