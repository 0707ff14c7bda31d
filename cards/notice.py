"""Short answers: what is known, what is not, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import ceil
from typing import Any

from audit.evidence import Missing
from cards import missing
from cards.answering import why_not
from cards.elements import AdaptiveCard
from cards.pressable import pressable
from cards.text import line, plain, run

_ASKED = 200
#: Lines that one notice offers, and names that it lists.
_MOST_LINES = 8
_MOST_NAMES = 8
_NAME = 80
_MOST_INSTEAD = 3
EXAMPLES = ("audits coredns last 1h", "who deleted deploy/frontend yesterday afternoon", "help")
_NOT_DONE = "Nothing was changed or shown."
_FAILED = "This could not be done now"
_UNREACHED = "The audit log, or what the bot itself keeps, could not be reached."
_NOT_NOW = "Try again in a few minutes, or look in the portal."


@dataclass(frozen=True, kw_only=True)
class Notice:
    """A title, which is also the phone's notification, and sentences. Any of them may hold foreign text."""

    title: str
    sentences: tuple[str, ...] = ()
    #: Lines of the chat's grammar to press, which say them; see Line.
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Line:
    """What is said when it is pressed, and what is shown of it: the line itself where `shown` is empty."""

    said: str
    shown: str = ""


def notice_card(said: Notice) -> dict[str, Any]:
    """Return the notice as a card."""
    title = line(run(said.title, weight="bolder", size="medium"))
    sentences = [line(text, spacing="small") for text in said.sentences]
    lines = [
        pressable(each.said, shown=each.shown, style="emphasis", spacing="small")
        for each in said.lines[:_MOST_LINES]
    ]
    return AdaptiveCard.of([title, *sentences, *lines], []).to_dict()


def notice(title: str, *sentences: str, lines: Sequence[str | Line] = ()) -> Notice:
    """Return a notice whose texts are plain; a sentence that is empty is left out."""
    return Notice(
        title=plain(title),
        sentences=tuple(plain(text) for text in sentences if text),
        lines=tuple(Line(said=each) if isinstance(each, str) else each for each in lines),
    )


def welcome() -> Notice:
    return notice(
        "Kubernetes Auditor is here",
        "When an alert about a cluster fires, a card here says who did what, where, and whether it worked.",
        "Say “subscribe” in another channel to have the cards there too, and “help” for what you can ask.",
    )


def not_understood(text: str, hint: str = "", instead: Sequence[str] = ()) -> Notice:
    """Say what was read and why that is nothing to do; offer up to three lines that may be meant, then examples."""
    offered = tuple(instead[:_MOST_INSTEAD])
    return notice(
        "That was not understood",
        f"Read: {plain(text, _ASKED)}" if text.strip() else "Nothing was asked.",
        plain(hint, _ASKED) if hint.strip() else "",
        "Did you mean this? Press it to ask it." if offered else "Press an example to ask it:",
        lines=offered or EXAMPLES,
    )


def not_found() -> Notice:
    return notice(
        "This incident is not known here",
        "Its card may be older than what is kept, or it belongs to another conversation.",
        _NOT_DONE,
    )


def refused_guest() -> Notice:
    return notice(
        "Guests cannot do this",
        "Acknowledging, raw logs, questions and subscriptions are for members of the organisation.",
        _NOT_DONE,
    )


def refused_stranger() -> Notice:
    return notice("Only members of this conversation can do this", _NOT_DONE)


def refused_outsider() -> Notice:
    return notice(
        "This is for people who get the incidents",
        "In a chat the bot answers members of a channel that incidents come to. Ask there, or ask to be added to its team.",
        _NOT_DONE,
    )


def refused_unknown() -> Notice:
    """Teams could not say who the asker is, so the answer is no."""
    return notice(
        "It could not be checked who you are",
        "Teams did not say whether you belong to this conversation.",
        f"{_NOT_DONE} Try again in a minute.",
    )


def comes_later(what: str) -> Notice:
    """Say where `what`, such as "raw log", is to be found when it comes."""
    return notice(
        f"The {what} is on its way",
        "It could not be shown here and now. It comes to your personal chat with this bot, where only you see it.",
    )


def row_gone() -> Notice:
    return notice(
        "This row is not on the card any more",
        "The card has changed since this button was shown. Use the same button on the newest card of the incident.",
    )


