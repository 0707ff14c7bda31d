"""What the workspace said about a window, with numbers that are exact or say that they are not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum

from audit.event import ActorKind
from audit.filter import Window

#: The log's rows come 3 to 10 minutes late: after so long a window's are all there, so it is asked once more.
#: https://learn.microsoft.com/azure/azure-monitor/logs/data-ingestion-time
SETTLED_AFTER = timedelta(minutes=10)


class Missing(StrEnum):
    """Why there is no evidence. The sentence for people is in cards."""

    NOT_ASKED_YET = "not asked yet"
    TEST = "test notification"
    NOT_A_LOG_ALERT = "not a log alert"
    #: Log Alerts V1 may carry its rows; they are shown instead.
    INSIDE_THE_ALERT = "rows came inside the alert"
    NO_WORKSPACE = "no workspace configured for it"
    TOO_OLD = "fired too long ago"
    IN_THE_FUTURE = "fired in the future"
    NO_WINDOW = "no window in the alert"
    REFUSED_QUERY = "query refused"
    NOT_EVENTS = "query does not return audit events"
    TIMED_OUT = "timed out"
    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"
    FORBIDDEN = "not permitted"
    BAD_QUERY = "query not accepted"
    GARBAGE = "answer not understood"
    TOO_LARGE = "answer too large"
    #: Tables on a Basic plan cannot be asked as alerts are.
    BASIC_PLAN = "table on a Basic plan"
    NO_TABLE = "no table of audit events"
    WRONG_WORKSPACE = "workspace not found"


class Severity(IntEnum):
    """How much a finding matters. What the platform does as it always does is ROUTINE."""

    ROUTINE = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A risk rule that fired. What else there is to say of it, `audit.rules` has by its id."""

    #: Such as "shell-in-pod".
    rule: str
    #: In plain words, without foreign text.
    title: str
    severity: Severity
    #: It was only tried: the API server refused.
    refused: bool = False
    #: Microsoft's threat matrix, such as "MS-TA9006", and MITRE ATT&CK, such as "T1609"; "" where there is none.
    threat: str = ""
    technique: str = ""
    #: Over several events: whose they are, at most 256 characters of hostile text; "" where they are several actors'.
    by: str = ""
    #: Over several events: how many requests they are.
    times: int = 0


@dataclass(frozen=True, kw_only=True)
class Action:
    """What was done, in plain words with its object: "scaled deployment shop/web to 0". Foreign text is in it."""

    #: After a name, where it succeeded: "opened a shell in pod shop/web-1".
    done: str
    #: After "tried to" or "asked to": "open a shell in pod shop/web-1".
    base: str


class ChangeKind(StrEnum):
    CREATED = "created"
    REPLACED = "replaced as a whole"
    JSON_PATCH = "JSON patch"
    MERGE_PATCH = "merge patch"
    STRATEGIC_PATCH = "strategic merge patch"
    APPLY = "server-side apply"
    DELETED = "deleted"


@dataclass(frozen=True, kw_only=True)
class Change:
    """What an event changed, redacted. Without lines `why_not` says why that is not known."""

    kind: ChangeKind | None = None
    #: "+ …", "- …" or "~ …" in the field's own terms: a line of the Corefile, "image of web: a:1 → a:2".
    lines: tuple[str, ...] = ()
    added: int = 0
    removed: int = 0
    #: Lines that were left off.
    more: int = 0
    why_not: str = ""
    #: Compared with the previous state (True) or told by the request alone.
    compared: bool = False


@dataclass(frozen=True, kw_only=True)
class EventLine:
    """One event as a card shows it: the allow-list of what may leave without being asked for (rule R0)."""

    audit_id: str
    time: datetime
    user: str
    verb: str
    uri: str
    code: int | None
    reason: str


@dataclass(frozen=True, kw_only=True)
class Group:
    """Events of one actor doing one thing to one object with one outcome, oldest first."""

    user: str
    impersonated: str
    actor: ActorKind
    verb: str
    #: "configmaps", or "pods/exec" with a subresource; "" for a non-resource request.
    resource: str
    namespace: str
    name: str
    #: The path, for a request that names no object.
    uri: str
    code: int | None
    reason: str
    decision: str
    source_ips: tuple[str, ...]
    user_agent: str
    count: int
    first: datetime
    last: datetime
    #: Those that were read, oldest first; fewer than `count` where not all were.
    events: tuple[EventLine, ...]
    api_group: str = ""
    #: None in evidence of an earlier version.
    action: Action | None = None
    #: Who it is, more exactly than `actor` says: "local admin", "service account of a workload".
    identity: str = ""
    #: The user agent's program and version, "kubectl 1.31"; "" for one that we do not know.
    client: str = ""
    #: The one address that the client cannot forge: the last of `source_ips`.
    address: str = ""
    #: Riskiest first.
    findings: tuple[Finding, ...] = ()
    change: Change | None = None
    #: "first time here in 30 days" and such, in plain words.
    first_seen: tuple[str, ...] = ()
    #: Rows among them that Azure cut.
    cut: int = 0
    #: Where the cluster is another than the incident's subject: its name.
    cluster: str = ""

    @property
    def severity(self) -> Severity:
        return max((finding.severity for finding in self.findings), default=Severity.ROUTINE)


