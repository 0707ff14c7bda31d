"""Who an event's actor is: what the API server authenticated, and whom they asked to be."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from audit.actor import IdentityKind, account, kind_of
from audit.event import MAX_GROUP, MAX_GROUPS, AuditEvent
from audit.untyped import at, items, mapping, text, texts

__all__ = ["Identity", "IdentityKind", "identify"]

#: Groups that are shown of one identity.
MOST_GROUPS = 5
MASTERS = "system:masters"
_UNAUTHENTICATED = "system:unauthenticated"
_SYSTEM = "system:"

_OBJECT_ID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
#: A user principal name; guests' have "#EXT#" in them. No other user name of a cluster has a domain.
_UPN = re.compile(r"[^@\s:]{1,256}@[^@\s:]{1,256}")
#: What AKS writes into the user's extra of an Entra token.
_EXTRAS = ("oid", "upn")


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Who it is. Every text but `kind` is hostile."""

    kind: IdentityKind
    #: The user name; of a service account and of a node its own name.
    name: str
    #: Of a service account.
    namespace: str = ""
    #: Those that matter: system:masters, and a few that are not Kubernetes' own.
    groups: tuple[str, ...] = ()
    #: Entra's object id where the event has it, else the UPN; "" for who is not of Entra.
    entra: str = ""
    #: Whom the request was made as (impersonation). The identity itself is the real actor.
    acted_as: Identity | None = None


def identify(event: AuditEvent) -> Identity:
    """Return who is behind the event. Total: what the event does not say is ""."""
    user, other = mapping(event.raw.get("user")), mapping(event.raw.get("impersonatedUser"))
    acted_as = None
    if event.impersonated:
        claimed = texts(items(other.get("groups"))[:MAX_GROUPS], MAX_GROUP)
        acted_as = _identity(event.impersonated, other, claimed, kind_of(event.impersonated))
    kind = _kind(event.username, user, event.groups)
    return _identity(event.username, user, event.groups, kind, acted_as)


def _identity(
    username: str,
    user: Mapping[str, Any],
    groups: Iterable[str],
    kind: IdentityKind,
    acted_as: Identity | None = None,
) -> Identity:
    namespace, name = account(username)
    if kind is IdentityKind.NODE:
        name = username.split(":", 2)[-1]
    return Identity(
        kind=kind,
        name=name or username,
        namespace=namespace,
        groups=_mattering(groups),
        entra=_entra(username, user) if kind is IdentityKind.PERSON else "",
        acted_as=acted_as,
    )


def _kind(username: str, user: Mapping[str, Any], groups: Iterable[str]) -> IdentityKind:
    """As the name tells, but for who is a person by name and no person by what they hold."""
    kind = kind_of(username)
    if kind is not IdentityKind.PERSON:
        return kind
    if _UNAUTHENTICATED in groups:
        return IdentityKind.ANONYMOUS
    # Entra hands out no system: groups, so that this is a certificate: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#user-facing-roles
    return IdentityKind.LOCAL_ADMIN if MASTERS in groups and not _entra(username, user) else kind


def _entra(username: str, user: Mapping[str, Any]) -> str:
    for key in _EXTRAS:
        for value in items(at(user, "extra", key))[:1]:
            if isinstance(value, str) and _is_entra(value):
                return text(value)
    return username if _is_entra(username) else ""


def _is_entra(name: str) -> bool:
    return bool(_OBJECT_ID.fullmatch(name) or _UPN.fullmatch(name))


def _mattering(groups: Iterable[str]) -> tuple[str, ...]:
    """Return system:masters first, then groups that Kubernetes does not give to everybody anyway."""
    given = dict.fromkeys(groups)
    found = [group for group in given if not group.startswith(_SYSTEM)]
    return tuple([MASTERS, *found] if MASTERS in given else found)[:MOST_GROUPS]
