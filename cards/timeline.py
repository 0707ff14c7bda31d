"""What one person did, object by object, oldest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from audit.asked import Asked
from audit.evidence import Evidence, Group, Severity
from audit.involved import object_of
from cards import answering, words
from cards.actions import list_events, toggle
from cards.alike import Placed
from cards.changes import change_blocks
from cards.elements import FULL_WIDTH, Action, AdaptiveCard, Container, RichTextBlock
from cards.event_rows import when
from cards.findings import finding_lines, over_all_lines
from cards.groups import origin
from cards.menu import menu_items
from cards.order import events_of
from cards.size import LADDER, Detail, fit
from cards.text import Times, counted, joined, line, plain, run

#: User names that the second line names; what somebody asked for may be part of several.
_MOST_USERS = 3
#: Objects for each group that a card of groups would show: here one takes less room.
_OBJECTS = 2


@dataclass(frozen=True, kw_only=True)
class _Thing:
    """An object and what was done to it, oldest first."""

    groups: tuple[Group, ...]

    @property
    def count(self) -> int:
        return sum(group.count for group in self.groups)

    @property
    def severity(self) -> Severity:
        return max(group.severity for group in self.groups)

    @property
    def first(self) -> datetime:
        return self.groups[0].first


def timeline_card(
    asked: Asked,
    evidence: Evidence,
    *,
    zone: ZoneInfo,
    wider: str = "",
    reaches_back_to: datetime | None = None,
) -> dict[str, Any]:
    """Return the person's acts as an Adaptive Card 1.5 of at most cards.size.BUDGET bytes. `zone` is the asker's.

    Objects come by their first act; where there is not room for all, the riskiest are kept and the card says how many are
    not shown. The rest is as in cards.asked.
    """
    times = answering.times_of(asked, zone)
    things = _things(evidence)

    def build(detail: Detail) -> AdaptiveCard:
        is_empty = not evidence.missing and not events_of(evidence)
        nothing = answering.nothing_found(
            asked,
            times,
            detail,
            wider=wider,
            reaches_back_to=reaches_back_to,
            blind_spots=evidence.blind_spots,
        )
        body = [
            answering.head(asked, _found(evidence, things, detail), times, detail),
            *answering.doubts(asked, detail),
            *answering.about_rows(asked, evidence, detail),
            *(nothing if is_empty else _middle(asked, evidence, things, times, detail)),
            *answering.foot(asked, times, detail),
        ]
        actions = answering.buttons(
            asked, first=_list_all(asked, evidence), wider=wider if is_empty else "", can_raise=not is_empty
        )
        return AdaptiveCard.of(body, actions, msteams=FULL_WIDTH)

    return fit(build)


def timeline_summary(asked: Asked, evidence: Evidence, *, zone: ZoneInfo) -> str:
    """Return the card's first two lines as plain text, for the phone's notification."""
    return answering.summary(asked, _found(evidence, _things(evidence), LADDER[0]), zone)


def _things(evidence: Evidence) -> Sequence[_Thing]:
    """Return the objects by their first act; the same name on another cluster is another object."""
    if evidence.missing:
        return []
    found: dict[tuple[str, str], list[Group]] = {}
    for group in sorted(evidence.groups, key=lambda each: each.first):
        found.setdefault((group.cluster, object_of(group)), []).append(group)
    return [_Thing(groups=tuple(groups)) for groups in found.values()]


def _found(evidence: Evidence, things: Sequence[_Thing], detail: Detail) -> str:
    """Return "alice@contoso.com: 7 events on 3 objects", with every user name that matched."""
    if evidence.missing:
        return answering.why_not(evidence.missing)
    events = events_of(evidence)
    if not events:
        return "Nothing found."
    groups = [group for thing in things for group in thing.groups]
    known = sum(group.count for group in groups)
    least = "at least " if known < events else ""
    on = f" on {least}{counted(len(things), 'object')}" if things else ""
    by = f"{words.users(groups, detail.text, _MOST_USERS)}: " if groups else ""
    return f"{by}{'at least ' if evidence.partial else ''}{counted(events, 'event')}{on}"


def _middle(
    asked: Asked, evidence: Evidence, things: Sequence[_Thing], times: Times, detail: Detail
) -> list[Any]:
    if evidence.missing:
        return []
    most = _OBJECTS * detail.groups
    kept = sorted(things, key=lambda thing: (-thing.severity, thing.first))[:most]
    shown = sorted(kept, key=lambda thing: thing.first)
    several = len({(group.user, group.impersonated) for thing in things for group in thing.groups}) > 1
    blocks: list[Any] = over_all_lines(evidence, detail)
    menus = detail.menus
    for n, thing in enumerate(shown):
        blocks += _thing(thing, f"t{n}", asked.key, times, detail, named_too=several, menus=max(0, menus))
        menus -= len(thing.groups)
    return [
        *blocks,
        *_left_out(evidence, things, shown),
        *answering.blind_spot_blocks(evidence.blind_spots, detail),
    ]


def _thing(
    thing: _Thing, name: str, key: str, times: Times, detail: Detail, *, named_too: bool, menus: int
) -> list[Any]:
    """Return the object with its count, and what was done to it, each of which opens."""
    group = thing.groups[0]
    what = plain(words.thing(group, detail.text))
    where = f"on {plain(group.cluster, detail.text)}" if group.cluster.strip() else ""
    facts = joined((where, counted(thing.count, "event")))
    blocks: list[Any] = [line(run(what, weight="bolder"), f" · {facts}", spacing="medium")]
    for n, each in enumerate(thing.groups[: detail.events]):
        opened = _opened(each, f"{name}-{n}", key, detail) if n < menus else []
        blocks += _deed(each, f"{name}-{n}", opened, times, detail, named_too=named_too)
    left = thing.groups[detail.events :]
    if left:
        events = counted(sum(each.count for each in left), "event")
        blocks.append(line(f"{counted(len(left), 'more kind')} of request, {events}.", spacing="none"))
    return blocks


def _deed(
    group: Group, name: str, opened: Sequence[Any], times: Times, detail: Detail, *, named_too: bool
) -> list[Any]:
    """Return the times, what was done and how it ended; where there is more to tell, the line opens it."""
    ended = words.everyone(words.requests(group)) + words.outcome(
        group.code, group.reason, detail.text, group.decision
    )
    by = f"{words.who(group, detail.text)} " if named_too else ""
    often = f" {words.how_often(group)}" if group.count > 1 else ""
    said = line(
        run("▸ ", color="accent") if opened else run("– "),  # noqa: RUF001
        run(when(group, times), weight="bolder"),
        f" {by}{_did(group, detail)}{often}; ",
        run(ended, weight="bolder"),
        spacing="none",
    )
    rows = [said, *finding_lines(group.findings, detail)]
    if not opened:
        return rows
    opens = toggle("Show or hide more about it", [name])
    return [
        Container(items=rows, select_action=opens, spacing="small"),
        Container(items=list(opened), id=name, visible=False, style="emphasis", spacing="small"),
    ]


def _did(group: Group, detail: Detail) -> str:
    """Return what was done; without the object, which stands above, where the sentence only repeats it."""
    bare, whole = words.did(group, detail.text), words.act(group, detail.text)
    return bare if whole == f"{bare} {words.thing(group, detail.text)}" else whole


def _opened(group: Group, name: str, key: str, detail: Detail) -> list[Any]:
    """Return from where it came, what changed, what to do next, and the questions about it."""
    came = origin(group, detail)
    return [
        *([line(run(came, size="small", subtle=True), spacing="none")] if came else []),
        *change_blocks(group.change, f"{name}-change", detail),
        *menu_items(Placed(index=0, group=group), key, detail, question=True),
    ]


def _left_out(evidence: Evidence, things: Sequence[_Thing], shown: Sequence[_Thing]) -> list[RichTextBlock]:
    left = len(things) - len(shown)
    events = sum(thing.count for thing in things) - sum(thing.count for thing in shown)
    unread = max(0, events_of(evidence) - sum(thing.count for thing in things))
    parts = [f"{counted(left, 'object')} with {counted(events, 'event')}"] if left else []
    parts += [f"{counted(unread, 'event')} not read"] if unread else []
    return [line(f"Left out: {'; '.join(parts)}.", spacing="small")] if parts else []


def _list_all(asked: Asked, evidence: Evidence) -> Sequence[Action]:
    """Offer each event by itself where a line may stand for several."""
    events = 0 if evidence.missing else events_of(evidence)
    if not asked.key or events <= len(evidence.groups):
        return ()
    return (list_events(asked.key, title=f"List all {events:,}"),)
