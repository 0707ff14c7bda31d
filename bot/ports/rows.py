"""What is kept and what is due, as the store hands it out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from audit.alert import Alert
from audit.evidence import Evidence
from audit.incident import Incident, Why
from bot.ports.outside import Conversation


class NotificationState(StrEnum):
    """Of a notification: this incident must be visible there."""

    PENDING = "pending"
    POSTED = "posted"
    STALE = "stale"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A due row in the hands of its claimer, who holds it for a lease and renews that while at work."""

    id: int
    #: Which try this is, from 1.
    attempt: int
    owner: str
    #: How often the row was ever claimed: with owner and attempt, what a holder's writes are fenced by.
    claim: int = 0
    due_at: datetime
    claimed_at: datetime
    #: Somebody held it whose lease ran out: he died, or froze.
    taken_over: bool = False


@dataclass(frozen=True, kw_only=True)
class Notification(Claim):
    """A claimed notification: its incident's card, or a digest, must be visible in the conversation."""

    #: "" for a digest, whose incidents `Work.digest` tells.
    incident_key: str
    conversation: Conversation
    state: NotificationState
    #: The id of the posted message; "" before the first post.
    activity_id: str

    @property
    def is_digest(self) -> bool:
        return not self.incident_key


class LookKind(StrEnum):
    #: The window that the alert states.
    ALERT = "alert"
    #: The same window again, after the log's ingestion delay.
    LATE = "late"
    #: From the window's start to now, after an acknowledgement.
    SINCE = "since"


@dataclass(frozen=True, kw_only=True)
class Look(Claim):
    """A claimed look at the evidence of an incident."""

    incident_key: str
    kind: LookKind


class ChoreKind(StrEnum):
    """Work that comes again by the clock, done by one replica at a time."""

    #: Compare Azure's own list of fired alerts with ours.
    CATCH_UP = "catch up"
    #: Take away what is older than it is kept.
    RETENTION = "retention"
    #: Ask again what is watched.
    WATCH = "watch"


@dataclass(frozen=True, kw_only=True)
class Chore(Claim):
    """A claimed chore."""

    kind: ChoreKind


class Step(StrEnum):
    """What happened to an incident on its way: the words of the run trail."""

    #: The webhook was called, and its alert committed after `seconds`.
    RECEIVED = "received"
    #: Azure never delivered the alert; it was found in Azure Monitor's own list.
    FOUND = "found"
    #: Azure knows nothing of the alert: somebody raised it, a watch found it, or it is a test.
    MADE = "made"
    #: A worker took the row, `seconds` after it was due.
    CLAIMED = "claimed"
    #: The same, from a worker whose lease had run out.
    TAKEN_OVER = "taken over"
    #: The workspace was asked and `seconds` later answered; `reason` says how.
    ASKED = "asked"
    POSTED = "posted"
    UPDATED = "updated"
    #: A try that failed and will be made again.
    PUT_OFF = "put off"
    #: Given up: a dead letter.
    FAILED = "failed"
    #: Folded into a digest.
    FOLDED = "folded"
    ACKNOWLEDGED = "acknowledged"


@dataclass(frozen=True, kw_only=True)
class Trace:
    """One line of the run trail of an incident."""

    at: datetime
    step: Step
    #: What it was about: the conversation's name, the kind of look, the alert's condition.
    subject: str = ""
    seconds: float | None = None
    attempt: int = 0
    #: One of bot.errors.Reason, audit.evidence.Missing or audit.incident.Why; "ok" where all went well.
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class DeadLetter:
    """A notification that was given up."""

    id: int
    #: The incident's number; None for a digest.
    number: int | None
    rule: str
    conversation_id: str
    conversation_name: str
    reason: str
    #: The other side's own words, shortened: hostile text.
    detail: str
    failed_at: datetime
    attempt: int
    #: The card that was refused, where the refusal was about the card; None otherwise.
    card: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Load:
    """How much is due and held of one kind of work."""

    due: int
    held: int
    failed: int
    oldest_due_at: datetime | None


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
    #: When the newest alert was found in Azure Monitor's own list; None for one that Azure delivered.
    found_at: datetime | None = None
    #: Resource id (lower case) of the cluster that its evidence must be narrowed to; "" for all of the alert's.
    cluster: str = ""


@dataclass(frozen=True, kw_only=True)
class SeenBefore:
    """An earlier incident in which the same actor did something to the same object, as it is now."""

    incident: Incident
    #: What happened, by `audit.earlier.headline`; "" where nothing can be said. Hostile text.
    headline: str = ""


@dataclass(frozen=True, kw_only=True)
class Send:
    """Something to be said that counts against Teams' limits."""

    conversation_id: str
    tenant_id: str
    #: An answer to somebody who waits: it may use what is kept back from everything else.
    to_person: bool = False
