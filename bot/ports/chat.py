"""What is kept of questions, of what people did, and of what is asked again and again: adapter bot.store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from audit.filter import Window
from audit.incident import Incident, Person


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How many questions are taken within `span`."""

    per_person: int = 5
    per_conversation: int = 30
    span: timedelta = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class Put:
    """A question as it was put."""

    #: 32 lower-case hexadecimal digits, not to be guessed.
    key: str
    #: In the words of the grammar, at most 500 characters; hostile text.
    line: str
    asked_at: datetime
    by: Person
    conversation_id: str
    #: Of the activity that brought it, by which one that is delivered twice is told; "" for none.
    activity_id: str = ""


class Admission(StrEnum):
    """Whether a question may be asked now."""

    GRANTED = "granted"
    #: This very activity was taken before: nothing is to be said to it.
    REPEATED = "repeated"
    PERSON_LIMIT = "too many by this person"
    CONVERSATION_LIMIT = "too many in this conversation"


@dataclass(frozen=True, kw_only=True)
class Admitted:
    """The verdict; `wait` is how long until there is room again, for the two limits."""

    verdict: Admission
    wait: timedelta = timedelta(0)


@dataclass(frozen=True, kw_only=True)
class Row:
    """What a button on an answer names by its mark: enough to ask for the row's events again."""

    #: See audit.involved.
    mark: str
    #: Ids of the events that the row shows, as the log has them; hostile text.
    audit_ids: tuple[str, ...]
    user: str
    first: datetime
    last: datetime
    #: The row in words: "alice@contoso.com patched configmap kube-system/coredns".
    said: str = ""


@dataclass(frozen=True, kw_only=True)
class Cursor:
    """Where a page of all events begins: after these events of the instant `until`, and all that are older."""

    until: datetime
    #: Lower-case hexadecimal digests of events of that very instant that stand on earlier pages.
    seen: tuple[str, ...] = ()
    #: Events on all earlier pages.
    before: int = 0


@dataclass(frozen=True, kw_only=True)
class Ran:
    """A query that ran for a question, and the names of the workspaces that it ran in."""

    workspaces: tuple[str, ...]
    kql: str


