"""Short answers: what is known, what is not, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from audit.evidence import Missing
from cards import missing
from cards.elements import AdaptiveCard
from cards.text import line, plain, run

_ASKED = 200
EXAMPLES = ("audits coredns last 1h", "audits kube-system last 30m", "help")
_NOT_DONE = "Nothing was changed or shown."
_FAILED = "This could not be done now"
_UNREACHED = "The audit log, or what the bot itself keeps, could not be reached."
_NOT_NOW = "Try again in a few minutes, or look in the portal."


@dataclass(frozen=True, kw_only=True)
class Notice:
    """A title, which is also the phone's notification, and sentences. Any of them may hold foreign text."""

    title: str
    sentences: tuple[str, ...] = ()


def notice_card(said: Notice) -> dict[str, Any]:
    """Return the notice as a card."""
    title = line(run(said.title, weight="bolder", size="medium"))
    return AdaptiveCard.of([title, *(line(text, spacing="small") for text in said.sentences)], []).to_dict()


def notice(title: str, *sentences: str) -> Notice:
    return Notice(title=plain(title), sentences=tuple(plain(text) for text in sentences))


def welcome() -> Notice:
    return notice(
        "Kubernetes Auditor is here",
        "When an alert about a cluster fires, a card here says who did what, where, and whether it worked.",
        "Say “subscribe” in another channel to have the cards there too, and “help” for what you can ask.",
    )


def not_understood(text: str, hint: str = "") -> Notice:
    """Say what was read, the nearest command if there is one, and examples."""
    return notice(
        "That was not understood",
        f"Read: {plain(text, _ASKED)}" if text.strip() else "Nothing was asked.",
        *([plain(hint, _ASKED)] if hint else []),
        f"For example: {'; '.join(EXAMPLES)}.",
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
