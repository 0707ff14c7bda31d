"""The words of the grammar besides kinds and times."""

from __future__ import annotations

from collections.abc import Mapping

from audit.deed_table import VERBS
from audit.filter import Outcome
from audit.kinds import CLEAR
from audit.kql_events import WRITES
from audit.topics import TOPICS
from bot.commands import COMMANDS
from bot.said_moments import SHORT_DAYS, UNITS
from bot.said_spans import OPENERS, ZONES
from bot.spans import MONTHS, PARTS

_READS = ("get", "list", "watch")
#: In the order in which a question has them.
API_VERBS = (*WRITES, *_READS, *(verb for verb in VERBS if verb not in (*WRITES, *_READS)))
_CREATE, _CHANGE, _DELETE = ("create",), ("update", "patch"), ("delete", "deletecollection")


def _forms(verbs: tuple[str, ...], *words: str) -> dict[str, tuple[str, ...]]:
    return dict.fromkeys(words, verbs)


#: What was done, and the verbs of the API that it may have been.
DEEDS: Mapping[str, tuple[str, ...]] = {
    **_forms(_CREATE, "created", "creates", "added", "adds"),
    **_forms(_DELETE, "deleted", "deletes", "removed", "removes", "deletions"),
    **_forms(
        _CHANGE, "changed", "changes", "edited", "modified", "patched", "updated", "scaled", "restarted"
    ),
    **_forms(_READS, "read", "reads", "viewed", "listed", "watched"),
    **_forms((*_CREATE, *_CHANGE), "applied"),
    **_forms((), "touched", "accessed"),
    **{verb: (verb,) for verb in ("create", "update", "patch", "deletecollection", *_READS)},
    **_forms(_DELETE, "delete"),
}
#: The same after "who", and after "what did alice", where no other word can be meant.
DONE: Mapping[str, tuple[str, ...]] = {
    **DEEDS,
    **_forms((), "do", "did", "does", "done", "doing", "touch", "access", "used", "use"),
    **_forms(_CREATE, "add"),
    **_forms(_DELETE, "remove"),
    **_forms(_CHANGE, "change", "edit", "modify", "scale", "restart"),
    **_forms(_READS, "view"),
}
#: How a deed is written back: after "who" and as one of several words, and after "what did alice".
DEED_WORDS: Mapping[tuple[str, ...], tuple[str, str]] = {
    _CREATE: ("created", "create"),
    _DELETE: ("deleted", "delete"),
    _CHANGE: ("changed", "change"),
    _READS: ("read", "view"),
}
#: Ways into a pod, after "who" and "what did alice".
SESSIONS = frozenset({"exec", "execed", "exec'd", "exec'ed", "execs", "shelled", "attached"})
OUTCOMES: Mapping[str, Outcome] = {
    **dict.fromkeys(
        ("denied", "refused", "forbidden", "rejected", "unauthorized", "401", "403"), Outcome.DENIED
    ),
    **dict.fromkeys(("failed", "failing", "failures", "errors"), Outcome.FAILED),
    **dict.fromkeys(("succeeded", "successful", "ok"), Outcome.SUCCEEDED),
}
#: What says that something follows, and which field of the question that is.
KEYWORDS: Mapping[str, str] = {
    **dict.fromkeys(("by", "user"), "user"),
    **dict.fromkeys(("on", "cluster"), "cluster"),
    **dict.fromkeys(("in", "namespace", "ns", "-n", "--namespace"), "namespace"),
    **dict.fromkeys(("name", "named", "called"), "name"),
    **dict.fromkeys(("client", "using", "via"), "client"),
    **dict.fromkeys(("from", "address", "ip"), "address"),
    **dict.fromkeys(("verb", "verbs"), "verb"),
    **dict.fromkeys(("kind", "kinds"), "kind"),
    **dict.fromkeys(("subresource",), "subresource"),
    **dict.fromkeys(("top",), "top"),
    **dict.fromkeys(("outcome",), "outcome"),
}
RISKY = frozenset({"risky"})
#: Read over: they say nothing.
FILLERS = frozenset(
    (
        *("a", "an", "the", "all", "any", "every", "me", "please", "some"),
        *("event", "events", "request", "requests", "entry", "entries"),
        *("anything", "everything", "something"),
        *("about", "for", "into", "mentioning", "of", "to"),
    )
)
#: Before a command: "show me open".
BEFORE = frozenset(
    {"show", "me", "please", "list", "give", "tell", "us", "the", "all", "hey", "hi", "hello", "my"}
)
#: After it: "status please".
AFTER = frozenset({"please", "thanks", "thx"})
AND = frozenset({"and", "or"})
#: No question can leave something out.
LEFT_OUT = frozenset({"not", "no", "without", "except", "but", "never", "none", "excluding", "nobody", "nor"})
#: English that nobody looks for. Unread, one of these would make a question mean something else: "not by alice".
STOP = frozenset(
    (
        *LEFT_OUT,
        *(
            "i",
            "you",
            "he",
            "she",
            "it",
            "we",
            "they",
            "him",
            "her",
            "them",
            "us",
            "my",
            "our",
            "their",
            "its",
        ),
        *(
            "this",
            "that",
            "these",
            "those",
            "there",
            "here",
            "other",
            "others",
            "same",
            "else",
            "only",
            "just",
        ),
        *(
            "is",
            "are",
            "was",
            "were",
            "be",
            "been",
            "am",
            "do",
            "does",
            "did",
            "done",
            "doing",
            "has",
            "have",
        ),
        *("had", "can", "could", "would", "should", "will", "may", "might", "must", "got"),
        *("who", "whom", "whose", "what", "when", "where", "which", "why", "how", "if", "than", "then", "so"),
        *("now", "ago", "recent", "recently", "latest", "newest", "lately", "ever", "forever", "tomorrow"),
        *("tonight", "next", "previous", "prior", "year", "years", "month", "months", "second", "seconds"),
        *("secs", "sec", "more", "less", "most", "least", "first", "per", "as", "with", "up", "out", "off"),
    )
)
#: The start of a phrase, or the whole of it, by the name of its command.
PHRASES: Mapping[tuple[str, ...], str] = {
    tuple(words.split()): each.name for each in COMMANDS for words in each.words
}
LONGEST_PHRASE = max(map(len, PHRASES))

_TIMES = frozenset({*SHORT_DAYS, *MONTHS, *UNITS, *PARTS, *OPENERS, *ZONES, "today", "yesterday"})
#: A value that is one of these is written in quotes, and an unquoted one is never taken for a value.
OWN = (
    frozenset(
        {
            *DONE,
            *SESSIONS,
            *API_VERBS,
            *OUTCOMES,
            *KEYWORDS,
            *RISKY,
            *FILLERS,
            *STOP,
            *AND,
            *TOPICS,
            *AFTER,
            *BEFORE,
        }
    )
    | _TIMES
    | {"noon", "midday", "midnight", "half", "one", "am", "pm"}
)
#: What a word may be a slip of the finger for.
SPELT = frozenset(word for word in OWN | CLEAR if len(word) > 4)  # noqa: PLR2004 - short words are near to everything
