"""All that is kept: adapter bot.store."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Any, Protocol

from audit.alert import Alert, Condition
from audit.evidence import Evidence
from audit.incident import Incident, Person, Transition
from bot.ports.chat import IncidentLists, Keeping, Ledger, Questions, Watches
from bot.ports.outside import Conversation
from bot.ports.rows import (
    Chore,
    Claim,
    DeadLetter,
    Dossier,
    Load,
    Look,
    Notification,
    Recorded,
    SeenBefore,
    Send,
    Trace,
)


class Incidents(Protocol):
    """Alerts and incidents. Every method may raise Unavailable(Reason.STORE)."""

    async def record(
        self,
        alert: Alert,
        body: bytes,
        now: datetime,
        *,
        found: bool = False,
        only_for: str = "",
        also_for: str = "",
    ) -> Recorded:
        """In one transaction: the alert, its incident, a notification per subscription, a look. Repetition is a no-op.

        `now` is when the alert came. `found`: Azure did not deliver it, we found it.

        `only_for` (a conversation's id): the incident is of that conversation alone, subscribed or not, with all that
        joins it later or is split from it. It takes in only alerts that are recorded for the same conversation, so that
        it meets no other incident of its rule and cluster. A Resolved finds it by its alert's id in any case.
        `also_for`: a conversation that gets this incident besides the subscribed ones, whether it is one of them or not.
        Raises Rejected(Reason.NOT_FOUND), and records nothing, if a Fired is for a conversation that does not live.
        """
        ...

    async def known(self, alert_ids: Sequence[str]) -> Mapping[str, frozenset[Condition]]:
        """Return which of these ids of alerts (`Alert.alert_id`, any case) were recorded, and in which conditions.

        The keys are the ids in lower case; one that was never recorded is missing.
        """
        ...

    async def key_of(self, number: int) -> str | None:
        """Return the opaque key of the incident that people call by this number."""
        ...

    async def trail(self, number: int) -> Sequence[Trace]:
        """Return what happened to the incident, oldest first, at most 200 lines (the newest); empty for none."""
        ...

    async def adopt(self, key: str, conversation_id: str, activity_id: str, now: datetime) -> str:
        """A card of the incident was clicked in this message: from now on it is the one that is kept up to date.

        Returns the id of the other copy, which is to be deleted; "" where there is none.
        """
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

    async def split(
        self, look: Look, alert_key: str, clusters: Sequence[str], now: datetime
    ) -> Sequence[str]:
        """In one transaction: an incident for each of these clusters (resource ids) out of the look's, which goes on.

        The look's incident is narrowed to the cluster that its alert names, else to the first of these, once and for
        all (`Dossier.cluster`); whether or not that is among these, it keeps its number, key, cards and look. Each
        further cluster gets what `record` would make of the same alert naming it: an incident of that rule and cluster,
        opened or joined, with a look that is due and notifications. A Resolved of the alert ends all of them.

        `alert_key` (`Alert.key`) says of which of the incident's alerts these are the clusters: a newer one may have
        fired since they were asked for, and has a look of its own.

        Returns the incidents' keys in the order of `clusters`, each once (in lower case, blank ones aside, at most 50).
        Again with the same alert and clusters it changes nothing. For an incident that was itself made so, nothing is
        split and its own key is all. Empty, and nothing changed, if the look is no longer held
        or the alert is not the incident's.
        """
        ...

    async def seen_before(
        self, key: str, deeds: Sequence[tuple[str, str]], limit: int, *, conversation_id: str = ""
    ) -> tuple[int, Sequence[SeenBefore]]:
        """Return how many incidents older than this one tell of one of these deeds, and the newest `limit` of them.

        `deeds` are pairs of an actor and an object, as `audit.involved` writes them. Newest first; only incidents whose
        card is for the conversation, if that is given. Nothing for an unknown key. Incidents whose evidence was kept
        by a version that did not know this question are not found.
        """
        ...


class Endings(Protocol):
    """Alerts of our own, whose end nobody tells. Every method may raise Unavailable(Reason.STORE)."""

    async def ending(self, now: datetime) -> tuple[Sequence[Alert], datetime | None]:
        """Return the alerts whose time is over (`Alert.ends_at`; each as it fired last), and when the next one's is.

        Those with the earliest end, a hundred at most. None where none is left to end later.
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

    async def claim_chores(self, owner: str, now: datetime, limit: int) -> Sequence[Chore]:
        """Take chores that are due and that nobody holds."""
        ...

    async def renew(self, held: Sequence[Claim]) -> None:
        """Begin the leases of these rows anew, where they are still held by exactly these claims."""
        ...

    async def holds(self, notification: Notification) -> bool:
        """Tell whether the row is still held by this claim: asked just before something is said."""
        ...

    async def posted(self, notification: Notification, activity_id: str, version: int, now: datetime) -> bool:
        """Record what stands in the conversation now; stays due if there is a newer version. False: not held."""
        ...

    async def put_off(
        self, notification: Notification, until: datetime, reason: str, now: datetime, *, whole: bool = False
    ) -> bool:
        """Let go and try again at `until`; `whole`: nothing else goes to the conversation before that either."""
        ...

    async def fail(
        self,
        notification: Notification,
        reason: str,
        now: datetime,
        *,
        detail: str = "",
        card: Mapping[str, Any] | None = None,
    ) -> bool:
        """Give up for good: a dead letter, with the card where the refusal was about the card."""
        ...

    async def pull_in(self, now: datetime) -> int:
        """Make due at once what is due later than anything is ever put off: a clock was wrong when that was written."""
        ...

    async def chore_done(self, chore: Chore, again_at: datetime) -> bool:
        """Let go of a chore until it is due again."""
        ...

    async def digest(self, notification: Notification) -> Sequence[Incident]:
        """Return the incidents that a digest stands for, by number."""
        ...

    async def next_due(self, now: datetime) -> datetime | None:
        """When there is something to claim next; None for nothing."""
        ...

    async def release(self, owner: str | None) -> int:
        """Let go of what `owner` holds (None: of everything, for a process that is alone); return how many rows."""
        ...


class Pace(Protocol):
    """Teams' limits, held across replicas."""

    async def reserve(self, wanted: Sequence[Send], now: datetime) -> Sequence[timedelta]:
        """Take room for each of these sends, in this order; return how long each has to wait: nothing, and it has its room.

        One that must wait has taken nothing. `now` is by the Clock port.
        """
        ...


class Backlog(Protocol):
    """What is due and what was given up, for whoever runs the bot."""

    async def load(self, now: datetime) -> Mapping[str, Load]:
        """Return the load by kind of work: "look", "notification", "chore"."""
        ...

    async def dead_letters(self, limit: int = 100) -> Sequence[DeadLetter]:
        """Return what was given up, newest first; not what was given up because somebody unsubscribed."""
        ...

    async def retry(self, id_: int, now: datetime) -> bool:
        """Make a dead letter due again; False if there is none of that id."""
        ...

    async def drop(self, id_: int, reason: str, now: datetime) -> bool:
        """Take a dead letter off the list, and keep why; False if there is none of that id."""
        ...

    async def clean(self, before: datetime) -> int:
        """Take away resolved incidents, their alerts and all that hangs on them, resolved before then. Return how many."""
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


class Store(
    Incidents,
    Endings,
    Work,
    Pace,
    Backlog,
    Routes,
    Questions,
    Ledger,
    Keeping,
    Watches,
    IncidentLists,
    Protocol,
):
    """All that is kept, in one database."""

    def listening(self, wake: Callable[[], None]) -> AbstractAsyncContextManager[None]:
        """Call `wake` when another process has made something due, for as long as the context is open."""
        ...

    async def ping(self) -> None:
        """Prove that the database answers and can be written. Raises Unavailable(Reason.STORE)."""
        ...
