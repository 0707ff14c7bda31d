"""What part of the audit log is meant: a window of time, and which events in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum


@dataclass(frozen=True, kw_only=True)
class Window:
    """A span of time by `TimeGenerated`; both edges belong to it. Both are aware UTC."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError("a window needs times with a zone")
        if self.end < self.start:
            raise ValueError("a window cannot end before it starts")

    @property
    def length(self) -> timedelta:
        return self.end - self.start


class Outcome(StrEnum):
    """How a request ended."""

    SUCCEEDED = "succeeded"
    #: Refused by authentication or authorization: 401, 403, or the decision "forbid".
    DENIED = "denied"
    #: Any status from 400 on, DENIED among them.
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which events somebody asks for: all that is said must hold; "" and () say nothing.

    Every string is hostile. Words are compared case aside.
    """

    #: Occurs anywhere in the event as a whole word, as KQL's `has` has it.
    term: str = ""
    #: The object's own namespace and name, whole.
    namespace: str = ""
    name: str = ""
    #: Any of these kinds of object, as the API writes them: plural, lower case.
    resources: tuple[str, ...] = ()
    #: Any of these subresources.
    subresources: tuple[str, ...] = ()
    #: Any of these verbs of the API.
    verbs: tuple[str, ...] = ()
    #: A whole word of the user's name, or of whom the user acted as: "alice" is alice@contoso.com.
    user: str = ""
    #: One of the source addresses, whole.
    address: str = ""
    #: A whole word of the user agent: "kubectl".
    client: str = ""
    outcome: Outcome | None = None
    #: Only what risk rules look at first (audit.kql_events.rank below 2), and not by the platform.
    risky: bool = False
    #: A cluster's name as somebody typed it, or the leading part of it; see EventFilter.clusters.
    cluster: str = ""


@dataclass(frozen=True, kw_only=True)
class EventFilter:
    """A question that can be asked: which events, of when, of which clusters."""

    window: Window
    what: Wanted = field(default_factory=Wanted)
    #: Resource ids (lower case) that `what.cluster` stands for; () for every cluster.
    clusters: tuple[str, ...] = ()
