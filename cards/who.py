"""Who did it: users with counts and what they did last, people first, the platform folded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from audit.actor import ActorKind, kind_of
from audit.asked import Actors, ActorSeen, Asked
from audit.deeds import describe_request
from cards import answering, words
from cards.actions import ask, toggle
from cards.elements import FULL_WIDTH, ActionSet, AdaptiveCard, Container, RichTextBlock
from cards.order import reason
from cards.size import Detail, fit
from cards.text import Times, counted, joined, line, named, plain, run

_NOTHING: Mapping[str, str] = MappingProxyType({})
#: Reasons that the folded line names.
_MOST_REASONS = 3


def who_card(
    asked: Asked,
    actors: Actors,
    *,
    zone: ZoneInfo,
    wider: str = "",
    top: int = 0,
    lines: Mapping[str, str] = _NOTHING,
    reaches_back_to: datetime | None = None,
    blind_spots: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the users as an Adaptive Card 1.5 of at most cards.size.BUDGET bytes. `zone` is the asker's.

    `top`: how many users were asked for at most, the platform's aside; 0 for as many as fit. `lines`: by a user's name the
    line that asks what that user did in the same window; a user that is not in it has no button. The rest is as in
    cards.asked.
    """
    times = answering.times_of(asked, zone)
    own = [seen for seen in actors.rows if seen.kind is not ActorKind.PLATFORM]
    folded = [seen for seen in actors.rows if seen.kind is ActorKind.PLATFORM]

    def build(detail: Detail) -> AdaptiveCard:
        most = min(2 * detail.groups, top) if top > 0 else 2 * detail.groups
        users = [
            block
            for n, seen in enumerate(own[:most])
            for block in _user(seen, lines.get(seen.user, "") if n < detail.menus else "", times, detail)
        ]
        nothing = answering.nothing_found(
            asked, times, detail, wider=wider, reaches_back_to=reaches_back_to, blind_spots=blind_spots
        )
        found = [
            *users,
            *_folded(folded, times, detail),
            *_left_out(actors, own[most:], top if most == top else 0),
        ]
        body = [
            answering.head(asked, _found(actors), times, detail),
            *answering.doubts(asked, detail),
            *([*found, *answering.blind_spot_blocks(blind_spots, detail)] if _is_any(actors) else nothing),
            *answering.foot(asked, times, detail),
        ]
        is_any = _is_any(actors)
        actions = answering.buttons(asked, wider="" if is_any else wider, can_raise=is_any)
        return AdaptiveCard.of(body, actions, msteams=FULL_WIDTH)

    return fit(build)


def who_summary(asked: Asked, actors: Actors, *, zone: ZoneInfo) -> str:
    """Return the card's first two lines as plain text, for the phone's notification."""
    return answering.summary(asked, _found(actors), zone)


def _is_any(actors: Actors) -> bool:
    return bool(actors.rows or actors.events)


def _found(actors: Actors) -> str:
    """Return "7 events by 2 people and the platform; 3 failed or were refused"."""
    if not _is_any(actors):
        return "Nothing found."
    failed = sum(seen.failed for seen in actors.rows)
    known = sum(seen.count for seen in actors.rows)
    least = "at least " if known < actors.events else ""
    ended = f"{least}{failed:,} failed or refused" if failed else "none failed" if not least else ""
    by = f" by {_by(actors)}" if actors.users else ""
    return "; ".join(part for part in (f"{counted(actors.events, 'event')}{by}", ended) if part)


def _by(actors: Actors) -> str:
    """Return who, in numbers by kind; where not all users are known, how many there are."""
    if actors.users > len(actors.rows):
        return counted(actors.users, "user")
    parts = []
    for kind, (one, many) in words.ACTOR_COUNTS.items():
        count = sum(seen.kind is kind for seen in actors.rows)
        if count:
            parts.append(one if kind is ActorKind.PLATFORM else counted(count, one, many))
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


# --- one user --------------------------------------------------------------------------------------


def _user(seen: ActorSeen, text: str, times: Times, detail: Detail) -> list[Any]:
    """Return who and how often; when and what last; and a button to ask for all of it."""
    facts = (_identity(seen), counted(seen.count, "event"), _ended(seen, times))
    lines = [
        line(run(_name(seen, detail), weight="bolder"), f" · {joined(facts)}"),
        line(joined((_last(seen, times, detail), _objects(seen))), spacing="none"),
    ]
    block = Container(items=lines, spacing="medium")
    if not answering.can_ask(text):
        return [block]
    return [block, ActionSet(actions=[ask(text, "What did they do")], spacing="small")]


