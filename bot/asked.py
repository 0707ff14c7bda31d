"""What people can ask for: a clicked button and a typed line become the same command."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from audit.filter import Wanted
from bot.ports import Conversation
from bot.when import When


@dataclass(frozen=True, kw_only=True)
class Asker:
    """Who asks, and where: taken from authenticated fields of the activity only, never from a card's data."""

    #: "29:…", which the roster is asked by.
    user_id: str
    #: `from.aadObjectId`: who it is. "" means that nothing may be done.
    object_id: str
    #: Display name; chosen by the user, for reading only.
    name: str
    tenant_id: str
    conversation: Conversation
    #: The message that the asker's line or click belongs to: the thread's root, "" outside threads.
    thread: str = ""
    #: Id of the message whose card was clicked (`replyToId`); "" for typed lines.
    clicked: str = ""
    #: IANA name that Teams sends with a message, "" where it sends none.
    time_zone: str = ""
    #: Id of the activity itself, by which one that is delivered twice is told; "" where it has none.
    activity_id: str = ""


# --- incidents -------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Acknowledge:
    key: str
    #: Clicked on an answer, not on the incident's own card.
    is_answer: bool = False


@dataclass(frozen=True, kw_only=True)
class ShowIncident:
    """`incident NUMBER`."""

    number: int


@dataclass(frozen=True, kw_only=True)
class ShowTrail:
    """`incident NUMBER trail`."""

    number: int


@dataclass(frozen=True, kw_only=True)
class ListIncidents:
    """`open`: those not closed; `mine`: of these, those that the asker acknowledged."""

    mine: bool = False


@dataclass(frozen=True, kw_only=True)
class TestIncident:
    """`test`: an incident that goes the whole way, for this conversation alone."""


# --- about a card, for the asker alone -------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class ShowRawLog:
    """The raw log of an incident, one event a page; `page` counts from 0. Of a question: of one row of its answer."""

    key: str
    page: int = 0
    #: The client cannot open a dialog: the raw log goes to the asker's personal chat.
    no_dialog: bool = False
    #: The key is a question's, not an incident's; then there is a row.
    of_question: bool = False
    row: str = ""


@dataclass(frozen=True, kw_only=True)
class WhatElse:
    """What else the actor of a row did; `row` is its mark, see audit.involved."""

    key: str
    row: str
    no_dialog: bool = False
    of_question: bool = False


@dataclass(frozen=True, kw_only=True)
class SevenAnswers:
    """The seven questions about a row's first event; `row` is its mark, see audit.involved."""

    key: str
    row: str
    no_dialog: bool = False
    of_question: bool = False


@dataclass(frozen=True, kw_only=True)
class ShowSeenBefore:
    """Earlier incidents with the same actor and object: of the row with a mark, or of all that are not the platform's."""

    key: str
    row: str | None = None
    no_dialog: bool = False


@dataclass(frozen=True, kw_only=True)
class ListEvents:
    """Each event of a question, one line each, newest first; `page` counts from 0."""

    key: str
    page: int = 0
    no_dialog: bool = False


@dataclass(frozen=True, kw_only=True)
class ShowQuery:
    """The query that ran for a question, whole."""

    key: str
    no_dialog: bool = False


# --- questions to the audit log --------------------------------------------------------------------


class Topic(StrEnum):
    """A question that has a name; the value is its line's first word."""

    AUDITS = "audits"
    EXEC = "exec"
    RBAC = "rbac"
    SECRETS = "secrets"
    RISKY = "risky"


@dataclass(frozen=True, kw_only=True)
class AskEvents:
    """`audits …`, `exec …`, `rbac …`, `secrets …`, `risky …`. `what` has what the topic stands for in it."""

    topic: Topic = Topic.AUDITS
    what: Wanted
    when: When
    #: Groups to show at most; 0 for as many as fit.
    top: int = 0


@dataclass(frozen=True, kw_only=True)
class AskWho:
    """`who deleted deploy/x`."""

    what: Wanted
    when: When
    top: int = 0


@dataclass(frozen=True, kw_only=True)
class AskPerson:
    """`what did alice do`; `what.user` is set."""

    what: Wanted
    when: When


@dataclass(frozen=True, kw_only=True)
class AskActivity:
    """`activity …`."""

    what: Wanted
    when: When


@dataclass(frozen=True, kw_only=True)
class AskCost:
    """`cost …`, of whole workspaces."""

    when: When


@dataclass(frozen=True, kw_only=True)
class AskRaw:
    """`raw AUDITID`: hostile text of at most 256 characters."""

    audit_id: str


@dataclass(frozen=True, kw_only=True)
class ShowClusters:
    pass


@dataclass(frozen=True, kw_only=True)
class ShowBlindSpots:
    pass


@dataclass(frozen=True, kw_only=True)
class Watch:
    """The button *Watch this*: events that a question asks for become incidents of this conversation."""

    key: str


@dataclass(frozen=True, kw_only=True)
class Raise:
    """The button *Raise*: what a question found becomes an incident."""

    key: str


@dataclass(frozen=True, kw_only=True)
class ListWatches:
    pass


@dataclass(frozen=True, kw_only=True)
class EndWatch:
    """`unwatch NUMBER`."""

    number: int


# --- the rest --------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class ShowStatus:
    pass


@dataclass(frozen=True, kw_only=True)
class Help:
    """`help`, or `help audits`: `about` is the name of a command of the table, "" for all."""

    about: str = ""


@dataclass(frozen=True, kw_only=True)
class Welcome:
    """The bot was installed here; nobody types it."""


@dataclass(frozen=True, kw_only=True)
class Subscribe:
    pass


@dataclass(frozen=True, kw_only=True)
class Unsubscribe:
    pass


@dataclass(frozen=True, kw_only=True)
class Misunderstood:
    """A line or click that is none of the above; `text` is hostile and shortened."""

    text: str
    #: What was not understood, and what to write instead: one sentence.
    hint: str = ""
    #: Lines that may have been meant, the nearest first; each is understood.
    instead: tuple[str, ...] = ()


#: Shown to the asker alone: in a dialog, or in the personal chat where the client cannot open one.
ForAsker = ShowRawLog | WhatElse | SevenAnswers | ShowSeenBefore | ListEvents | ShowQuery
#: What asks workspaces, and is said with a window.
Question = AskEvents | AskWho | AskPerson | AskActivity | AskCost | AskRaw

Command = (
    Acknowledge
    | ForAsker
    | Question
    | ShowIncident
    | ShowTrail
    | ListIncidents
    | TestIncident
    | ShowClusters
    | ShowBlindSpots
    | Watch
    | Raise
    | ListWatches
    | EndWatch
    | ShowStatus
    | Help
    | Welcome
    | Subscribe
    | Unsubscribe
    | Misunderstood
)