@dataclass(frozen=True, kw_only=True)
class Since:
    """What went on after the alert's window, up to `until`."""

    until: datetime
    #: Rows, counted by the workspace itself, without the repeats among those that were read.
    returned: int
    by_people: int
    last: datetime | None
    #: Users seen since who were not in the window itself.
    new_users: tuple[str, ...] = ()
    #: How many were read where that is not all: the newest, of which alone `by_people` and `new_users` tell.
    read: int | None = None


class Arriving(StrEnum):
    """Whether rows of the window may still come: the log is 3 to 10 minutes late, seldom more."""

    STILL = "still arriving"
    SETTLED = "settled"


@dataclass(frozen=True, kw_only=True)
class Source:
    """A table (or a category of AzureDiagnostics) that the workspace has rows of."""

    table: str
    #: "kube-audit", "kube-audit-admin", "guard"…; "" of the typed tables.
    category: str = ""


@dataclass(frozen=True, kw_only=True)
class SmallTable:
    """What an alert's query returned that is no audit events: every cell as text, redacted, hostile."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    #: Rows the workspace has of it; more than `rows` where there were too many to show.
    total: int
    #: The query's last reshaping operator ("summarize"), or the table that it reads ("AKSControlPlane").
    because: str = ""


@dataclass(frozen=True, kw_only=True)
class Earlier:
    """An earlier alert's window of the same incident, as it was last known."""

    window: Window
    counted: float | None
    returned: int
    by_people: int
    #: Why nothing is known of it; then nothing was counted.
    missing: Missing | None = None
    #: The riskiest thing in it, as the card said it: hostile text.
    headline: str = ""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """The honest summary of a window. `missing` set means that nothing else in it may be relied on."""

    asked_at: datetime
    window: Window | None = None
    missing: Missing | None = None
    #: Words of the other side about what is missing or partial, shortened; hostile text.
    detail: str = ""
    #: Until when it is asked again and again, if it is.
    again_until: datetime | None = None
    workspace: str = ""
    kql: str = ""
    #: Rows in the window, counted by the workspace itself.
    returned: int = 0
    #: What the alert of this window said that it counted.
    counted: float | None = None
    #: Rows read of those, repeats aside; fewer where there were more than we fetch.
    read: int = 0
    #: Rows that were an event again which is counted already: with two categories switched on, Azure writes it twice.
    repeated: int = 0
    by_people: int = 0
    by_workloads: int = 0
    by_platform: int = 0
    unreadable: int = 0
    #: The workspace said that its answer is incomplete.
    partial: bool = False
    #: In the order of the card: people, workloads, platform; then by time.
    groups: tuple[Group, ...] = ()
    since: Since | None = None
    #: Audit events in the window, each counted once, by the workspace itself; None where it did not say.
    events: int | None = None
    #: Rows that Azure cut, by the workspace itself.
    cut: int = 0
    #: Rows that reached the workspace after the alert was raised, proved by ingestion_time(); None: cannot be told.
    late: int | None = None
    arriving: Arriving | None = None
    #: Rows just before and just after the window: context, not counted in it.
    before: int | None = None
    after: int | None = None
    #: Events that the risk rules saw, of `events`.
    judged: int | None = None
    #: Findings over several events (a burst, a sequence); those of single events are on their groups.
    findings: tuple[Finding, ...] = ()
    #: What the workspace has rows of lately, as far as that is known.
    sources: tuple[Source, ...] = ()
    #: Groups past the 500 that the workspace was asked for.
    groups_left: int = 0
    #: How far back the log of this cluster reaches, of what is asked for `first_seen`.
    reaches_back_to: datetime | None = None
    #: What the query returned where that is no audit events; the events behind it may be there beside it.
    table: SmallTable | None = None
    #: Sentences about this card's blind spots: what the log does not show. See audit.blind_spots.
    blind_spots: tuple[str, ...] = ()
    #: Windows of the incident's earlier alerts, oldest first.
    earlier: tuple[Earlier, ...] = ()
