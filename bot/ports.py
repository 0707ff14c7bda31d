"""What the bot needs of the outside, in its own words. Adapters live in bot.store, bot.teams and bot.log_analytics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from audit.alert import Alert
from audit.evidence import Evidence
from audit.filter import Window
from audit.incident import Incident, Person, Transition, Why


class Clock(Protocol):
    """The time, so that tests and the sandbox can move it."""

    def now(self) -> datetime:
        """Return the present as aware UTC."""
        ...


# --- the workspace ---------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """A Log Analytics workspace that may be asked, and what it holds."""

    name: str
    #: The workspace's GUID ("customer id"), which the query API is addressed by.
    id: str
    #: Resource ids, or leading parts of them up to a "/", whose audit log lies there.
    holds: tuple[str, ...]
    #: The workspace's own resource id, for portal links; "" leaves the links out.
    resource_id: str = ""


@dataclass(frozen=True, kw_only=True)
class Query:
    """One question to one workspace. `window` is sent as the API's timespan, widened by the caller."""

    workspace: Workspace
    kql: str
    window: Window
    deadline: timedelta = timedelta(seconds=30)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The rows of the first table as column name -> value; dynamic columns are JSON text, as on the wire."""

    rows: Sequence[Mapping[str, Any]]
    #: The service's own words about why the answer is incomplete; "" when it is complete.
    partial: str = ""
    seconds: float = 0.0


class AuditLog(Protocol):
    async def ask(self, query: Query) -> Answer:
        """Run the query. Raises Unavailable or Rejected; never anything of a library."""
        ...


# --- Teams -----------------------------------------------------------------------------------------


class ConversationKind(StrEnum):
    CHANNEL = "channel"
    GROUP = "groupChat"
    PERSONAL = "personal"


@dataclass(frozen=True, kw_only=True)
class Conversation:
    """Where the bot may speak, as last seen on an authenticated activity: a conversation reference."""

    #: `conversation.id` without a thread's `;messageid=`.
    id: str
    kind: ConversationKind
    service_url: str
    tenant_id: str
    #: The bot's own id there ("28:…").
    bot_id: str
    #: The team's id; "" outside teams.
    team_id: str = ""
    #: Entra object id of the person, in a personal chat only.
    user_object_id: str = ""
    name: str = ""


@dataclass(frozen=True, kw_only=True)
class Member:
    """A member of a conversation as the roster tells it."""

    #: "29:…", which activities are addressed by.
    id: str
    object_id: str
    name: str
    tenant_id: str
    is_guest: bool


@dataclass(frozen=True, kw_only=True)
class Message:
    """One card to be said. `summary` is the plain text of the phone's notification."""

    card: Mapping[str, Any]
    summary: str
    #: The whole of it in plain words, where it must not take the place of the card that was clicked; "" where it may.
    sentence: str = ""


class Conversations(Protocol):
    """Speaking in Teams. Every method raises Unavailable or Rejected."""

    async def post(self, where: Conversation, message: Message, *, thread: str = "") -> str:
        """Post a card, as a reply under the message `thread` if that is given; return the activity id."""
        ...

    async def update(self, where: Conversation, activity_id: str, message: Message) -> None:
        """Put the card in the place of the message posted before."""
        ...

    async def member(self, where: Conversation, user_id: str) -> Member:
        """Look the person up in the conversation's roster. Rejected(NOT_FOUND) for who is not in it."""
        ...

    async def personal(self, where: Conversation, member: Member) -> Conversation:
        """Open (or find) the personal chat with a member of `where`."""
        ...


# --- the store -------------------------------------------------------------------------------------


class NotificationState(StrEnum):
    """Of a notification: this incident must be visible there."""

    PENDING = "pending"
    POSTED = "posted"
    STALE = "stale"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Notification:
    """A claimed notification: its claimer holds it until `lease_until`."""

    id: int
    incident_key: str
    conversation: Conversation
    state: NotificationState
    #: The id of the posted message; "" before the first post.
    activity_id: str
    #: Which try this is, from 1.
    attempt: int
    owner: str
    lease_until: datetime
    #: How often the row was ever claimed: with owner and attempt, what a holder's writes are fenced by.
    claim: int = 0


class LookKind(StrEnum):
    #: The window that the alert states.
    ALERT = "alert"
    #: The same window again, after the log's ingestion delay.
    LATE = "late"
    #: From the window's start to now, after an acknowledgement.
    SINCE = "since"


