"""The workspaces, Teams, Azure Monitor and the time: adapters live in bot.log_analytics, bot.teams and bot.azure_alerts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from audit.filter import Window


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
    #: Nice to know: not asked at all while the workspace is busy with what must be known.
    is_aside: bool = False


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

    async def delete(self, where: Conversation, activity_id: str) -> None:
        """Take away a message of ours: a copy that nobody should see twice. One that is gone already is no error."""
        ...

    async def member(self, where: Conversation, user_id: str) -> Member:
        """Look the person up in the conversation's roster. Rejected(NOT_FOUND) for who is not in it."""
        ...

    async def personal(self, where: Conversation, member: Member) -> Conversation:
        """Open (or find) the personal chat with a member of `where`."""
        ...


# --- Azure Monitor's own list of alerts ------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class ListedAlert:
    """A fired alert as Azure Monitor lists it, written as a webhook body of the common alert schema."""

    alert_id: str
    #: What its Fired would have looked like; `resolved` is its Resolved, None while it fires.
    fired: bytes
    resolved: bytes | None = None


class FiredAlerts(Protocol):
    """Azure Monitor's own list of fired alerts: https://learn.microsoft.com/rest/api/monitor/alertsmanagement/alerts."""

    async def since(self, start: datetime) -> Sequence[ListedAlert]:
        """Return what fired since then, oldest first. Raises Unavailable, or Rejected(FORBIDDEN) without the role."""
        ...
