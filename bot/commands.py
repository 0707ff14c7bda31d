"""What people can ask for: a clicked button and a typed line become the same command."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from audit.involved import MARK_LENGTH
from bot.ports import Conversation


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


@dataclass(frozen=True, kw_only=True)
class Acknowledge:
    key: str
    #: Clicked on an answer, not on the incident's own card.
    is_answer: bool = False


@dataclass(frozen=True, kw_only=True)
class ShowRawLog:
    """The raw log of an incident, one event a page; `page` counts from 0."""

    key: str
    page: int = 0
    #: The client cannot open a dialog: the raw log goes to the asker's personal chat.
    no_dialog: bool = False


@dataclass(frozen=True, kw_only=True)
class WhatElse:
    """What else the actor of a row did; `row` is its mark, see audit.involved."""

    key: str
    row: str
    no_dialog: bool = False


@dataclass(frozen=True, kw_only=True)
class SevenAnswers:
    """The seven questions about a row's first event; `row` is its mark, see audit.involved."""

    key: str
    row: str
    no_dialog: bool = False


@dataclass(frozen=True, kw_only=True)
class ShowSeenBefore:
    """Earlier incidents with the same actor and object: of the row with a mark, or of all that are not the platform's."""

    key: str
    row: str | None = None
    no_dialog: bool = False


@dataclass(frozen=True, kw_only=True)
class ShowIncident:
    """`incident NUMBER`."""

    number: int


@dataclass(frozen=True, kw_only=True)
class ShowTrail:
    """`incident NUMBER trail`."""

    number: int


@dataclass(frozen=True, kw_only=True)
class ShowStatus:
    pass


@dataclass(frozen=True, kw_only=True)
class Audits:
    """`audits TERM last SPAN`."""

    term: str
    span: timedelta


@dataclass(frozen=True, kw_only=True)
class Help:
    pass


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
    hint: str = ""


#: Shown to the asker alone: in a dialog, or in the personal chat where the client cannot open one.
ForAsker = ShowRawLog | WhatElse | SevenAnswers | ShowSeenBefore

Command = (
    Acknowledge
    | ForAsker
    | ShowIncident
    | ShowTrail
    | ShowStatus
    | Audits
    | Help
    | Welcome
    | Subscribe
    | Unsubscribe
    | Misunderstood
)


#: What `help` lists, and what the tests hold README and manifest to: how to write it, what it answers.
GRAMMAR = (
    ("audits coredns last 1h", "the audit events that mention coredns, people first"),
    ("incident 12", "the card of incident #12 as it is now; #12 alone does the same"),
    ("incident 12 trail", "what happened to incident #12 on its way to you, step by step"),
    ("status", "what is watched, what waits, and what went wrong"),
    ("subscribe", "send incidents to this channel"),
    ("unsubscribe", "send no more incidents to this channel"),
    ("help", "this list"),
)
DEFAULT_SPAN = timedelta(hours=1)
LONGEST_SPAN = timedelta(days=7)
LONGEST_TERM = 200
#: No incident has a number of more digits.
LONGEST_NUMBER = 9
#: A longer line is nobody's question.
LONGEST_LINE = 1000

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_SPAN = re.compile(
    r"\blast\s+(?:(?P<count>\d{1,6}|an?)\s*)?"
    r"(?P<unit>m|min|mins|minutes?|h|hours?|hrs?|d|days?)$",
    re.IGNORECASE,
)
_INCIDENT = "incident 12"
#: Words that stand before a span in what people write.
_SPAN_WORDS = frozenset({"last", "since", "for", "in", "past", "within"})
_QUOTES = str.maketrans({"\u201c": '"', "\u201d": '"', "\u2018": "'", "\u2019": "'", "\u00a0": " "})


def from_text(text: str) -> Command:
    """Read a typed line, the mention already taken off. Total: never raises, whatever the line."""
    line = " ".join(text[: LONGEST_LINE + 1].translate(_QUOTES).split()).rstrip("?").strip()
    if len(line) > LONGEST_LINE:
        return Misunderstood(text=line[:100], hint="That line is too long; ask in one short line.")
    word, _, rest = line.partition(" ")
    simple: dict[str, Command] = {
        "help": Help(),
        "status": ShowStatus(),
        "subscribe": Subscribe(),
        "unsubscribe": Unsubscribe(),
        "": Help(),
    }
    if word.lower() == "audits":
        return _audits(rest)
    if word.lower() == "incident":
        return _incident(rest)
    if word.startswith("#"):
        return _incident(line)
    if not rest and word.lower() in simple:
        return simple[word.lower()]
    return Misunderstood(text=line[:100], hint=_nearest(word))


def _incident(rest: str) -> Command:
    """Read `NUMBER [trail]`, the number with or without a #."""
    number, _, more = rest.partition(" ")
    digits = number.removeprefix("#")
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= LONGEST_NUMBER):
        return Misunderstood(text=f"incident {rest}"[:100], hint=f"Say which one by its number: {_INCIDENT}")
    if more and more.lower() != "trail":
        hint = f"After the number comes nothing, or the word trail: incident {int(digits)} trail"
        return Misunderstood(text=f"incident {rest}"[:100], hint=hint)
    return ShowTrail(number=int(digits)) if more else ShowIncident(number=int(digits))