@dataclass(frozen=True, kw_only=True)
class Answered:
    """What became of a question. Its window is fixed from then on."""

    window: Window
    #: Resource ids that it was narrowed to; () for all.
    clusters: tuple[str, ...] = ()
    #: Events (or rows) that the workspace counted; None where nothing is known.
    events: int | None = None
    #: "ok", "partial", or one of bot.errors.Reason.
    outcome: str = "ok"
    rows: tuple[Row, ...] = ()
    #: What was asked of the workspaces; they differ where their tables do.
    ran: tuple[Ran, ...] = ()
    #: Where page n + 1 of all events begins, as far as pages were asked for.
    cursors: tuple[Cursor, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A question with what became of it; `answer` is None until it has been answered."""

    put: Put
    answer: Answered | None = None


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of the ledger: what a person did or saw. Append-only; each line's hash covers the one before."""

    #: From 1, without a gap.
    number: int
    at: datetime
    #: "asked", "answered", "refused", "raw log", "what else", "seven answers", "watched", "unwatched", "raised",
    #: "acknowledged" …
    what: str
    by: Person
    conversation_id: str
    #: The question's line, the incident's number …; hostile text.
    about: str = ""
    #: Opaque key of the question or incident; "" for none.
    key: str = ""
    rows: int | None = None
    outcome: str = ""
    hash: str = ""


class Questions(Protocol):
    """Every method may raise Unavailable(Reason.STORE)."""

    async def admit(self, put: Put, limits: Limits) -> Admitted:
        """In one transaction: check the limits over all replicas, keep the question, write it to the ledger ("asked").

        What is refused by a limit does not count against any limit, and is written as "refused": once a person and
        span, so that nobody fills the disk. Questions dated more than a span ahead count for nothing: a clock was wrong.
        """
        ...

    async def answered(self, key: str, answer: Answered, now: datetime) -> None:
        """Keep what became of the question, and write it to the ledger ("answered", rows, outcome).

        What is kept first stands. Raises Rejected(Reason.NOT_FOUND) for a question that is not kept.
        """
        ...

    async def turned(self, key: str, cursors: Sequence[Cursor]) -> None:
        """Keep where further pages begin, unless more of them are known already."""
        ...

    async def question(self, key: str) -> Kept | None:
        """Return the question of this key; None for one that was never asked, or is not kept any more."""
        ...


class Ledger(Protocol):
    """Every method may raise Unavailable(Reason.STORE)."""

    async def write(
        self,
        what: str,
        by: Person,
        conversation_id: str,
        now: datetime,
        *,
        about: str = "",
        key: str = "",
        rows: int | None = None,
        outcome: str = "",
    ) -> None: ...

    async def entries(self, limit: int = 100, *, before: int | None = None) -> Sequence[Entry]:
        """Return the newest lines, newest first; those with a smaller number than `before`, if that is given."""
        ...

    async def broken(self) -> int | None:
        """Return the number of the first line that is not what was written, or that is missing; None for none.

        Lines missing at the end are told by a count that is kept beside them. What cannot be told: a ledger whose lines
        were written anew to their end, with all hashes and that count. It needs no secret to do so, only the right to
        write to the database; to tell it, keep a line's number and hash elsewhere and compare.
        """
        ...


class Keeping(Protocol):
    """What is not kept for ever. Every method may raise Unavailable(Reason.STORE)."""

    async def forget(self, before: datetime) -> int:
        """Take away questions that were asked before then, a few hundred at a time; return how many."""
        ...

    async def cut(self, before: datetime, now: datetime) -> int:
        """Take away the ledger's first lines, those before then, a few thousand at a time; return how many.

        A line "cut" says so, with how many are gone in all as its rows: what is left is still found whole by `broken`.
        Nothing is done for less than a day's worth of lines.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Watched:
    """A question that is asked again and again for one conversation."""

    number: int
    line: str
    clusters: tuple[str, ...]
    by: Person
    conversation_id: str
    #: IANA name of the zone that the line's times are told in.
    zone: str
    since: datetime
    #: Up to here it has been asked.
    until: datetime
    #: When something was found last, and how often.
    found_at: datetime | None = None
    found: int = 0


class Watches(Protocol):
    """Every method may raise Unavailable(Reason.STORE)."""

    async def watch(
        self, key: str, by: Person, zone: str, now: datetime, *, most: int = 20, line: str = ""
    ) -> tuple[Watched | None, bool]:
        """Begin to watch the question of this key in its conversation; also whether it is new.

        None where no such question was answered, or the conversation has `most` watches already. The same line and
        clusters again is the same watch. `line`: what is watched, where that is not the question's own line.
        """
        ...

    async def watches(self, conversation_id: str | None = None) -> Sequence[Watched]:
        """Return those of the conversation, or those of all conversations that live, by number."""
        ...

    async def unwatch(self, number: int, conversation_id: str, now: datetime) -> bool:
        """End one of this conversation's; False where there is none of that number."""
        ...

    async def asked_until(self, number: int, until: datetime, found: int, now: datetime) -> None:
        """Keep how far a watch has been asked, and what was found."""
        ...


class IncidentLists(Protocol):
    async def open_incidents(
        self,
        limit: int,
        *,
        conversation_ids: Sequence[str],
        acknowledged_by: str = "",
    ) -> tuple[int, Sequence[Incident]]:
        """Return how many incidents are not resolved whose card is for one of these conversations, and the newest.

        Newest first, at most `limit`. Of very many conversations the first 1,000 count.
        `acknowledged_by` (an Entra object id) narrows to those that this person acknowledged.
        """
        ...