def no_actor() -> Notice:
    return notice(
        "It is not known who did this", "The log does not say who asked, so nobody can be looked for."
    )


def no_event() -> Notice:
    return notice(
        "This event was not found",
        "The workspace no longer has the event that the card shows, or has not got it yet.",
    )


def no_such_event(audit_id: str, searched: timedelta) -> Notice:
    """Say that no event has this id, and how far back was looked for it."""
    return notice(
        "No event with this id was found",
        f"Looked for: {plain(audit_id, _ASKED)}",
        f"Searched: all workspaces, the last {searched.days} days. An event is in the log 3 to 10 minutes after it happened.",
    )


def no_raw_log() -> Notice:
    return notice(
        "No raw log found",
        "The workspace no longer has the events that the card shows, or has not got them yet.",
    )


def more_pages(shown: int, of: int) -> Notice:
    """Say how many events of the raw log came."""
    return notice(
        f"{shown:,} of {of:,} events sent",
        "The others are in the workspace; Open in Logs on the incident's card leads there.",
    )


def subscribed(*, again: bool = False) -> Notice:
    if again:
        return notice("Incidents come here already", "Nothing was changed.")
    return notice("Incidents come here from now on", "Say “unsubscribe” to end it.")


def unsubscribed(*, again: bool = False) -> Notice:
    if again:
        return notice("Incidents did not come here", "Nothing was changed.")
    return notice(
        "No more incidents come here", "Cards that are here stay up to date. Say “subscribe” to begin again."
    )


def failed(why: Missing) -> Notice:
    """Say that the outside failed, which may be the audit log or our own store."""
    known, advice = missing.SENTENCES[why]
    if why is Missing.FORBIDDEN:
        return notice(_FAILED, known, advice)
    return notice(_FAILED, _UNREACHED if why is Missing.UNAVAILABLE else known, _NOT_NOW)


def route_ended(name: str) -> Notice:
    return notice(
        f"{plain(name, _ASKED)} gets no more incidents",
        "Teams does not let the bot speak there any more: it was removed, or the conversation is gone.",
        "Install the bot there again and say “subscribe” if its incidents are still wanted.",
    )


# --- questions -------------------------------------------------------------------------------------


def looking(said: str) -> Notice:
    """Say that a question is being asked, in the message that becomes its answer."""
    return notice("Looking", f"Asking the audit log: {plain(said, _ASKED)}", "This becomes the answer.")


def which_cluster(typed: str, choices: Sequence[tuple[str, str]]) -> Notice:
    """Ask which cluster is meant. `choices`: the name as it is shown, and the whole line that asks of that one."""
    shown = choices[:_MOST_NAMES]
    more = len(choices) - len(shown)
    return notice(
        "Which cluster?",
        f"“{plain(typed, _NAME)}” may be any of {len(choices):,}. Press one to ask of it.",
        f"Not listed here: {more:,} more. Write more of the name." if more > 0 else "",
        lines=[Line(said=said, shown=plain(name, _NAME)) for name, said in shown],
    )


def unknown_cluster(typed: str, known: Sequence[str] = (), near: Sequence[tuple[str, str]] = ()) -> Notice:
    """Say that no such cluster is known, and which are. `near`: names that may be meant, each with the whole line."""
    offered = near[:_MOST_INSTEAD]
    return notice(
        f"No cluster “{plain(typed, _NAME)}” is known",
        _known(known),
        "Did you mean this? Press it to ask of it." if offered else "“clusters” tells more.",
        lines=[Line(said=said, shown=plain(name, _NAME)) for name, said in offered],
    )


def _known(names: Sequence[str]) -> str:
    if not names:
        return "No audit log of any cluster was found in the last day, so nothing was asked."
    shown = ", ".join(plain(name, _NAME) for name in names[:_MOST_NAMES])
    more = len(names) - _MOST_NAMES
    return f"Known: {shown}{f' and {more:,} more' if more > 0 else ''}. Nothing was asked."


def too_many(
    by_person: bool, wait: timedelta, *, limit: int = 0, span: timedelta = timedelta(minutes=1)
) -> Notice:
    """Say that enough was asked for now, and when there is room again. `limit`: questions taken within `span`."""
    within = "a minute" if span == timedelta(minutes=1) else duration(span)
    count = (
        f"{limit:,} question{'' if limit == 1 else 's'}" if limit > 0 else "as many questions as are taken"
    )
    who = "You asked" if by_person else "People here asked"
    return notice(
        f"Ask again in {duration(wait)}",
        f"{who} {count} within {within}: every question costs the workspace time and money.",
        "Nothing was asked.",
    )


