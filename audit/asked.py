"""What somebody's question brought: the shapes that the workspace's answers are read into and cards are drawn from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from audit.actor import ActorKind
from audit.event import AuditEvent
from audit.evidence import Missing
from audit.filter import Window


@dataclass(frozen=True, kw_only=True)
class AskedOf:
    """A workspace that answered, and what it was asked."""

    workspace: str
    kql: str
    #: A portal link of our own making that opens that query and window; "" where none can be made.
    logs_url: str = ""


@dataclass(frozen=True, kw_only=True)
class Unanswered:
    """A workspace that did not answer, beside others that did."""

    workspace: str
    why: Missing
    #: Words of the other side; hostile text.
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A question as it was put, and to whom. What a card of any answer needs to say of it."""

    #: The question in the words of the chat's grammar, as it was understood: "audits coredns verb delete last 1h".
    line: str
    window: Window
    asked_at: datetime
    of: tuple[AskedOf, ...] = ()
    unanswered: tuple[Unanswered, ...] = ()
    #: The service's own words about why the answer is incomplete; "" when it is complete. Hostile text.
    partial: str = ""
    #: Names of the clusters that it was narrowed to; () for all.
    clusters: tuple[str, ...] = ()
    #: Opaque key that the answer's buttons name the question by; "" for an answer without such buttons.
    key: str = ""


@dataclass(frozen=True, kw_only=True)
class ActorSeen:
    """One user and what the user did to what was asked for."""

    #: The user that the API server authenticated, and the one acted as; hostile text.
    user: str
    impersonated: str = ""
    kind: ActorKind
    #: Events, each counted once.
    count: int
    #: Of these: those that the API server refused or that failed (status from 400 on).
    failed: int
    first: datetime
    last: datetime
    #: Different objects.
    objects: int
    #: When the last of those that neither failed nor were refused was; None where there is none.
    done: datetime | None = None
    #: What was done to what by that one; by the last at all where there is none.
    verb: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""


@dataclass(frozen=True, kw_only=True)
class Actors:
    """Who did it: people first, then workloads, then the platform; in these, the last first."""

    rows: tuple[ActorSeen, ...] = ()
    #: How many users there are in all; more than `rows` where there were too many.
    users: int = 0
    #: Events of all of them.
    events: int = 0


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """Events of one step of time."""

    start: datetime
    people: int = 0
    workloads: int = 0
    platform: int = 0


@dataclass(frozen=True, kw_only=True)
class Counted:
    """A user or an object, and how many events."""

    #: The user's name, or "configmaps kube-system/coredns"; hostile text.
    what: str
    kind: ActorKind | None
    count: int


@dataclass(frozen=True, kw_only=True)
class Activity:
    """Events over time; a step without any is a bucket of zeros. Steps are aligned to UTC."""

    step: timedelta
    #: Oldest first, without a gap, from the step of the window's start to that of its end.
    buckets: tuple[Bucket, ...] = ()
    #: The busiest, most events first, people and workloads before the platform.
    actors: tuple[Counted, ...] = ()
    objects: tuple[Counted, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Listed:
    """One page of all events, newest first, each once."""

    events: tuple[AuditEvent, ...] = ()
    #: From 0.
    page: int = 0
    #: Events before this page.
    before: int = 0
    #: Events in all, as they were when the question was asked.
    total: int = 0
    #: Events that reached the workspace since the question was asked; on no page.
    arrived_since: int = 0
    is_last: bool = True


@dataclass(frozen=True, kw_only=True)
class ClusterSeen:
    """A cluster whose audit log lies in a workspace."""

    #: Resource id, lower case; hostile text, as the name is.
    id: str
    name: str
    workspace: str
    #: Rows in the time that was looked at, and from when to when.
    rows: int = 0
    first: datetime | None = None
    last: datetime | None = None
    #: Tables and categories that its rows are in: "AzureDiagnostics kube-audit-admin", "AKSAuditAdmin".
    logged: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Clusters:
    """What is watched."""

    rows: tuple[ClusterSeen, ...] = ()
    #: What was looked at for rows.
    window: Window


@dataclass(frozen=True, kw_only=True)
class Billed:
    """What a category or an actor costs: gigabytes (10^9 bytes), as Azure bills them."""

    #: "AzureDiagnostics kube-audit", "AKSAudit" or a user's name; hostile text.
    what: str
    gigabytes: float
    #: Rows, where that is known.
    rows: int | None = None


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What the audit log costs in the window."""

    #: All that was billed of these tables, by the workspace's own Usage; largest first.
    tables: tuple[Billed, ...] = ()
    #: By category, by the rows' own _BilledSize; largest first.
    categories: tuple[Billed, ...] = ()
    #: The noisiest actors, by the rows' own _BilledSize; largest first.
    actors: tuple[Billed, ...] = ()
