"""What an audit event says, in plain words: who did what to which object, and did it work.

Everything here returns text in which foreign parts are already plain and cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from audit.event import ActorKind
from audit.evidence import Finding, Group, Severity
from audit.resources import plural, singular
from cards.text import counted, named, plain, times

SEVERITIES = {
    "Sev0": "Critical",
    "Sev1": "Error",
    "Sev2": "Warning",
    "Sev3": "Informational",
    "Sev4": "Verbose",
}
ACTORS = {ActorKind.PERSON: "person", ActorKind.WORKLOAD: "workload", ActorKind.PLATFORM: "platform"}
#: One, many.
ACTOR_COUNTS = {
    ActorKind.PERSON: ("person", "people"),
    ActorKind.WORKLOAD: ("workload", "workloads"),
    ActorKind.PLATFORM: ("the platform", "the platform"),
}
NOBODY = "(no user named)"
#: How risky, as the first word of a card says it.
RISKS = {severity: severity.name.capitalize() for severity in Severity}
#: What a title says as done was not: the API server refused.
REFUSED = "Tried, refused: "
#: Identities that a user's name does not tell by itself.
_TOLD = frozenset({"local admin"})


@dataclass(frozen=True, kw_only=True)
class Deed:
    """A verb as it reads after "alice" and after "alice tried to"."""

    past: str
    base: str


def _deed(past: str, base: str) -> Deed:
    return Deed(past=past, base=base)


#: https://kubernetes.io/docs/reference/access-authn-authz/authorization/#request-verb-resource
VERBS = {
    "create": _deed("created", "create"),
    "update": _deed("updated", "update"),
    "patch": _deed("patched", "patch"),
    "delete": _deed("deleted", "delete"),
    "deletecollection": _deed("deleted a collection of", "delete a collection of"),
    "get": _deed("read", "read"),
    "list": _deed("listed", "list"),
    "watch": _deed("watched", "watch"),
    "post": _deed("posted to", "post to"),
    "put": _deed("wrote to", "write to"),
    "head": _deed("looked up", "look up"),
}
#: Subresources whose requests are deeds of their own, whichever verb carries them: exec is `create` for SPDY clients
#: and `get` for WebSocket ones. https://kubernetes.io/docs/reference/using-api/api-concepts/
SUBRESOURCES = {
    "exec": _deed("opened a session in", "open a session in"),
    "attach": _deed("attached to", "attach to"),
    "portforward": _deed("forwarded ports of", "forward ports of"),
    "proxy": _deed("went through the proxy of", "go through the proxy of"),
    "log": _deed("read the log of", "read the log of"),
    "eviction": _deed("evicted", "evict"),
    "binding": _deed("bound", "bind"),
    "ephemeralcontainers": _deed("put a debug container into", "put a debug container into"),
    "token": _deed("issued a token for", "issue a token for"),
}
#: Verbs of many objects at once.
_COLLECTIVE = frozenset({"list", "watch", "deletecollection"})


class Outcome(StrEnum):
    SUCCEEDED = "succeeded"
    REFUSED = "refused"
    FAILED = "failed"
    ANSWERED = "answered"
    NOT_LOGGED = "outcome not logged"


def outcome_of(code: int | None) -> Outcome:
    """Tell by the HTTP status whether it worked."""
    if code is None:
        return Outcome.NOT_LOGGED
    if code == 101 or 200 <= code < 300:  # noqa: PLR2004
        return Outcome.SUCCEEDED
    if 400 <= code < 500:  # noqa: PLR2004
        return Outcome.REFUSED
    return Outcome.FAILED if 500 <= code < 600 else Outcome.ANSWERED  # noqa: PLR2004


def outcome(code: int | None, reason: str, limit: int, decision: str = "") -> str:
    """Return "succeeded", "refused 409 AlreadyExists", "failed 500" or that it is not logged."""
    kind = outcome_of(code)
    if kind in {Outcome.SUCCEEDED, Outcome.NOT_LOGGED}:
        return kind
    forbidden = "(authorization: forbid)" if decision == "forbid" and code != 403 else ""  # noqa: PLR2004
    return " ".join(part for part in (kind, str(code), plain(reason, limit), forbidden) if part)


def deed(group: Group, limit: int) -> Deed:
    """Return what was done, as a verb; an unknown one stands as it is."""
    sub = group.resource.partition("/")[2]
    if sub in SUBRESOURCES:
        return SUBRESOURCES[sub]
    word = plain(group.verb, limit)
    known = VERBS.get(group.verb) or (
        _deed(f"did {word} on", f"{word}") if word else _deed("acted on", "act on")
    )
    if not sub:
        return known
    part = f"the {plain(sub, limit)} of"
    return _deed(f"{known.past} {part}", f"{known.base} {part}")


def did(group: Group, limit: int) -> str:
    """Return the verb as its outcome allows: what was refused was not done."""
    words, kind = deed(group, limit), outcome_of(group.code)
    if kind is Outcome.SUCCEEDED:
        return words.past
    return f"asked to {words.base}" if kind is Outcome.NOT_LOGGED else f"tried to {words.base}"


def thing(group: Group, limit: int, *, short: bool = False) -> str:
    """Return the object: "configmap kube-system/coredns-custom"; `short` leaves the namespace out."""
    resource = group.resource.partition("/")[0]
    if not resource:
        return named(group.uri, "(no object named)", 2 * limit)
    namespace = plain(group.namespace, limit)
    if group.name:
        where = "" if short or not namespace else f"{namespace}/"
        return f"{plain(singular(resource), limit)} {where}{plain(group.name, limit)}"
    if group.verb in _COLLECTIVE:
        return f"{plain(plural(resource), limit)} {f'in {namespace}' if namespace else 'cluster-wide'}"
    kind = plain(singular(resource), limit)
    article = "an" if kind[:1] in set("aeio") else "a"
    return f"{article} {kind}{f' in {namespace}' if namespace and not short else ''}"


def act(group: Group, limit: int, *, short: bool = False) -> str:
    """Return what was done to which object, as its outcome allows: "tried to open a shell in pod shop/web-1"."""
    if group.action is None:
        return f"{did(group, limit)} {thing(group, limit, short=short)}"
    kind = outcome_of(group.code)
    if kind is Outcome.SUCCEEDED:
        return plain(group.action.done, 2 * limit)
    asked = "asked to" if kind is Outcome.NOT_LOGGED else "tried to"
    return f"{asked} {plain(group.action.base, 2 * limit)}"


def who(group: Group, limit: int) -> str:
    """Return the user, and whom the user acted as."""
    user = named(group.user, NOBODY, limit)
    return f"{user} acting as {plain(group.impersonated, limit)}" if group.impersonated else user


def identity(group: Group, limit: int) -> str:
    """Return who it is as exactly as is known: "local admin", "service account"; else "person" and such."""
    return plain(group.identity, limit) or ACTORS[group.actor]


def client(group: Group, limit: int) -> str:
    """Return the program and its version."""
    return plain(group.client, limit) or agent(group.user_agent, limit)


def finding(found: Finding, limit: int) -> str:
    """Return a finding's title; what was only tried says so first, where a phone does not cut it off."""
    return f"{REFUSED if found.refused else ''}{named(found.title, '(finding without a title)', 2 * limit)}"


