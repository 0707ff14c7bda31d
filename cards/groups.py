"""Evidence as groups that open into their events: the middle of an incident's card and of a chat answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from audit.event import ActorKind
from audit.evidence import Evidence, Group
from cards import words
from cards.actions import toggle
from cards.alike import Placed
from cards.changes import change_blocks
from cards.elements import Container, RichTextBlock
from cards.event_rows import event_row, has_events, when
from cards.findings import finding_lines, over_all_lines
from cards.folded import folded_blocks
from cards.menu import menu_blocks
from cards.order import events_of, unfolded
from cards.size import Detail
from cards.text import Times, counted, joined, line, plain, run

__all__ = ["group_blocks", "has_events"]

#: An incident of so few events is open from the start.
FEW = 6
#: Addresses beside the one that cannot be forged, and facts of `first_seen`, that are named.
_MOST_CLAIMED = 2
_MOST_FIRSTS = 3


def group_blocks(
    evidence: Evidence,
    times: Times,
    detail: Detail,
    *,
    key: str = "",
    question: bool = False,
    most: int = 0,
) -> list[Any]:
    """Return the groups, riskiest first, what is folded below, and a line that says what is left out.

    So few events as FEW are open from the start; of more, the first group, and those after it while FEW rows are not
    exceeded. With the `key` of the incident, or of the `question`, a group has buttons to ask more about it. `most`:
    groups to show at most, where somebody asked for no more; 0 for as many as fit.
    """
    groups = unfolded(evidence)
    shown = most_groups(detail, most)
    few = sum(each.group.count for each in groups) <= FEW
    blocks: list[Any] = over_all_lines(evidence, detail)
    rows = 0
    for n, placed in enumerate(groups[:shown]):
        rows += len(placed.group.events[: detail.events])
        is_open = few or n == 0 or rows <= FEW
        has_menu = n < detail.menus
        menu = menu_blocks(placed, f"g{n}-more", key, detail, question=question) if has_menu else []
        blocks += _blocks(placed.group, f"g{n}", menu, times, detail, is_open=is_open)
    return [
        *blocks,
        *folded_blocks(evidence, times, detail),
        *_left_out(evidence, groups[shown:], top=shown if shown == most else 0),
        *_log_reaches(evidence, times),
    ]


def most_groups(detail: Detail, most: int) -> int:
    """Return how many groups a card shows: as many as there is room for, and no more than were asked for."""
    return min(detail.groups, most) if most > 0 else detail.groups


def _left_out(evidence: Evidence, left: Sequence[Placed], *, top: int) -> list[RichTextBlock]:
    """Say exactly what of the evidence stands nowhere on the card. `top`: how many were asked for, where that is why."""
    counts = {kind: sum(each.of for each in left if each.group.actor is kind) for kind in ActorKind}
    by = ", ".join(f"{n:,} by {words.ACTOR_COUNTS[kind][1]}" for kind, n in counts.items() if n)
    events = sum(each.group.count for each in left)
    groups = sum(each.of for each in left)
    parts = [f"{counted(groups, 'group')} with {counted(events, 'event')} ({by})"] if left else []
    if evidence.groups_left:
        parts.append(f"{counted(evidence.groups_left, 'further group')} that the workspace counted only")
    elif rest := events_of(evidence) - sum(group.count for group in evidence.groups):
        parts += [f"{counted(rest, 'event')} not read"] if rest > 0 else []
    why = f", for the top {top:,} were asked for" if left and top else ""
    return [line(f"Left out{why}: {'; '.join(parts)}.", spacing="small")] if parts else []


def _log_reaches(evidence: Evidence, times: Times) -> list[RichTextBlock]:
    """Say how much of the past "first time" was judged by."""
    if not evidence.reaches_back_to or not any(group.first_seen for group in evidence.groups):
        return []
    said = f"First times are judged by a log that reaches back to {times.dated(evidence.reaches_back_to)}."
    return [line(run(said, size="small", subtle=True), spacing="small")]


def _blocks(
    group: Group, name: str, menu: Sequence[Any], times: Times, detail: Detail, *, is_open: bool
) -> list[Any]:
    """Return the group's heading, what it changed, its menu and its events, each of which opens by itself."""
    head = [
        Container(items=_heading(group, times, detail), spacing="medium"),
        *change_blocks(group.change, f"{name}-change", detail),
        *menu,
    ]
    events = group.events[: detail.events]
    if not events:
        return head
    of = (
        f"its events ({len(events):,} of {group.count:,})" if len(events) < group.count else _its(group.count)
    )
    targets = [f"{name}-events", f"{name}-show", f"{name}-hide"]
    show = line(run(f"▸ Show {of}", color="accent"), id=targets[1], visible=not is_open, spacing="none")
    hide = line(run(f"▾ Hide {of}", color="accent"), id=targets[2], visible=is_open, spacing="none")
    rows = [event_row(event, times, detail) for event in events]
    return [
        *head,
        Container(
            items=[show, hide], select_action=toggle("Show or hide its events", targets), spacing="none"
        ),
        Container(items=rows, id=targets[0], visible=is_open, style="emphasis", spacing="small"),
    ]


def _its(count: int) -> str:
    return "its event" if count == 1 else f"its {count:,} events"


def _heading(group: Group, times: Times, detail: Detail) -> list[RichTextBlock]:
    """Return who and did it work; what and when; from where; how risky."""
    end = words.outcome(group.code, group.reason, detail.text, group.decision)
    user = run(words.who(group, detail.text), weight="bolder")
    facts = f" · {words.identity(group, detail.text)} · {words.how_often(group)} · "
    where = f"on {plain(group.cluster, detail.text)}" if group.cluster.strip() else ""
    came = origin(group, detail)
    return [
        line(user, facts, run(end, weight="bolder")),
        line(joined((words.act(group, detail.text), where, when(group, times))), spacing="none"),
        *([line(run(came, subtle=True, size="small"), spacing="none")] if came else []),
        *finding_lines(group.findings, detail),
    ]


def origin(group: Group, detail: Detail) -> str:
    """Return from where and by which program it came, what is new in it, and what Azure cut; "" where nothing is known."""
    firsts = [plain(text, detail.text) for text in group.first_seen[: min(_MOST_FIRSTS, detail.groups)]]
    cut = f"{counted(group.cut, 'row')} cut by Azure" if group.cut else ""
    return joined((_from(group, detail), words.client(group, detail.text), *firsts, cut))


def _from(group: Group, detail: Detail) -> str:
    """Name the address that cannot be forged, and what the client claims besides as that."""
    if not group.address:
        return _listed("from", group.source_ips, detail)
    claimed = _listed("claimed", [ip for ip in group.source_ips if ip != group.address], detail)
    return f"from {plain(group.address, detail.text)}{f' ({claimed})' if claimed else ''}"


def _listed(word: str, ips: Sequence[str], detail: Detail) -> str:
    named = ", ".join(plain(ip, detail.text) for ip in ips[:_MOST_CLAIMED])
    more = f" and {len(ips) - _MOST_CLAIMED:,} more" if len(ips) > _MOST_CLAIMED else ""
    return f"{word} {named}{more}" if named else ""
