"""What a card's numbers must be: counted by hand from a record of what was put into the workspace.

Nothing here reads rows or knows how the bot does; who is what is said by who makes the actors.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from audit.event import ActorKind
from audit.filter import Window

MICROSECOND = timedelta(microseconds=1)
#: How much before and after the window is looked at beside it.
CONTEXT = timedelta(minutes=5)


class Place(StrEnum):
    """Where a row lies: a category of AzureDiagnostics, or a table of its own."""

    AUDIT = "kube-audit"
    ADMIN = "kube-audit-admin"
    GUARD = "guard"
    TYPED = "AKSAudit"
    TYPED_ADMIN = "AKSAuditAdmin"


LOGS = frozenset({Place.AUDIT, Place.ADMIN})
TYPED = frozenset({Place.TYPED, Place.TYPED_ADMIN})


class Cut(StrEnum):
    """Which part of an event is so long that the cut goes through it. What follows it is gone."""

    URI = "uri"
    GROUPS = "groups"
    REQUEST = "request"
    ANNOTATIONS = "annotations"


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who asks, and as whom."""

    user: str
    kind: ActorKind
    impersonated: str = ""
    #: Of the two, the one that a reader wants to see first; differs from `kind` with impersonation only.
    kind_with_impersonated: ActorKind | None = None

    def seen_as(self, *, with_impersonated: bool) -> ActorKind:
        seen = self.kind_with_impersonated if with_impersonated else None
        return self.kind if seen is None else seen


@dataclass(frozen=True, kw_only=True)
class Deed:
    """What is asked for, and what comes of it."""

    verb: str
    uri: str
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    api_group: str = ""
    code: int = 200
    reason: str = ""
    decision: str = "allow"


@dataclass(frozen=True, kw_only=True)
class Copy:
    """One row that an event was written as."""

    place: Place
    #: TimeGenerated.
    at: datetime
    #: When it reaches the workspace; no query sees it earlier.
    arrives: datetime
    cut: Cut | None = None
    #: Bytes at which it is cut.
    size: int = 16_384


@dataclass(frozen=True, kw_only=True)
class Request:
    """One stage of one request to one cluster's API server: an audit event, however many rows it became."""

    actor: Actor
    deed: Deed
    #: "" where the event has none.
    audit_id: str
    stage: str
    received: datetime
    cluster: str
    copies: tuple[Copy, ...]
    #: JSON as Go writes it: `&` in a URI is an escape.
    is_escaped: bool = False


@dataclass(frozen=True, kw_only=True)
class Foreign:
    """A row of AzureDiagnostics or AKSAudit that holds no audit event."""

    place: Place
    at: datetime
    arrives: datetime
    cluster: str
    #: `log_s`; "" and a typed place: a row with nothing in it.
    text: str
    #: It is the beginning of something longer.
    is_cut: bool = False


@dataclass(frozen=True, kw_only=True)
class Asked:
    """An alert's query and which places it reads."""

    kql: str
    places: frozenset[Place]
    #: It returns something else than events; those are what it makes that of.
    reshapes: bool = False


@dataclass(frozen=True, kw_only=True)
class Case:
    """A workspace, an alert, and looks at its window."""

    window: Window
    fired: datetime
    #: When it is asked, and asked again.
    looks: tuple[datetime, ...]
    asked: Asked
    #: Clusters of the workspace, by resource id in lower case.
    clusters: tuple[str, ...]
    #: The dimension's column and value; "" for none. The value is the first cluster's id, in some case.
    dimension: str = ""
    dimension_value: str = ""
    #: The alert's rule is of that cluster alone, or of the whole workspace.
    target: str
    requests: tuple[Request, ...]
    foreign: tuple[Foreign, ...] = ()
    #: Which answers the workspace says to be incomplete: "rows", "totals", "groups".
    partial: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Reference:
    """What is true of a window at a moment."""

    rows: int
    unreadable: int
    cut: int
    late: int
    #: Audit events, each counted once.
    events: int
    by_kind: Mapping[ActorKind, int]
    #: User ("" where the cut took it away) and verb -> events.
    by_deed: Mapping[tuple[str, str], int]
    clusters: frozenset[str]
    #: Rows that hold an event which another row of the window holds too.
    repeated: int
    #: There is nothing in it that is an event, but something else.
    is_no_events: bool
    #: Rows just outside the window.
    before: int
    after: int