def agent(user_agent: str, limit: int) -> str:
    """Return the program and its version, which come first in a user agent."""
    return plain(user_agent.split(" ", 1)[0], limit)


def requests(group: Group) -> int:
    """Return how many requests a group's events are: one that lasts, such as a shell, is logged as it starts and ends.

    Both have its audit id and its time. Events that were not read count as a request each.
    """
    known = [(event.audit_id, event.time) for event in group.events if event.audit_id]
    return group.count - (len(known) - len(set(known)))


def how_often(group: Group) -> str:
    """Return the number of requests; of events too, where those are more: "1×, 2 events"."""  # noqa: RUF002
    number = requests(group)
    events = f" in {group.count:,} events" if number < group.count else ""
    return f"{number:,}×{events}"  # noqa: RUF001


def sentence(group: Group, limit: int, *, of: int = 1) -> str:
    """Return who did what, how often, and did it work: the second line of an incident of one group.

    `of`: for how many groups it stands, each with another object; once for each goes without saying.
    """
    number = requests(group)
    told = f" ({group.identity})" if group.identity in _TOLD else ""
    often = times(number) if of == 1 else f"({number:,} times in all)" if number > of else ""
    said = " ".join(p for p in (who(group, limit) + told, act(group, limit), often) if p)
    return f"{said}; {everyone(number)}{outcome(group.code, group.reason, limit, group.decision)}"


def everyone(count: int) -> str:
    """Return the word before an outcome that all of `count` share."""
    return {1: "", 2: "both "}.get(count, f"all {count:,} ")


def outcomes(groups: Sequence[Group], limit: int) -> str:
    """Return how several groups ended: "all 5 succeeded", or "3 succeeded, 2 refused 403"."""
    found: dict[str, int] = {}
    for group in groups:
        ended = outcome(group.code, group.reason, limit, group.decision)
        found[ended] = found.get(ended, 0) + requests(group)
    if len(found) == 1:
        ended, count = next(iter(found.items()))
        return everyone(count) + ended
    if len(found) <= 3:  # noqa: PLR2004
        return ", ".join(f"{count:,} {ended}" for ended, count in found.items())
    return _by_kind(groups)


def _by_kind(groups: Sequence[Group]) -> str:
    counts = {kind: sum(requests(g) for g in groups if outcome_of(g.code) is kind) for kind in Outcome}
    return ", ".join(f"{count:,} {kind}" for kind, count in counts.items() if count)


def users(groups: Sequence[Group], limit: int, most: int = 3) -> str:
    """Return the users' names, and how many more there are."""
    names = list(dict.fromkeys(who(group, limit) for group in groups))
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more:,} more" if more > 0 else "")


def actors(groups: Sequence[Group]) -> str:
    """Return who was at work, in numbers: "1 person, 2 workloads and the platform"."""
    parts = []
    for kind, (one, many) in ACTOR_COUNTS.items():
        names = {(g.user, g.impersonated) for g in groups if g.actor is kind}
        if names:
            parts.append(one if kind is ActorKind.PLATFORM else counted(len(names), one, many))
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def severity(word: str, limit: int) -> str:
    """Return Azure's word for "Sev2"; one that we do not know as it came."""
    return SEVERITIES.get(word, plain(word, limit))
