"""What is watched, what waits, and what was given up: the answer to `status`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from cards.elements import AdaptiveCard, RichTextBlock
from cards.text import Times, counted, heading, joined, line, named, plain, run, summary_text

#: What has been due for longer than this is late.
LATE = timedelta(minutes=2)
#: Characters of a name, and of a problem.
_TEXT = 40
_LONG_TEXT = 400
_MOST_NAMES = 12


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """How much of one kind of work is due, in hand and given up."""

    #: One and many, as people call it: "card", "cards".
    what: tuple[str, str]
    due: int
    held: int
    failed: int
    oldest_due_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Watching:
    """Comparing with Azure Monitor's own list of alerts, for those that Azure never delivered."""

    #: When that last worked; None while it has not yet.
    last: datetime | None = None
    #: Why the last try did not, in a sentence with what to do; "" where it did.
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class Status:
    """All that the card tells."""

    at: datetime
    #: Since when this process runs.
    since: datetime
    workspaces: Sequence[str]
    #: Names of the conversations that get incidents.
    conversations: Sequence[str]
    waiting: Sequence[Waiting]
    #: None where the comparison is not part of this process.
    watching: Watching | None = None


def status_card(status: Status, *, zone: ZoneInfo) -> dict[str, Any]:
    """Return the status as an Adaptive Card 1.5."""
    times = Times(zone=zone, day=status.at)
    body = [
        line(run(_title(status), weight="bolder", size="medium")),
        line(_second(status, times), spacing="small"),
        heading("Work", size="default", spacing="medium"),
        *(_work(each, times) for each in status.waiting),
        heading("What is watched", size="default", spacing="medium"),
        _names("Workspaces", status.workspaces, "none is configured, so nothing is asked"),
        _names("Incidents come to", status.conversations, "nowhere: say subscribe in a channel"),
        *_missed(status.watching, times),
    ]
    return AdaptiveCard.of(body, []).to_dict()


def status_summary(status: Status, *, zone: ZoneInfo) -> str:
    """Return the card's first two lines as plain text, for the phone's notification."""
    return summary_text((_title(status), _second(status, Times(zone=zone, day=status.at))))


def _title(status: Status) -> str:
    late = [each for each in status.waiting if each.oldest_due_at and each.oldest_due_at < status.at - LATE]
    given_up = sum(each.failed for each in status.waiting)
    troubles = [f"{counted(each.due, *each.what)} late" for each in late]
    troubles += [f"{given_up:,} given up"] if given_up else []
    if not status.conversations:
        troubles.append("nobody gets incidents")
    if status.watching and status.watching.problem:
        troubles.append("alerts that Azure did not deliver are not looked for")
    return f"Not all is well: {', '.join(troubles)}" if troubles else "All that was due is done or in hand"


def _second(status: Status, times: Times) -> str:
    return (
        f"{times.dated(status.at)} ({times.stated()}) · this process runs since {times.dated(status.since)}"
    )


def _work(each: Waiting, times: Times) -> RichTextBlock:
    oldest = f"the oldest since {times.at(each.oldest_due_at)}" if each.oldest_due_at and each.due else ""
    given_up = f"{each.failed:,} given up (python -m api backlog tells which)" if each.failed else ""
    facts = joined((f"{each.due:,} due", oldest, f"{each.held:,} in hand" if each.held else "", given_up))
    many = each.what[1]
    return line(run(f"{many[:1].upper()}{many[1:]}: ", weight="bolder"), facts, spacing="small")


def _names(title: str, names: Sequence[str], otherwise: str) -> RichTextBlock:
    shown = [named(name, "(no name)", _TEXT) for name in names[:_MOST_NAMES]]
    more = len(names) - len(shown)
    told = ", ".join(shown) + (f" and {more:,} more" if more else "")
    count = f" ({len(names):,})" if len(names) > 1 else ""
    return line(run(f"{title}{count}: ", weight="bolder"), told or otherwise, spacing="small")


def _missed(watching: Watching | None, times: Times) -> list[RichTextBlock]:
    if watching is None:
        return []
    last = f"last compared {times.at(watching.last)}" if watching.last else "not compared yet"
    title = run("Alerts that Azure did not deliver: ", weight="bolder")
    return [line(title, joined((plain(watching.problem, _LONG_TEXT), last)), spacing="small")]