def reference(case: Case, now: datetime) -> Reference:
    """Count by hand what a look at `now` must say."""
    found = [(request, tuple(_seen(case, now, request))) for request in case.requests]
    seen = [(request, copies) for request, copies in found if copies]
    foreign = [row for row in case.foreign if _is_seen(case, now, row, row.cluster)]
    lost = sum(not _tells(request, copy) for request, copies in seen for copy in copies)
    events = [event for request, copies in seen for event in _events_of(request, copies)]
    copies_ = [copy for _, copies in seen for copy in copies]
    rows: list[Copy | Foreign] = [*copies_, *foreign]
    return Reference(
        rows=len(rows),
        unreadable=len(foreign) + lost,
        cut=sum(copy.cut is not None for copy in copies_) + sum(row.is_cut for row in foreign),
        late=sum(row.arrives > case.fired for row in rows),
        events=len(events),
        by_kind=Counter(event.kind for event in events),
        by_deed=Counter((event.user, event.verb) for event in events),
        clusters=frozenset(request.cluster for request, copies in seen if _events_of(request, copies)),
        repeated=len(copies_) - lost - len(events),
        is_no_events=not events and (bool(rows) or case.asked.reshapes),
        before=_around(case, now, case.window.start - CONTEXT, case.window.start - MICROSECOND),
        after=_around(case, now, case.window.end + MICROSECOND, case.window.end + CONTEXT),
    )


def _around(case: Case, now: datetime, start: datetime, end: datetime) -> int:
    """Count the rows in another window."""
    other = replace(case, window=Window(start=start, end=end))
    copies = sum(len(tuple(_seen(other, now, request))) for request in case.requests)
    return copies + sum(_is_seen(other, now, row, row.cluster) for row in case.foreign)


@dataclass(frozen=True, kw_only=True)
class _Event:
    kind: ActorKind
    user: str
    verb: str


def _events_of(request: Request, copies: Sequence[Copy]) -> Sequence[_Event]:
    """Give the event that the copies are; without an audit id nothing says that they are one."""
    telling = tuple(copy for copy in copies if _tells(request, copy))
    together = [telling] if request.audit_id else [(copy,) for copy in telling]
    return [_event(request, alike) for alike in together if alike]


def _tells(request: Request, copy: Copy) -> bool:
    """A cut leaves an event where anything stands before it that no other log has."""
    return bool(request.audit_id) or copy.cut is not Cut.URI


def _event(request: Request, copies: Sequence[Copy]) -> _Event:
    """What any copy tells of an event is known of it."""
    if all(copy.cut is Cut.URI for copy in copies):
        # Nobody is named any more; who is not known is shown as a person.
        return _Event(kind=ActorKind.PERSON, user="", verb="")
    told = any(copy.place in LOGS and copy.cut not in {Cut.URI, Cut.GROUPS} for copy in copies)
    kind = request.actor.seen_as(with_impersonated=told)
    return _Event(kind=kind, user=request.actor.user, verb=request.deed.verb)


def _seen(case: Case, now: datetime, request: Request) -> Iterator[Copy]:
    yield from (copy for copy in request.copies if _is_seen(case, now, copy, request.cluster))


def _is_seen(case: Case, now: datetime, row: Copy | Foreign, cluster: str) -> bool:
    """The query reads it, it is of the cluster, both edges belong to the window, and it has arrived."""
    is_meant = cluster == case.clusters[0] or not (case.dimension or case.target)
    in_window = case.window.start <= row.at <= case.window.end
    return row.place in case.asked.places and is_meant and in_window and row.arrives <= now