def _name(seen: ActorSeen, detail: Detail) -> str:
    user = named(seen.user, words.NOBODY, detail.text)
    return f"{user} acting as {plain(seen.impersonated, detail.text)}" if seen.impersonated else user


def _identity(seen: ActorSeen) -> str:
    """Return who it is as exactly as the name tells: who acts as another is of the kind that is seen first."""
    exact = kind_of(seen.user)
    return str(exact) if exact.actor is seen.kind else words.ACTORS[seen.kind]


def _ended(seen: ActorSeen, times: Times) -> str:
    """Say how many did not work; "" where all did, which the card's second line says of all users."""
    if not seen.failed:
        return ""
    is_all = seen.failed >= seen.count
    told = f"{'all' if is_all and seen.count > 1 else f'{seen.failed:,}'} failed or refused"
    is_after = seen.done is not None and seen.last > seen.done
    return f"{told}, last {times.at(seen.last)}" if is_after else told


def _last(seen: ActorSeen, times: Times, detail: Detail) -> str:
    """Return "last 14:03:22: deleted deployment shop/frontend": the last that worked, or that was tried where none did."""
    action = describe_request(
        verb=seen.verb,
        resource=seen.resource,
        subresource=seen.subresource,
        namespace=seen.namespace,
        name=seen.name,
    )
    said = action.done if seen.done else f"tried to {action.base}"
    told = f": {plain(said, 2 * detail.text)}" if seen.verb else ""
    worked = seen.count - seen.failed if seen.done else seen.count
    return f"{'last ' if worked > 1 else ''}{times.at(seen.done or seen.last)}{told}"


def _objects(seen: ActorSeen) -> str:
    return f"{counted(seen.objects, 'object')} in all" if seen.objects > 1 else ""


# --- what is folded, and what is left out ----------------------------------------------------------


def _folded(folded: Sequence[ActorSeen], times: Times, detail: Detail) -> list[Any]:
    """Return one line for the platform with the reasons, which opens into its users."""
    if not folded:
        return []
    targets = ["fold-all", "fold-show", "fold-hide"]
    users = counted(len(folded), "user")
    show = line(run(f"▸ Show {users}", color="accent"), id=targets[1], spacing="none")
    hide = line(run(f"▾ Hide {users}", color="accent"), id=targets[2], visible=False, spacing="none")
    shown = folded[: detail.groups]
    lines: list[RichTextBlock] = [_in_fold(seen, times, detail) for seen in shown]
    if len(shown) < len(folded):
        lines.append(line(f"{len(folded) - len(shown):,} more.", spacing="small"))
    opens = toggle("Show or hide what is folded", targets)
    return [
        Container(items=[_fold_title(folded), show, hide], select_action=opens, spacing="medium"),
        Container(items=lines, id=targets[0], visible=False, style="emphasis", spacing="small"),
    ]


def _fold_title(folded: Sequence[ActorSeen]) -> RichTextBlock:
    reasons = list(dict.fromkeys(reason(seen.user) for seen in folded))
    more = len(reasons) - _MOST_REASONS
    why = ", ".join(reasons[:_MOST_REASONS]) + (f" and {more:,} more" if more > 0 else "")
    failed = sum(seen.failed for seen in folded)
    events = counted(sum(seen.count for seen in folded), "event")
    ended = f"{failed:,} failed or refused" if failed else "none failed"
    return line(run("The platform", weight="bolder"), f" · {why} · {joined((events, ended))}")


def _in_fold(seen: ActorSeen, times: Times, detail: Detail) -> RichTextBlock:
    facts = (counted(seen.count, "event"), _ended(seen, times), _last(seen, times, detail))
    return line(run(_name(seen, detail), weight="bolder"), f" · {joined(facts)}", spacing="small")


def _left_out(actors: Actors, left: Sequence[ActorSeen], top: int) -> list[RichTextBlock]:
    """Say how many users and events stand nowhere on the card. `top`: how many were asked for, where that is why."""
    unknown = max(0, actors.users - len(actors.rows))
    users = len(left) + unknown
    events = sum(seen.count for seen in left) + max(0, actors.events - sum(s.count for s in actors.rows))
    if not users and not events:
        return []
    why = f", for the top {top:,} were asked for" if left and top else ""
    return [
        line(f"Left out{why}: {counted(users, 'user')} with {counted(events, 'event')}.", spacing="small")
    ]
