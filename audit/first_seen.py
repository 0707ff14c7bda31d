"""What a person does for the first time, as far back as the log reaches. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from audit.event import ActorKind
from audit.evidence import Group
from audit.kql_columns import Facet, FirstSeen
from audit.secrets import Tally, without_secrets
from audit.untyped import moment, text

#: How far back is asked.
SPAN = timedelta(days=30)
#: A log that reaches back for less than that tells nothing: everything in it is new.
SHORTEST = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What people were seen doing before a window."""

    #: How far back the log reaches within what was asked.
    reaches_back_to: datetime
    #: (user, facet, value)
    known: frozenset[tuple[str, str, str]]
    #: Who was asked about; of others nothing is known.
    asked: frozenset[str]

    @property
    def users(self) -> frozenset[str]:
        return frozenset(user for user, _, _ in self.known)


def seen_of(rows: Sequence[Mapping[str, Any]], most: int, asked: Iterable[str]) -> Seen | None:
    """Read the answer of a first_seen query about these people, of at most `most` rows.

    None where nothing can be said of what is missing in it.
    """
    reach = [moment(row.get(FirstSeen.FIRST)) for row in rows if row.get(FirstSeen.FACET) == Facet.LOG]
    if len(rows) >= most or not reach or reach[0] is None:
        return None
    columns = (FirstSeen.USER, FirstSeen.FACET, FirstSeen.VALUE)
    known = frozenset(tuple(text(row.get(column)) for column in columns) for row in rows)
    return Seen(
        reaches_back_to=reach[0],
        known=frozenset((u, f, v) for u, f, v in known if f != Facet.LOG),
        asked=frozenset(asked),
    )


def phrases(group: Group, seen: Seen, before: datetime) -> tuple[str, ...]:
    """Say what a person's group has for the first time in the days before `before`; nothing where that is short.

    Foreign text is in it.
    """
    reach = before - seen.reaches_back_to
    if group.actor is not ActorKind.PERSON or group.user not in seen.asked or reach < SHORTEST:
        return ()
    days = round(reach / timedelta(days=1))
    span = f"in {days} days" if days > 1 else "in a day"
    if group.user not in seen.users:
        return (f"not seen before {span}",)
    new = [phrase for facet, value, phrase in _facets(group) if (group.user, facet, value) not in seen.known]
    return (f"first time {span}: {', '.join(new)}",) if new else ()


def _facets(group: Group) -> Iterator[tuple[Facet, str, str]]:
    if group.namespace:
        yield Facet.NAMESPACE, group.namespace, f"in namespace {group.namespace}"
    if group.resource:
        yield Facet.DEED, f"{group.verb} {group.resource}", f"{group.verb} of {group.resource}"
    if group.address:
        yield Facet.ADDRESS, group.address, f"from {group.address}"
    agent = group.user_agent.partition(" ")[0]
    if agent:
        yield Facet.CLIENT, agent, f"with {group.client or without_secrets(agent, Tally())}"
