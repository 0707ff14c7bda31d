"""What the workspace said about a window, with numbers that are exact or say that they are not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from audit.event import ActorKind
from audit.filter import Window


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
    events: tuple[EventLine, ...]


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