def _audits(rest: str) -> Command:
    """Read `TERM [last SPAN]`; a term of several words needs quotes.

    Nothing is guessed: a word that is not understood would be searched for, and "nothing found" would be taken for
    an all-clear.
    """
    span = DEFAULT_SPAN
    term = rest
    if found := _SPAN.search(rest):
        span = _span(found["count"] or "1", found["unit"])
        term = rest[: found.start()]
    term = term.strip()
    quoted = len(term) > 1 and term[0] == term[-1] and term[0] in "\"'"
    bare = term.strip("\"'").strip()
    if not bare:
        return _not_read(rest, "Say what to look for: audits coredns last 1h")
    if not quoted and len(term.split()) > 1:
        return _not_read(rest, f"Look for one word, or put several in quotes: {_example(term)}")
    if len(bare) > LONGEST_TERM:
        return _not_read(rest, f"Look for at most {LONGEST_TERM} characters.")
    if not timedelta() < span <= LONGEST_SPAN:
        return _not_read(
            rest, f"Ask for 1 minute to {LONGEST_SPAN.days} days: audits TERM last 90m, 6h or 2d"
        )
    return Audits(term=bare, span=span)


def _not_read(rest: str, hint: str) -> Misunderstood:
    return Misunderstood(text=f"audits {rest}"[:100], hint=hint)


def _example(term: str) -> str:
    """Of words with a span that is none, show how spans are written; else the words in quotes."""
    words = term.split()
    if any(word.lower() in _SPAN_WORDS for word in words[1:]) or len(words[0]) > 50:  # noqa: PLR2004 - an example is short
        return f"audits {words[0][:50]} last 90m, 6h or 2d"
    return f'audits "{term[:50]}" last 1h'


def _span(count: str, unit: str) -> timedelta:
    number = int(count) if count.isascii() and count.isdigit() else 1
    if number > _most(unit):
        return timedelta.max
    return timedelta(**{_UNITS[unit[0].lower()]: number})


def _most(unit: str) -> int:
    """The largest number of a unit that is worth turning into a span at all."""
    return int(LONGEST_SPAN / timedelta(**{_UNITS[unit[0].lower()]: 1}))


def _nearest(word: str) -> str:
    names = [line.split()[0] for line, _ in GRAMMAR]
    close = difflib.get_close_matches(word.lower(), names, n=1, cutoff=0.6)
    return f"Did you mean {close[0]}?" if close else ""


def from_click(data: Any) -> Command:
    """Read a button's data. It comes from the client, so any user can send anything: total, and trusts only shapes."""
    if isinstance(data, Mapping) and data.get("v") == 1 and _is_key(data.get("k")):
        action = data.get("a")
        read = _CLICKS.get(action) if isinstance(action, str) else None
        command = read(data, str(data["k"])) if read else None
        if command is not None:
            return command
    return Misunderstood(
        text="", hint="This button belongs to an older card; use the newest card of the incident."
    )


#: Beyond what any raw log has; a forged page number ends here.
MOST_PAGES = 1000
_KEY = re.compile(r"[0-9a-f]{32}")
_MARK = re.compile(rf"[0-9a-f]{{{MARK_LENGTH}}}")


def _is_key(value: Any) -> bool:
    return isinstance(value, str) and _KEY.fullmatch(value) is not None


def _number(value: Any, most: int) -> int | None:
    """Return a number from 0 to below `most`; JSON's true is none, and neither is 1.5."""
    is_one = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < most
    return value if is_one else None


def _raw(data: Mapping[str, Any], key: str) -> Command | None:
    page = _number(data.get("p", 0), MOST_PAGES)
    return None if page is None else ShowRawLog(key=key, page=page)


def _row(data: Mapping[str, Any]) -> str | None:
    value = data.get("g")
    return value if isinstance(value, str) and _MARK.fullmatch(value) else None


def _what_else(data: Mapping[str, Any], key: str) -> Command | None:
    row = _row(data)
    return None if row is None else WhatElse(key=key, row=row)


def _seven(data: Mapping[str, Any], key: str) -> Command | None:
    row = _row(data)
    return None if row is None else SevenAnswers(key=key, row=row)


def _before(data: Mapping[str, Any], key: str) -> Command | None:
    row = _row(data)
    return None if row is None and "g" in data else ShowSeenBefore(key=key, row=row)


_CLICKS: Mapping[str, Callable[[Mapping[str, Any], str], Command | None]] = {
    # Whatever stands there: what is taken for an answer changes least.
    "acknowledge": lambda data, key: Acknowledge(key=key, is_answer="c" in data),
    "raw": _raw,
    "else": _what_else,
    "seven": _seven,
    "before": _before,
}
