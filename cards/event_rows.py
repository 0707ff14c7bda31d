"""Single events of a group, and when they were."""

from __future__ import annotations

from collections.abc import Sequence

from audit.evidence import EventLine, Group
from cards import words
from cards.elements import RichTextBlock
from cards.size import Detail
from cards.text import Times, joined, line, named, run

#: How many single times a group's line names before it names the first and the last.
_SINGLE_TIMES = 3


def event_row(event: EventLine, times: Times, detail: Detail) -> RichTextBlock:
    """Return one event: exact time, user, verb, URL, outcome."""
    facts = (named(event.user, words.NOBODY, detail.text), named(event.verb, "(no verb)", detail.text))
    return line(
        run(times.at(event.time), weight="bolder"),
        f" {joined(facts)} ",
        run(named(event.uri, "(no URL)", 2 * detail.text), font="monospace", size="small"),
        f" {words.outcome(event.code, event.reason, detail.text)}",
        spacing="small",
    )


def when(group: Group, times: Times) -> str:
    """Return the group's times: each of a few, else the first and the last."""
    moments = [event.time for event in group.events]
    if len(moments) == group.count and len(moments) <= _SINGLE_TIMES:
        return ", ".join(dict.fromkeys(times.at(moment) for moment in moments))
    if group.first == group.last:
        return times.at(group.first)
    return f"{times.at(group.first)}–{times.at(group.last)}"  # noqa: RUF001


def has_events(groups: Sequence[Group]) -> bool:
    """Tell whether there is an event to ask the raw log of."""
    return any(event.audit_id for group in groups for event in group.events)
