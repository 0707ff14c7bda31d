"""Evidence as groups that open into their events: the middle of an incident's card and of a chat answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from audit.event import ActorKind
from audit.evidence import EventLine, Evidence, Group
from cards import words
from cards.actions import toggle
from cards.elements import Container, RichTextBlock
from cards.size import Detail
from cards.text import SEPARATOR, Times, counted, joined, line, named, plain, run

#: An incident of so few events is open from the start.
FEW = 6
#: How many single times a group's line names before it names the first and the last.
_SINGLE_TIMES = 3


def ordered(evidence: Evidence) -> Sequence[Group]:
    """Return the groups in the card's order: people first, whatever order they come in."""
    return sorted(evidence.groups, key=lambda group: group.actor)


def group_blocks(evidence: Evidence, times: Times, detail: Detail) -> list[Any]:
    """Return the groups, people first, with a line that says what is not shown.

    So few events as FEW are open from the start; of more, the first group of people or workloads, and those after it
    while FEW rows are not exceeded; the platform is closed then.
    """
    few = sum(group.count for group in evidence.groups) <= FEW
    blocks: list[Any] = []
    rows = 0
    for n, group in enumerate(ordered(evidence)[: detail.groups]):
        rows += len(group.events[: detail.events])
        is_open = few or (group.actor is not ActorKind.PLATFORM and (n == 0 or rows <= FEW))
        blocks += _blocks(group, f"g{n}", times, detail, is_open=is_open)
    return blocks + shown_of(evidence, detail)


def shown_of(evidence: Evidence, detail: Detail) -> list[RichTextBlock]:
    """Say exactly how much of the evidence stands on the card; nothing where that is all of it."""
    groups = ordered(evidence)
    shown, left = groups[: detail.groups], groups[detail.groups :]
    events = sum(len(group.events[: detail.events]) for group in shown)
    of = evidence.returned - evidence.repeated - evidence.unreadable
    parts = [f"{events:,} of {counted(of, 'event')}"] if events < of else []
    if left:
        parts.insert(0, f"{len(shown):,} of {counted(len(groups), 'group')} (left out: {_by_actor(left)})")
    return [line(f"Shown: {', '.join(parts)}.", spacing="small")] if parts else []


def _by_actor(groups: Sequence[Group]) -> str:
    counts = {kind: sum(group.actor is kind for group in groups) for kind in ActorKind}
    return ", ".join(f"{count:,} by {words.ACTOR_COUNTS[kind][1]}" for kind, count in counts.items() if count)


def _blocks(group: Group, name: str, times: Times, detail: Detail, *, is_open: bool) -> list[Container]:
    """Return the group's heading, which opens and closes, and its events: apart, so that these can be selected."""
    heading = _heading(group, times, detail)
    events = group.events[: detail.events]
    if not events:
        return [Container(items=heading, spacing="medium")]
    of = (
        f"its events ({len(events):,} of {group.count:,})" if len(events) < group.count else _its(group.count)
    )
    targets = [f"{name}-events", f"{name}-show", f"{name}-hide"]
    show = line(run(f"▸ Show {of}", color="accent"), id=targets[1], visible=not is_open, spacing="none")
    hide = line(run(f"▾ Hide {of}", color="accent"), id=targets[2], visible=is_open, spacing="none")
    rows = [_row(event, times, detail) for event in events]
    opens = toggle("Show or hide its events", targets)
    return [
        Container(items=[*heading, show, hide], select_action=opens, spacing="medium"),
        Container(items=rows, id=targets[0], visible=is_open, style="emphasis", spacing="small"),
    ]


def _its(count: int) -> str:
    return "its event" if count == 1 else f"its {count:,} events"


def _heading(group: Group, times: Times, detail: Detail) -> list[RichTextBlock]:
    """Two lines for people and workloads; one for the platform, which is folded."""
    end = words.outcome(group.code, group.reason, detail.text, group.decision)
    user = run(words.who(group, detail.text), weight="bolder")
    what = f"{words.did(group, detail.text)} {words.thing(group, detail.text)}"
    count = f"{SEPARATOR}{words.ACTORS[group.actor]}{SEPARATOR}{group.count:,}×{SEPARATOR}"  # noqa: RUF001
    if group.actor is ActorKind.PLATFORM:
        return [line(user, f"{count}{what}{SEPARATOR}", run(end, weight="bolder"))]
    origin = _origin(group, detail)
    return [
        line(user, count, run(end, weight="bolder")),
        line(joined((what, _when(group, times))), spacing="none"),
        *([line(run(origin, subtle=True, size="small"), spacing="none")] if origin else []),
    ]


def _when(group: Group, times: Times) -> str:
    moments = [event.time for event in group.events]
    if len(moments) == group.count and len(moments) <= _SINGLE_TIMES:
        return ", ".join(times.at(moment) for moment in moments)
    return f"{times.at(group.first)}–{times.at(group.last)}"  # noqa: RUF001


def _origin(group: Group, detail: Detail) -> str:
    ips = ", ".join(plain(ip, detail.text) for ip in group.source_ips[:2])
    more = f" and {len(group.source_ips) - 2:,} more" if len(group.source_ips) > 2 else ""  # noqa: PLR2004
    return joined((f"from {ips}{more}" if ips else "", words.agent(group.user_agent, detail.text)))


def _row(event: EventLine, times: Times, detail: Detail) -> RichTextBlock:
    """One event: exact time, user, verb, URL, outcome."""
    facts = (named(event.user, words.NOBODY, detail.text), named(event.verb, "(no verb)", detail.text))
    return line(
        run(times.at(event.time), weight="bolder"),
        f" {joined(facts)} ",
        run(named(event.uri, "(no URL)", 2 * detail.text), font="monospace", size="small"),
        f" {words.outcome(event.code, event.reason, detail.text)}",
        spacing="small",
    )


def has_events(groups: Sequence[Group]) -> bool:
    """Tell whether there is an event to ask the raw log of."""
    return any(event.audit_id for group in groups for event in group.events)
