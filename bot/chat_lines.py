"""Questions as lines: how one is written, and others that are near to it. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from audit.filter import Wanted, Window
from bot.asked import (
    AskActivity,
    AskCost,
    AskEvents,
    AskPerson,
    AskRaw,
    AskWho,
    Command,
    Question,
    ShowBlindSpots,
    ShowClusters,
    ShowRawLog,
    Topic,
)
from bot.asked_line import reads_secrets
from bot.grammar import from_text, line_of
from bot.spans import length_text
from bot.when import When

#: What is answered from the workspaces.
Asked = Question | ShowClusters | ShowBlindSpots
#: Those that say which events are meant.
AboutEvents = AskEvents | AskWho | AskPerson | AskActivity
#: Those that say a time.
Timed = AboutEvents | AskCost

#: Wider windows that are offered where nothing was found, and narrower ones where nothing was answered; each ends now.
_WIDER = tuple(timedelta(hours=hours) for hours in (24, 7 * 24))
_NARROWER = tuple(timedelta(minutes=minutes) for minutes in (4320, 1440, 720, 360, 180, 60, 30, 15, 5))
#: What is no shorter is halved.
_SHORTEST = timedelta(minutes=5)
#: A window that ended so long ago ends now, as people mean it.
_NOW = timedelta(minutes=2)


def about(command: Command) -> Wanted:
    """Return which events are meant; all of them where the command does not say."""
    return command.what if isinstance(command, AboutEvents) else Wanted()


def reads_more(command: Command) -> bool:
    """Tell whether the answer says more than a card of an incident: a raw event, or who reads which secrets."""
    match command:
        case AskRaw() | ShowRawLog() | AskEvents(topic=Topic.SECRETS):
            return True
        case AskEvents() | AskWho() | AskPerson() | AskActivity():
            return reads_secrets(command.what)
        case _:
            return False


def wider(command: Timed, window: Window, now: datetime, longest: timedelta) -> str:
    """Return the same question of the next longer time that has the window in it; "" where there is none."""
    for span in (*_WIDER, longest):
        if window.length < span <= longest and now - span <= window.start:
            return at(command, f"last {length_text(span)}")
    return ""


def narrower(command: Timed, window: Window, now: datetime, zone: ZoneInfo) -> str:
    """Return the same question of at most half the time, the later half; "" for a window that is short already."""
    half = window.length / 2
    if now - window.end <= _NOW:
        span = next((span for span in _NARROWER if span <= half), None)
        return at(command, f"last {length_text(span)}") if span else ""
    if half < _SHORTEST:
        return ""
    edges = (each.astimezone(zone) for each in (window.end - half, window.end))
    first, last = (f"{each:%Y-%m-%d %H:%M}" for each in edges)
    return at(command, f"between {first} and {last}")


def reachable(command: Timed, longest: timedelta) -> str:
    """Return the same question of the longest time that may be asked for."""
    return at(command, f"last {length_text(longest)}")


def on(command: AboutEvents, cluster: str) -> str:
    """Return the same question of one cluster, by its full name."""
    return line_of(replace(command, what=replace(command.what, cluster=cluster)))


def by_user(command: AskWho, user: str) -> str:
    """Return the line that asks what this user did in the same time and place; "" where no line says so exactly."""
    what = Wanted(user=user, cluster=command.what.cluster)
    return _exact(AskPerson(what=what, when=command.when)) if user else ""


def at(command: Timed, text: str) -> str:
    """Return the same question of another time; "" for a time that the grammar does not take."""
    read = from_text(line_of(replace(command, when=When(text=text))))
    # The grammar may have shorter words for that time.
    is_same = isinstance(read, Timed) and replace(read, when=command.when) == command
    return line_of(read) if is_same else ""


def _exact(question: Question) -> str:
    line = line_of(question)
    return line if from_text(line) == question else ""