@dataclass(frozen=True, kw_only=True)
class Look:
    """A claimed look at the evidence of an incident."""

    id: int
    incident_key: str
    kind: LookKind
    attempt: int
    owner: str
    lease_until: datetime
    #: How often the row was ever claimed: with owner and attempt, what a holder's writes are fenced by.
    claim: int = 0


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """What became of a delivered alert. `incident` is None for a Resolved that nobody waited for."""

    why: Why
    incident: Incident | None
    #: The same delivery was recorded before; nothing changed.
    repeated: bool = False


@dataclass(frozen=True, kw_only=True)
class Dossier:
    """An incident with all that a card of it needs."""

    incident: Incident
    #: The newest alert that fired.
    alert: Alert
    evidence: Evidence
    #: message id -> conversation id of its posted cards.
    posted: Mapping[str, str] = field(default_factory=dict)
    #: Ids of the conversations that its card is for. A card can be clicked before its post is recorded here.
    conversations: frozenset[str] = frozenset()


class Incidents(Protocol):
    """Alerts and incidents. Every method may raise Unavailable(Reason.STORE)."""

    async def record(self, alert: Alert, body: bytes, now: datetime) -> Recorded:
        """In one transaction: the alert, its incident, a notification per subscription, a look. Repetition is a no-op."""
        ...

    async def dossier(self, key: str) -> Dossier | None:
        """Return the incident with this opaque key and what belongs to it, or None."""
        ...

    async def acknowledge(self, key: str, by: Person, now: datetime) -> Transition | None:
        """Compare and set: the first wins. Marks every copy stale and asks for a look since. None: no such incident."""
        ...

    async def save_evidence(
        self, look: Look, evidence: Evidence, now: datetime, again_at: datetime | None
    ) -> bool:
        """Keep the evidence, end the look or put it off to `again_at`, and make the incident's notifications due.

        Cards that stand already are due only if the evidence says something else than the one before.
        False, and nothing kept, if the look is no longer held by `look.owner` at `look.attempt`.
        """
        ...


class Work(Protocol):
    """Due rows: claimed under a lease, done, let go."""

    async def claim_looks(self, owner: str, now: datetime, limit: int) -> Sequence[Look]:
        """Take looks that are due and that nobody holds."""
        ...

    async def claim_notifications(self, owner: str, now: datetime, limit: int) -> Sequence[Notification]:
        """Take notifications that are due and that nobody holds."""
        ...

    async def posted(self, notification: Notification, activity_id: str, version: int) -> bool:
        """Record what stands in the conversation now; stays due if the incident has a newer version. False: not held."""
        ...

    async def put_off(self, notification: Notification, until: datetime, reason: str) -> bool:
        """Let go and try again at `until`."""
        ...

    async def fail(self, notification: Notification, reason: str) -> bool:
        """Give up for good."""
        ...

    async def next_due(self, now: datetime) -> datetime | None:
        """When there is something to claim next; None for nothing."""
        ...

    async def release(self, owner: str | None) -> int:
        """Let go of what `owner` holds (None: of everything, for a process that is alone); return how many rows."""
        ...


class Routes(Protocol):
    """Where the bot is installed, and which conversations want incidents."""

    async def remember(self, conversation: Conversation, now: datetime) -> None:
        """Keep or renew a conversation reference; one that had ended lives again."""
        ...

    async def conversation(self, conversation_id: str) -> Conversation | None:
        """Return the living conversation of that id."""
        ...

    async def subscribe(self, conversation_id: str, now: datetime) -> bool:
        """Send incidents there from now on. False: they were sent there already."""
        ...

    async def unsubscribe(self, conversation_id: str, now: datetime) -> bool:
        """Send no further incidents there. False: none were sent."""
        ...

    async def end(self, now: datetime, *, conversation_id: str = "", team_id: str = "") -> int:
        """End the conversation, or every one of the team: no further posts. Return how many ended."""
        ...

    async def subscribed(self) -> Sequence[Conversation]:
        """Return the living conversations that want incidents."""
        ...


class Store(Incidents, Work, Routes, Protocol):
    """All that is kept, in one database."""

    async def ping(self) -> None:
        """Prove that the database answers and can be written. Raises Unavailable(Reason.STORE)."""
        ...