def duration(span: timedelta) -> str:
    """Return a wait in whole seconds or minutes, never less than it is: "20 s", "3 min"."""
    seconds = max(1, ceil(span / timedelta(seconds=1)))
    return f"{seconds} s" if seconds < 120 else f"{ceil(seconds / 60):,} min"  # noqa: PLR2004


def out_of_reach(reason: str, instead: str = "") -> Notice:
    """Say why the time that was meant cannot be asked for. `instead`: the nearest line that can."""
    return notice(
        "That time cannot be asked for",
        reason,
        "Nothing was asked. Press this to ask it instead:" if instead.strip() else "Nothing was asked.",
        lines=[instead] if instead.strip() else (),
    )


def not_answered(
    said: str, tried: Sequence[tuple[str, Missing]], narrower: str = "", *, waited: timedelta | None = None
) -> Notice:
    """Say that no workspace answered. `tried`: each with the reason. `waited`: how long, where time ran out.

    `narrower`: a line that asks for less.
    """
    until = f" within {duration(waited)}" if waited else ""
    shown = [f"{plain(name, _NAME)}: {why_not(why)}" for name, why in tried[:_MOST_NAMES]]
    more = len(tried) - len(shown)
    return notice(
        f"The audit log did not answer{until}",
        f"Asked: {plain(said, _ASKED)}",
        *(shown or ["No workspace is configured that could be asked."]),
        f"{more:,} more workspaces did not answer either." if more > 0 else "",
        missing.SENTENCES[Missing.FORBIDDEN][1] if any(why is Missing.FORBIDDEN for _, why in tried) else "",
        "Less may be answered sooner. Press this to ask it:" if narrower.strip() else _NOT_NOW,
        lines=[narrower] if narrower.strip() else (),
    )


def not_recorded() -> Notice:
    return notice(
        "This could not be recorded, so it was not asked",
        "Every question is written down before it is asked, and what keeps them could not be reached.",
        "Try again in a few minutes.",
    )


def question_gone() -> Notice:
    return notice(
        "This question is not known here",
        "Its answer may be older than what is kept, or it belongs to another conversation. Ask it again.",
        _NOT_DONE,
    )


# --- who may ---------------------------------------------------------------------------------------


def readers_only() -> Notice:
    return notice(
        "Raw events and secrets are for a smaller group here",
        "Who may read them is set in the bot's settings. Other questions are open to you.",
        _NOT_DONE,
    )


def askers_only() -> Notice:
    return notice(
        "You are not on the list of those who may ask here",
        "Who may ask is set in the bot's settings; whoever runs this bot can add you.",
        _NOT_DONE,
    )


def raw_on_its_way() -> Notice:
    return notice(
        "The raw event is on its way",
        "It comes to your personal chat with this bot, where only you see it. That you asked is recorded.",
    )


# --- watches, incidents ----------------------------------------------------------------------------


def watching(said: str, *, number: int = 0, again: bool = False) -> Notice:
    """Say that a question is asked again and again from now on; `again`: it was before."""
    ends = f" “unwatch {number}” ends it." if number else ""
    title = "This is watched already" if again else "This is watched from now on"
    return notice(
        title,
        f"Watched: {plain(said, _ASKED)}.",
        f"What is found becomes an incident here. “watches” lists all.{ends}",
    )


def watch_ended(number: int) -> Notice:
    return notice(f"Watch {number} has ended", "Its incidents stay. “watches” lists those that go on.")


def no_such_watch(number: int) -> Notice:
    return notice(f"There is no watch {number} here", "“watches” lists those of this conversation.")


def too_many_watches(most: int) -> Notice:
    return notice(
        f"There are {most:,} watches here already",
        "More are not taken. “watches” lists them, each with a button that ends it.",
        "Nothing was changed.",
    )


def raised(number: int, *, again: bool = False) -> Notice:
    """Say which incident was made of an answer; `again`: it had been made before."""
    return notice(
        f"This is incident #{number} already" if again else f"This is incident #{number} now",
        "Its card comes here, as that of any other.",
        lines=[f"incident {number}"],
    )
